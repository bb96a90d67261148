//! The spool under SIGKILL: agents that share one are killed at random instants, again and again, while
//! their servers come and go.
//!
//! `STANDIN_KILLS` says how many, 200 by default; `STANDIN_SEED` from what the instants are drawn.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one says what it did"
)]

mod ledger;
mod process;

use std::time::Duration;

use fastrand::Rng;
use standin::config::{Account, Defaults, Settings, Sources};
use standin::spool::Spool;
use standin::{Client, Names};
use standin_lab::{Fault, FaultGuard, Lab, Target};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use ledger::Ledger;
use process::Process;

/// Agents that share the spool at a time.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_agents_lose_nothing_that_was_acknowledged() {
    let (kills, seed) = (setting("STANDIN_KILLS", 200), setting("STANDIN_SEED", 5));
    let mut random = Rng::with_seed(seed);
    let lab = Lab::builder().start().await.unwrap();
    let parent = TempDir::new().unwrap();
    let spool = parent.path().join("spool");
    let mut ledger = Ledger::new(&lab, &spool);
    let example = process::example().await;
    for _ in 0..kills.div_ceil(AT_ONCE as u64) {
        let faults = weather(&lab, &mut random).await;
        let mut lives = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let process = Process::start(&example, &lab, &spool);
            lives.spawn(live(process, random.fork()));
        }
        while let Some(lines) = lives.join_next().await {
            ledger.acknowledge(&lines.unwrap());
        }
        ledger.look();
        for fault in faults {
            fault.lift().await;
        }
    }
    let left = ledger.in_spool().len();
    assert_eq!(successor(&lab, &spool).deliver().await.unwrap().left, 0);
    ledger.look();
    println!(
        "{kills} kills, seed {seed}: {} acknowledged, {left} of them delivered by a successor, {} received more \
         than once, {} lost",
        ledger.acknowledged(),
        ledger.doubled(),
        ledger.lost(),
    );
    assert_eq!(ledger.lost(), 0);
    assert_eq!(ledger.set_aside(), 0, "no entry is broken");
    assert_eq!(ledger.returned(), 0, "what was removed is not delivered");
    assert!(
        ledger.acknowledged() as u64 >= kills / 2,
        "it did something"
    );
}

/// What the servers are like while some agents live: well, gone, or reset when they have read a request,
/// which is when an entry may arrive twice.
async fn weather(lab: &Lab, random: &mut Rng) -> Vec<FaultGuard> {
    let fault = match random.u8(0..4) {
        0 => return Vec::new(),
        1 => Fault::ResetRequest,
        2 => Fault::ResetBody { after: 0 },
        _ => Fault::Refuse,
    };
    let mut guards = Vec::new();
    for host in lab.hosts() {
        let struck = lab.fault(Target::Host(host.name()), fault.clone()).await;
        guards.push(struck.unwrap());
    }
    guards
}

/// Lets an agent live for a while, kills it, and returns what it said. Most have said something before:
/// they die as they write, send, deliver or remove. One in four may die earlier.
async fn live(mut process: Process, mut random: Rng) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = Duration::from_micros(random.u64(0..60_000));
    if random.u8(0..4) > 0 {
        lines.extend(process.line().await);
    }
    loop {
        let began = Instant::now();
        match timeout(left, process.line()).await {
            Ok(Some(line)) => lines.push(line),
            Ok(None) | Err(_) => break,
        }
        left = left.saturating_sub(began.elapsed());
    }
    process.kill().await;
    // What it said before it died was said.
    while let Some(line) = process.line().await {
        lines.push(line);
    }
    lines
}

fn successor(lab: &Lab, spool: &std::path::Path) -> Client {
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: "agent.test".into(),
    };
    let settings = Settings::read(&Sources::new(lab.conf_dir(), defaults)).unwrap();
    let add = |names: Names, (host, address): (String, _)| names.with(&host, address);
    let names = lab.resolve().into_iter().fold(Names::new(), add);
    let builder = Client::from_settings(&settings).unwrap().names(names);
    builder
        .without_memory()
        .spool(Spool::at(spool))
        .build()
        .unwrap()
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}
