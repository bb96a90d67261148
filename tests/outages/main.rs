//! Agents, a master and its replica in simulated outages: HTTP/1.1 over turmoil's network, which cuts,
//! delays and reorders, on hosts that crash.
//!
//! A [`Story`](story::Story) is what happens to whom, made from a seed; a [`town`] plays it and
//! returns what it saw. A seed is all that a simulation depends on: its network, its faults and every
//! jitter of the agents. One that breaks a rule is named, and plays the same again:
//!
//! ```sh
//! STANDIN_SEED=17 cargo test --test outages one_seed -- --nocapture
//! ```
//!
//! The ordinary run plays [`ORDINARY`] seeds; `STANDIN_OUTAGES=10000` plays as many.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod agent;
mod ledger;
mod plain;
mod server;
mod story;
mod town;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{panic, thread};

use town::{Report, play};

/// So many seeds are played unless `STANDIN_OUTAGES` says otherwise.
const ORDINARY: u64 = 500;

#[test]
fn no_outage_breaks_a_rule() {
    let count = number("STANDIN_OUTAGES").unwrap_or(ORDINARY);
    let (next, broken) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        break;
                    }
                    let verdict = verdict(seed);
                    broken.lock().unwrap().extend(verdict.err());
                }
            });
        }
    });
    let broken: Vec<String> = broken.into_inner().unwrap();
    let seeds = broken.len();
    assert!(
        broken.is_empty(),
        "{seeds} of {count} seeds\n{}",
        broken.join("\n")
    );
}

/// The seed of `STANDIN_SEED`, or 1; prints all that happens.
#[test]
fn one_seed_plays_the_same_again() {
    let seed = number("STANDIN_SEED").unwrap_or(1);
    let report = play(seed);
    for line in &report.trace {
        println!("{line}");
    }
    assert!(report.broken.is_empty(), "{}", report.broken.join("\n"));
    assert_eq!(report.trace, play(seed).trace);
}

/// Faults that strike nobody would prove nothing.
#[test]
fn the_stories_are_told_to_the_agents() {
    let reports: Vec<Report> = (0..20).map(play).collect();
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    let (asked, failed) = (sum(|report| report.asked), sum(|report| report.failed));
    let at_the_replica = sum(|report| report.at_the_replica);
    assert!(asked > 1000, "{asked}");
    assert!(failed > asked / 100, "{failed} of {asked}");
    assert!(at_the_replica > asked / 20, "{at_the_replica} of {asked}");
}

/// What a seed breaks, and how to see it again; a panic too.
fn verdict(seed: u64) -> Result<(), String> {
    let again = || format!("STANDIN_SEED={seed} cargo test --test outages one_seed -- --nocapture");
    let report = panic::catch_unwind(|| play(seed));
    let report = report.map_err(|_| format!("seed {seed} panics\n{}", again()))?;
    match &report.broken[..] {
        [] => Ok(()),
        broken => Err(format!(
            "seed {seed} breaks:\n  {}\n{}",
            broken.join("\n  "),
            again()
        )),
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {value}")),
    )
}
