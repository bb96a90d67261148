use super::*;
use crate::plan::Step;
use crate::policy::{Failback, Hysteresis};
use crate::verdict::Processed;
use crate::{Server, Service};

mod change_of_lists;
mod forced;
mod modes;
mod stuck;

const SERVER: Class = Class::Service(Service::PuppetServer);
const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn health_with(failback: Failback) -> Health {
    let installation = Installation::of_hosts("m", Some("r")).unwrap();
    let policy = Policy {
        failback,
        ..Policy::default()
    };
    Health::new(&installation, policy, 0)
}

fn health() -> Health {
    health_with(Failback::default())
}

fn first(health: &Health, method: &str, path: &str, now: Moment) -> usize {
    let operation = Operation::of(method, path).unwrap();
    let mut plan = health.plan(operation, None, None, now, 0).unwrap();
    match plan.step(now, health.budget()) {
        Step::Attempt { place, .. } => place,
        other => panic!("{other:?}"),
    }
}

fn node(health: &Health, seconds: u64) -> usize {
    first(health, "GET", "/puppet/v3/node/a", at(seconds))
}

fn record(health: &Health, class: Class, place: usize, verdict: Verdict, seconds: u64) {
    let mark = health.mark(class, place).unwrap();
    health.record(class, place, mark, verdict, at(seconds), u64::MAX);
}

fn look_up() -> Operation {
    Operation::of("GET", "/puppet/v3/node/a").unwrap()
}

fn query() -> Operation {
    Operation::of("GET", "/pdb/query/v4").unwrap()
}

fn command() -> Operation {
    Operation::of("POST", "/pdb/cmd/v1").unwrap()
}

/// Asks each time a probe is due, and returns the seconds at which `came` was said.
fn probe(health: &Health, seconds: std::ops::Range<u64>, came: Probed) -> Vec<u64> {
    let mut asked = Vec::new();
    for second in seconds {
        if let Some(probe) = health.probe_due(look_up(), at(second)) {
            assert!(
                health.probe_due(look_up(), at(second)).is_none(),
                "two probes"
            );
            health.probed(&probe, came, at(second), u64::MAX);
            asked.push(second);
        }
    }
    asked
}

#[test]
fn a_refused_port_moves_every_service_of_that_port_and_no_other() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    assert_eq!(node(&health, 0), 1);
    assert_eq!(first(&health, "GET", "/file-sync/v1/x", at(0)), 1);
    assert_eq!(first(&health, "GET", "/pdb/query/v4", at(0)), 0);
}

#[test]
fn failures_of_one_service_do_not_touch_its_neighbour() {
    let health = health();
    let not_ready = Verdict::NotReady(Processed::No);
    let classifier = Class::Service(Service::NodeClassifier);
    for second in 0..3 {
        record(&health, classifier, 0, not_ready, second);
    }
    let classify = "/classifier-api/v1/classified/nodes/a";
    assert_eq!(first(&health, "POST", classify, at(3)), 1);
    assert_eq!(first(&health, "GET", "/rbac-api/v1/users", at(3)), 0);
}

#[test]
fn failed_queries_do_not_touch_commands() {
    let health = health();
    let queries = Class::Service(Service::PuppetDb);
    for second in 0..3 {
        record(
            &health,
            queries,
            0,
            Verdict::NotReady(Processed::No),
            second,
        );
    }
    assert_eq!(first(&health, "GET", "/pdb/query/v4", at(3)), 1);
    assert_eq!(first(&health, "POST", "/pdb/cmd/v1", at(3)), 0);
}

#[test]
fn busy_and_answered_errors_bench_nobody() {
    let health = health();
    for second in 0..20 {
        record(&health, SERVER, 0, Verdict::Busy(Duration::ZERO), second);
        record(&health, SERVER, 0, Verdict::Answered, second);
    }
    assert_eq!(node(&health, 20), 0);
}

#[test]
fn a_fault_of_this_machine_benches_nobody() {
    let health = health();
    for second in 0..20 {
        record(&health, SERVER, 0, Verdict::Local, second);
    }
    assert_eq!(node(&health, 20), 0);
}

#[test]
fn the_one_that_took_over_holds_the_service_when_the_bench_is_over() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    let event = health.take_over(SERVER, 1, at(0)).unwrap();
    assert!(matches!(event, Event::Failover { .. }));
    assert_eq!(node(&health, 1000), 1);
}

#[test]
fn a_write_for_the_master_still_goes_to_the_master() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    let path = "/puppet-ca/v1/certificate_request/a";
    assert_eq!(first(&health, "PUT", path, at(1)), 0);
}

#[test]
fn work_returns_after_two_good_probes_and_thirty_seconds() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    let asked = probe(&health, 1..60, Probed::Good);
    assert_eq!(asked, [10, 20, 30, 40]);
    assert_eq!(node(&health, 41), 0);
}

