//! How long a PXP agent is without a broker when its broker is in trouble, on loopback with real TLS.
//!
//! `cargo bench --bench broker` prints a line for each trouble and, last, one line of all:
//! `blackhole_ms=.. killed_ms=.. accept_then_close_ms=.. network_gone_ms=.. frozen_ms=..`
//!
//! Each is the time from the trouble, or from the start where the trouble was there before, until the
//! agent is associated with another broker, where it then proves stable. Associations are as they are
//! by default, but for the spread of a fleet after a loss, which is off where the broker was lost: it
//! adds up to 10 s. `accept_then_close` has it on.
//!
//! - killed: the broker is behind a process of its own, which is killed.
//! - frozen: the same process stops itself; its kernel goes on.
//! - network gone: packets to and from the broker are dropped, in a network namespace of its own. It
//!   wants `unshare`, `ip` and `nft`; without them, or where namespaces are forbidden, it is `nan`.
//!
//! With `--test` the last two, which take two minutes, are left out and `nan`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "what a benchmark sets up has to work")]

#[path = "broker/door.rs"]
mod door;
#[path = "broker/site.rs"]
mod site;

use std::process::Stdio;
use std::time::{Duration, Instant};

use door::Door;
use site::Site;
use standin_lab::Fault;
use tokio::process::{Child, Command};

/// What a process measures, or is, that the benchmark starts beside itself.
const PART: &str = "STANDIN_BENCH_PART";

#[tokio::main]
async fn main() {
    match std::env::var(PART).as_deref() {
        Ok("door") => return door::be().await,
        Ok("network-gone") => return println!("{}", network_gone().await),
        Ok("frozen") => return println!("{}", frozen().await),
        _ => {}
    }
    let is_short = std::env::args().any(|argument| argument == "--test");
    // They wait nearly all the time, so they run beside the others.
    let slow = (!is_short).then(|| (in_namespace("network-gone"), beside("frozen")));
    let (black_hole, killed, accept_then_close) =
        tokio::join!(black_hole(), killed(), accept_then_close());
    let (network_gone, frozen) = match slow {
        Some((network_gone, frozen)) => (figure(network_gone).await, figure(frozen).await),
        None => (f64::NAN, f64::NAN),
    };
    let figures = [
        ("blackhole_ms", black_hole),
        ("killed_ms", killed),
        ("accept_then_close_ms", accept_then_close),
        ("network_gone_ms", network_gone),
        ("frozen_ms", frozen),
    ];
    for (name, millis) in &figures {
        println!("{name:<24} {millis:>10.1}");
    }
    println!(
        "{}",
        figures
            .map(|(name, millis)| format!("{name}={millis:.1}"))
            .join(" ")
    );
}

/// A new agent whose first broker's packets are dropped.
async fn black_hole() -> f64 {
    let site = Site::start().await;
    let _fault = site.fault(Fault::BlackHole).await;
    let begun = now();
    let mut agent = site.agent(None, site::WITH_SPREAD);
    agent.associated(site::REPLICA).await;
    let took = millis_since(begun);
    agent.stable(site::REPLICA).await;
    took
}

/// The first broker accepts every association and closes it.
async fn accept_then_close() -> f64 {
    let site = Site::start().await;
    site.lab.master().broker().lose_controllers();
    let begun = now();
    let mut agent = site.agent(None, site::WITH_SPREAD);
    agent.associated(site::MASTER).await;
    agent.associated(site::REPLICA).await;
    let took = millis_since(begun);
    agent.stable(site::REPLICA).await;
    took
}

async fn killed() -> f64 {
    let site = Site::start().await;
    let mut door = Door::open(&site, "door killed").await;
    let mut agent = site.agent(Some(door.address), site::WITHOUT_SPREAD);
    agent.stable(site::MASTER).await;
    let begun = now();
    door.kill().await;
    agent.associated(site::REPLICA).await;
    let took = millis_since(begun);
    agent.stable(site::REPLICA).await;
    took
}

async fn frozen() -> f64 {
    let site = Site::start().await;
    let mut door = Door::open(&site, "door frozen").await;
    let mut agent = site.agent(Some(door.address), site::WITHOUT_SPREAD);
    agent.stable(site::MASTER).await;
    let begun = now();
    door.freeze().await;
    agent.associated(site::REPLICA).await;
    let took = millis_since(begun);
    assert!(door.is_frozen(), "the door must have stayed frozen");
    agent.stable(site::REPLICA).await;
    took
}

/// In a network namespace of its own.
async fn network_gone() -> f64 {
    let site = Site::start().await;
    let mut agent = site.agent(None, site::WITHOUT_SPREAD);
    agent.stable(site::MASTER).await;
    let begun = now();
    drop_packets_of(&site.lab.master().ip().to_string()).await;
    agent.associated(site::REPLICA).await;
    let took = millis_since(begun);
    agent.stable(site::REPLICA).await;
    took
}

async fn drop_packets_of(address: &str) {
    let chain = "type filter hook input priority 0;";
    let rules = format!(
        "table inet gone {{ chain in {{ {chain} ip daddr {address} drop; ip saddr {address} drop; }}; }}"
    );
    let status = Command::new("nft").arg(rules).status().await.unwrap();
    assert!(status.success(), "nft drops packets");
}

/// A part in a process of its own.
fn beside(part: &str) -> Option<Child> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    spawn(command.env(PART, part))
}

/// The same in a network namespace of its own, whose loopback is up.
fn in_namespace(part: &str) -> Option<Child> {
    let script = "ip link set lo up && nft list tables && exec \"$0\"";
    let mut command = Command::new("unshare");
    let command = command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]);
    spawn(
        command
            .arg(std::env::current_exe().unwrap())
            .env(PART, part),
    )
}

fn spawn(command: &mut Command) -> Option<Child> {
    let command = command.stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().ok()
}

/// What a part measured; not a number if it could not.
async fn figure(part: Option<Child>) -> f64 {
    let Some(part) = part else { return f64::NAN };
    let output = part.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    last.trim().parse().unwrap_or(f64::NAN)
}

fn millis_since(begun: Instant) -> f64 {
    let took: Duration = now().duration_since(begun);
    took.as_secs_f64() * 1000.0
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
