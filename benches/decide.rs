//! What one decision costs: the order of the candidates, the plan, its first step and the record of
//! an answer, for lists of 1, 2, 8 and 64 servers, side by side in one run.
//!
//! `cargo bench --bench decide` prints, last, `ns_8_servers=N cell_bytes=N`: the median time of order
//! and plan step for eight servers, and the size of a cell. Nothing is switched off for it.
//!
//! A round times all lists one after another, forwards and then backwards, so that drift of the
//! machine falls on all alike; each figure is the median over rounds.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use standin_core::cell::Cell;
use standin_core::plan::Step;
use standin_core::{
    Health, Installation, Moment, Operation, Policy, Role, Server, ServerList, Service, Verdict,
};

/// With `--test`, as `cargo bench -- --test` smoke-runs benches, a few rounds do.
const ROUNDS: usize = 400;
const SMOKE_ROUNDS: usize = 10;
const DECISIONS: usize = 2000;

const SERVERS: [usize; 4] = [1, 2, 8, 64];

/// A master, its replicas and a class that all of them serve.
struct List {
    health: Health,
    operation: Operation,
}

impl List {
    fn of(servers: usize) -> Result<Self, Box<dyn Error>> {
        let servers: Result<Vec<Server>, _> = (0..servers)
            .map(|number| Server::new(&format!("server{number}.example.com"), 8140))
            .collect();
        let roles = std::iter::once(Role::Master).chain(std::iter::repeat(Role::Replica));
        let list = ServerList::with_roles(servers?.into_iter().zip(roles))?;
        let installation = Installation::new().with(Service::PuppetServer, list);
        let operation = Operation::of("GET", "/puppet/v3/node/agent").ok_or("a known path")?;
        Ok(Self {
            health: Health::new(&installation, Policy::default(), 0),
            operation,
        })
    }

    /// Whom to ask, and until when.
    #[inline(never)]
    fn decide(&self, now: Moment) -> Step {
        let Self { health, operation } = self;
        match health.plan(*operation, None, None, now, 0) {
            Some(mut plan) => plan.step(now, health.budget()),
            None => unreachable!("the class has a list"),
        }
    }

    /// The same, and what is done with the answer.
    #[inline(never)]
    fn serve(&self, now: Moment) {
        let Self { health, operation } = self;
        let class = operation.class();
        let Some(mut plan) = health.plan(*operation, None, None, now, 0) else {
            unreachable!("the class has a list")
        };
        let Step::Attempt { place, .. } = plan.step(now, health.budget()) else {
            unreachable!("all are well")
        };
        let Some(mark) = health.mark(class, place) else {
            unreachable!("the plan names a place of the list")
        };
        let verdict = Verdict::Answered;
        black_box(health.record(class, place, mark, verdict, now, 0));
        health.usual().answered(*operation, Duration::ZERO);
        black_box(plan.record(place, verdict, now, 0));
    }
}

/// Nanoseconds for each of many.
fn time(mut one: impl FnMut(Moment)) -> f64 {
    let mut moment = Moment::from_nanos(86_400 * 1_000_000_000);
    let begun = now();
    for _ in 0..DECISIONS {
        moment = moment + Duration::from_micros(1);
        one(black_box(moment));
    }
    now().duration_since(begun).as_nanos() as f64 / DECISIONS as f64
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What is measured of a list: nanoseconds of each round.
#[derive(Default)]
struct Measured {
    decided: Vec<f64>,
    served: Vec<f64>,
}

#[allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
fn main() -> Result<(), Box<dyn Error>> {
    let lists: Result<Vec<List>, _> = SERVERS.into_iter().map(List::of).collect();
    let lists = lists?;
    let rounds = match std::env::args().any(|argument| argument == "--test") {
        true => SMOKE_ROUNDS,
        false => ROUNDS,
    };
    let mut measured: Vec<Measured> = lists.iter().map(|_| Measured::default()).collect();
    for round in 0..rounds + rounds / 10 {
        let forwards = 0..lists.len();
        for at in forwards.clone().chain(forwards.rev()) {
            let decided = time(|now| {
                black_box(lists[at].decide(now));
            });
            let served = time(|now| lists[at].serve(now));
            if round >= rounds / 10 {
                measured[at].decided.push(decided);
                measured[at].served.push(served);
            }
        }
    }
    println!("{rounds} rounds of {DECISIONS} decisions, medians");
    let mut eight = 0.0;
    for ((list, measured), servers) in lists.iter().zip(measured).zip(SERVERS) {
        let now = Moment::from_nanos(86_400 * 1_000_000_000);
        let counted = allocation_counter::measure(|| {
            black_box(list.decide(now));
        });
        let decided = median(measured.decided);
        println!(
            "{servers:>2} servers  order and plan {decided:>5.0} ns  with the answer {:>5.0} ns  {} allocations",
            median(measured.served),
            counted.count_total,
        );
        if servers == 8 {
            eight = decided;
        }
    }
    println!("ns_8_servers={eight:.0} cell_bytes={}", size_of::<Cell>());
    Ok(())
}