#[test]
fn a_host_that_answers_at_one_port_is_asked_at_its_others() {
    let health = health();
    let queries = Class::Service(Service::PuppetDb);
    for second in [0, 10, 30, 100] {
        record(&health, queries, 0, REFUSED, second);
    }
    record(&health, SERVER, 0, REFUSED, 100);
    health.take_over(queries, 1, at(100));
    assert!(health.probe_due(query(), at(110)).is_none(), "a long bench");
    record(&health, SERVER, 0, Verdict::Answered, 110);
    assert!(health.probe_due(query(), at(110)).is_some());
}

#[test]
fn a_probe_older_than_its_hosts_return_is_asked_again_soon() {
    let health = health();
    let queries = Class::Service(Service::PuppetDb);
    for second in [0, 10, 30] {
        record(&health, queries, 0, REFUSED, second);
    }
    record(&health, SERVER, 0, REFUSED, 30);
    health.take_over(queries, 1, at(30));
    let probe = health.probe_due(query(), at(60)).unwrap();
    record(&health, SERVER, 0, Verdict::Answered, 61);
    health.probed(&probe, Probed::Bad(REFUSED), at(62), u64::MAX);
    assert!(health.probe_due(query(), at(72)).is_some());
}

#[test]
fn an_agent_waits_for_its_share_of_the_spread() {
    let installation = Installation::of_hosts("m", Some("r")).unwrap();
    let health = Health::new(&installation, Policy::default(), u64::MAX / 2);
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    let asked = probe(&health, 1..400, Probed::Good);
    assert_eq!(
        asked.last(),
        Some(&190),
        "10 s, then 30 s and half of 5 min"
    );
}

#[test]
fn a_bad_probe_starts_the_count_again_and_lengthens_the_bench() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    assert_eq!(probe(&health, 1..21, Probed::Good), [10, 20]);
    assert_eq!(probe(&health, 21..31, Probed::Bad(REFUSED)), [30]);
    let asked = probe(&health, 31..120, Probed::Good);
    assert_eq!(asked.len(), 4);
    assert!(asked[3] >= asked[0] + 30);
}

#[test]
fn a_dropped_probe_is_asked_again() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    assert_eq!(probe(&health, 1..41, Probed::Dropped), [10, 20, 30, 40]);
    assert_eq!(node(&health, 1000), 1);
}

#[test]
fn questions_are_apart_by_three_quarters_of_the_interval_to_all_of_it() {
    for (random, apart) in [(0, 7500), (u64::MAX, 10_000)] {
        let health = health();
        record(&health, look_up().class(), 0, REFUSED, 0);
        health.take_over(look_up().class(), 1, at(0));
        let probe = health.probe_due(look_up(), at(20)).unwrap();
        health.probed(&probe, Probed::Good, at(20), random);
        let due = |millis| {
            let now = at(20) + Duration::from_millis(millis);
            health.probe_due(look_up(), now).is_some()
        };
        assert!(!due(apart - 1));
        assert!(due(apart));
    }
}

#[test]
fn while_all_is_well_nobody_is_probed() {
    assert!(probe(&health(), 0..1000, Probed::Good).is_empty());
}

#[test]
fn never_means_until_the_holder_fails() {
    let health = health_with(Failback::Never);
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    assert!(probe(&health, 0..1000, Probed::Good).is_empty());
    record(&health, SERVER, 1, REFUSED, 1000);
    record(&health, SERVER, 0, Verdict::Answered, 1000);
    let event = health.take_over(SERVER, 0, at(1000)).unwrap();
    assert!(matches!(event, Event::Failback { .. }));
}

#[test]
fn next_run_returns_where_a_run_begins_and_nowhere_else() {
    let health = health_with(Failback::NextRun(Hysteresis {
        spread: Duration::ZERO,
        ..Hysteresis::default()
    }));
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    probe(&health, 1..100, Probed::Good);
    assert_eq!(node(&health, 100), 1);
    assert!(!health.begin_run(at(100)).is_empty());
    assert_eq!(node(&health, 100), 0);
}

#[test]
fn immediate_returns_with_the_first_good_answer() {
    let health = health_with(Failback::Immediate);
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    record(&health, SERVER, 0, Verdict::Answered, 1);
    assert_eq!(node(&health, 1), 0);
}

#[test]
fn a_flapping_master_is_not_returned_to() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    for second in 1..600 {
        let came = match second % 2 {
            0 => Probed::Good,
            _ => Probed::Bad(REFUSED),
        };
        record(&health, SERVER, 0, REFUSED, second);
        probe(&health, second..second + 1, came);
        assert_eq!(health.holder(SERVER), Some(1));
    }
}

#[test]
fn the_earliest_deadline_counts() {
    let health = health();
    let operation = Operation::of("GET", "/puppet/v3/node/a").unwrap();
    let plan = |deadline| health.plan(operation, None, deadline, at(0), 0).unwrap();
    assert_eq!(plan(None).deadline(), at(240));
    assert_eq!(plan(Some(at(7))).deadline(), at(7));
    assert_eq!(plan(Some(at(999))).deadline(), at(240));
}

