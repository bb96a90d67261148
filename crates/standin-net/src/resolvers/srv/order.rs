//! The order of SRV records.

use standin_core::{Server, jitter};

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) server: Server,
}

/// The servers by priority and, among equals, by weight. A server that is there twice counts once,
/// where it comes first.
///
/// Among equals each server draws an exponential time of rate `weight` from `seed` and its own name,
/// and the earliest comes first, which gives each the chance that RFC 2782 wants. So the order is the
/// same each time, and a server that is added or taken away changes the place of no other.
pub(super) fn in_order(records: &[Record], seed: u64) -> Vec<Server> {
    let mut drawn: Vec<(u16, f64, &Server)> = records
        .iter()
        .map(|record| (record.priority, time(record, seed), &record.server))
        .collect();
    drawn.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut servers: Vec<Server> = Vec::with_capacity(drawn.len());
    for (_, _, server) in drawn {
        if !servers.contains(server) {
            servers.push(server.clone());
        }
    }
    servers
}

fn time(record: &Record, seed: u64) -> f64 {
    // As Puppet weighs: nothing counts as a tenth of one.
    let weight = match record.weight {
        0 => 1.0,
        weight => f64::from(weight) * 10.0,
    };
    let bits = jitter::seed_of(&format!("{seed}/{}", record.server.authority()));
    // Of 53 bits, which is what a double holds; never 0.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let uniform = ((bits >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
    -uniform.ln() / weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, server: &str) -> Record {
        Record {
            priority,
            weight,
            server: Server::parse(server, 8140).unwrap(),
        }
    }

    fn names(records: &[Record], seed: u64) -> Vec<String> {
        let servers = in_order(records, seed);
        servers
            .iter()
            .map(|server| server.host().to_owned())
            .collect()
    }

    #[test]
    fn priority_comes_before_weight() {
        let records = [
            record(20, 65535, "c"),
            record(10, 0, "b"),
            record(0, 0, "a"),
        ];
        for seed in 0..100 {
            assert_eq!(names(&records, seed), ["a", "b", "c"]);
        }
    }

    #[test]
    fn equals_come_first_as_often_as_they_weigh() {
        let records = [record(0, 10, "a"), record(0, 30, "b"), record(0, 60, "c")];
        let mut first = std::collections::HashMap::new();
        for seed in 0..10_000 {
            *first.entry(names(&records, seed)[0].clone()).or_insert(0) += 1;
        }
        for (name, expected) in [("a", 1000), ("b", 3000), ("c", 6000)] {
            let found: i32 = first[name];
            assert!((found - expected).abs() < 200, "{name}: {found}");
        }
    }

    #[test]
    fn a_weight_of_nothing_is_seldom_first_and_not_never() {
        let records = [record(0, 0, "a"), record(0, 1, "b")];
        let first = (0..1000)
            .filter(|seed| names(&records, *seed)[0] == "a")
            .count();
        assert!((50..140).contains(&first), "{first}");
    }

    #[test]
    fn a_server_more_changes_the_order_of_no_others() {
        let records = [record(0, 5, "a"), record(0, 5, "b"), record(0, 5, "c")];
        for seed in 0..100 {
            let without: Vec<String> = names(&records, seed);
            let without: Vec<&String> = without.iter().filter(|name| *name != "b").collect();
            let fewer = [records[2].clone(), records[0].clone()];
            assert_eq!(names(&fewer, seed).iter().collect::<Vec<_>>(), without);
        }
    }

    #[test]
    fn a_server_that_is_there_twice_counts_once() {
        let records = [record(1, 0, "a"), record(0, 0, "b"), record(0, 0, "a")];
        assert_eq!(in_order(&records, 0).len(), 2);
    }
}
