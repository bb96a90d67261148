//! What happens to whom, and when: made from a seed.

use std::time::Duration;

use fastrand::Rng;

/// Hosts that serve.
pub(crate) const SERVERS: [&str; 2] = [MASTER, REPLICA];
pub(crate) const MASTER: &str = "master";
pub(crate) const REPLICA: &str = "replica";
pub(crate) const AGENTS: [&str; 2] = ["agent0", "agent1"];

/// Faults begin within this time; then all heals.
pub(crate) const STORM: Duration = Duration::from_secs(16);

/// What can happen. Each lasts until its time is up, or all heals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing passes between an agent and a server, in either direction; connections are refused.
    Partition(&'static str, &'static str),
    /// Nothing passes from the first to the second.
    PartitionOneWay(&'static str, &'static str),
    /// What is sent between the two stays on the way, as in a black hole, and comes later.
    Hold(&'static str, &'static str),
    /// The host is gone; what is sent to it waits until it is back.
    Crash(&'static str),
    /// Every message between the two takes as long.
    Latency(&'static str, &'static str, Duration),
    /// A port of the host behaves so.
    Port(&'static str, u16, Mood),
}

/// How a port behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Nobody listens.
    Closed,
    /// 503.
    NotReady,
    /// 503, to be asked again after a second.
    Busy,
    /// Its status is good and its work never ends.
    WorkSilent,
    /// It takes a request and breaks the connection.
    Breaking,
}

pub(crate) const PORTS: [u16; 4] = [8140, 8081, 4433, 8170];

/// A fault, and the moments at which it begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Episode {
    pub(crate) fault: Fault,
    pub(crate) begins: Duration,
    pub(crate) ends: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) episodes: Vec<Episode>,
}

impl Story {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let count = rng.usize(1..8);
        let episodes = (0..count).map(|_| episode(&mut rng)).collect();
        Self { episodes }
    }
}

fn episode(rng: &mut Rng) -> Episode {
    let begins = Duration::from_millis(rng.u64(0..STORM.as_millis() as u64));
    let lasts = Duration::from_millis(rng.u64(200..10_000));
    // The master is struck more often than the replica.
    let server = if rng.u8(0..4) == 0 { REPLICA } else { MASTER };
    let agent = AGENTS[rng.usize(..AGENTS.len())];
    let port = PORTS[rng.usize(..PORTS.len())];
    let fault = match rng.u8(0..12) {
        0 => Fault::Partition(agent, server),
        1 => Fault::PartitionOneWay(agent, server),
        2 => Fault::PartitionOneWay(server, agent),
        3 | 4 => Fault::Hold(agent, server),
        5 | 6 => Fault::Crash(server),
        7 => Fault::Latency(agent, server, Duration::from_millis(rng.u64(20..1500))),
        8 => Fault::Port(server, port, Mood::Closed),
        9 => Fault::Port(server, port, Mood::NotReady),
        10 => Fault::Port(
            server,
            port,
            if rng.bool() {
                Mood::Busy
            } else {
                Mood::Breaking
            },
        ),
        _ => Fault::Port(server, port, Mood::WorkSilent),
    };
    Episode {
        fault,
        begins,
        ends: (begins + lasts).min(STORM),
    }
}