#[test]
fn a_benched_server_without_a_stand_in_is_not_waited_for_long() {
    let health = health();
    let limit = |alone| health.connect_limit(SERVER, 0, alone, at(1));
    assert_eq!(limit(Alone::Yes), Duration::from_millis(3100));
    record(&health, SERVER, 0, REFUSED, 0);
    assert_eq!(limit(Alone::Yes), Duration::from_millis(1100));
    assert_eq!(limit(Alone::No), Duration::from_millis(3100));
}

#[test]
fn a_benched_server_is_not_waited_for_longer_than_one_that_is_well() {
    let installation = Installation::of_hosts("m", None).unwrap();
    let mut policy = Policy::default();
    policy.connect.limit = Duration::from_millis(500);
    let health = Health::new(&installation, policy, 0);
    record(&health, SERVER, 0, REFUSED, 0);
    let limit = health.connect_limit(SERVER, 0, Alone::Yes, at(1));
    assert_eq!(limit, Duration::from_millis(500));
}

#[test]
fn a_suspect_gets_its_head_start_and_no_more() {
    let health = health();
    let preference = |class| health.race_times(class, 0, at(1)).preference;
    assert_eq!(preference(Class::Commands), Duration::from_millis(2500));
    let queries = Class::Service(Service::PuppetDb);
    record(
        &health,
        queries,
        0,
        Verdict::Unreached(Unreached::PassedOver),
        0,
    );
    assert_eq!(preference(Class::Commands), Duration::from_millis(250));
    assert_eq!(preference(SERVER), Duration::from_millis(2500));
}

#[test]
fn when_its_bench_is_over_it_is_waited_for_again() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    let limit = health.connect_limit(SERVER, 0, Alone::Yes, at(60));
    assert_eq!(limit, Duration::from_millis(3100));
}

#[test]
fn a_class_that_may_not_probe_yet_leaves_its_neighbours_probe_alone() {
    let health = health();
    let queries = Class::Service(Service::PuppetDb);
    record(&health, queries, 0, REFUSED, 0);
    health.take_over(queries, 1, at(0));
    health.take_over(Class::Commands, 1, at(0));
    let probe = health.probe_due(query(), at(10)).unwrap();
    assert!(health.probe_due(command(), at(10)).is_none());
    assert!(health.probe_due(command(), at(10)).is_none());
    health.probed(&probe, Probed::Good, at(10), 0);
    assert_eq!(health.state(queries, 0, at(10)), Some(State::Ready));
}

#[test]
fn an_answer_of_an_earlier_life_is_no_reason_to_return() {
    let health = health_with(Failback::Immediate);
    let early = health.mark(SERVER, 0).unwrap();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    health.record(SERVER, 0, early, Verdict::Answered, at(1), 0);
    assert_eq!(health.holder(SERVER), Some(1));
}

#[test]
fn a_snapshot_says_who_holds_what_and_which_roles_were_taken() {
    let health = health();
    record(&health, SERVER, 0, REFUSED, 0);
    health.take_over(SERVER, 1, at(0));
    let snapshot = health.snapshot(at(0));
    let class = &snapshot.classes[0];
    assert_eq!(class.class, "puppet-server");
    assert_eq!(class.holder.host(), "r");
    assert_eq!(class.entries[0].server_state, State::Benched);
    assert_eq!(class.entries[1].role, Role::Replica);
}

#[test]
fn a_busy_server_is_left_alone_by_later_requests_too() {
    let health = health();
    health.busy(SERVER, 0, at(7));
    let mut plan = health.plan(look_up(), None, None, at(1), 0).unwrap();
    assert_eq!(plan.step(at(1), health.budget()), Step::Wait(at(7)));
}

#[test]
fn requests_that_wait_for_a_busy_server_are_spread() {
    let health = health();
    health.busy(SERVER, 0, at(7));
    let mut plan = health
        .plan(look_up(), None, None, at(1), u64::MAX / 2)
        .unwrap();
    let Step::Wait(until) = plan.step(at(1), health.budget()) else {
        panic!("no wait")
    };
    assert!(until > at(7) && until < at(8), "{until:?}");
}

#[test]
fn a_server_that_is_slow_to_connect_gets_a_longer_start() {
    let health = health();
    let times = |seconds| health.race_times(SERVER, 0, at(seconds));
    assert_eq!(times(1).head_start, Duration::from_millis(250));
    health.connected(SERVER, 0, Duration::from_millis(700), at(1));
    assert_eq!(times(1).head_start, Duration::from_millis(1400));
    assert_eq!(times(1).preference, Duration::from_millis(2800));
    health.connected(SERVER, 0, Duration::from_secs(60), at(1));
    assert_eq!(times(1).head_start, Duration::from_secs(2));
    assert_eq!(times(1).preference, Duration::from_millis(3100));
}
