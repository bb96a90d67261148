//! Plays a story with turmoil.

use std::time::Duration;

use fastrand::Rng;
use turmoil::{Builder, Sim};

use crate::agent::{Agent, END, policy};
use crate::ledger::Ledger;
use crate::server::{Moods, serve};
use crate::story::{AGENTS, Episode, Fault, Mood, REPLICA, SERVERS, STORM, Story};

/// What was seen of a simulation.
pub(crate) struct Report {
    /// All that happened, a line each.
    pub(crate) trace: Vec<String>,
    /// The rules that were broken.
    pub(crate) broken: Vec<String>,
    pub(crate) asked: usize,
    pub(crate) failed: usize,
    pub(crate) at_the_replica: usize,
}

/// Plays the story of a seed to its end.
pub(crate) fn play(seed: u64) -> Report {
    // Where the agents' jitter comes from: one thread plays one simulation.
    fastrand::seed(seed);
    let story = Story::of(seed);
    let ledger = Ledger::default();
    let moods = Moods::new();
    let mut sim = Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(60))
        .tcp_capacity(1024)
        .simulation_duration(END + policy().deadline.long + Duration::from_secs(2))
        .build();
    for host in SERVERS {
        let (moods, ledger) = (moods.clone(), ledger.clone());
        sim.host(host, move || serve(host, moods.clone(), ledger.clone()));
    }
    for (place, name) in AGENTS.into_iter().enumerate() {
        let ledger = ledger.clone();
        let rng = Rng::with_seed(seed ^ (place as u64 + 1));
        sim.client(name, async move {
            Agent::new(name, place, ledger).live(rng).await
        });
    }
    let mut telling = Telling {
        moods,
        ledger: ledger.clone(),
        is_healed: false,
    };
    let ended = telling.tell(&mut sim, &story);
    ledger.hold(ended.is_ok(), || {
        format!("not every request ended: {ended:?}")
    });
    drop(sim);
    let (trace, broken) = ledger.close();
    let failed = ledger.answers("nobody");
    let answered = SERVERS.map(|host| ledger.answers(host));
    Report {
        trace,
        broken,
        asked: failed + answered.iter().sum::<usize>(),
        failed,
        at_the_replica: ledger.answers(REPLICA),
    }
}

/// Moves time on, and the story with it.
struct Telling {
    moods: Moods,
    ledger: Ledger,
    is_healed: bool,
}

impl Telling {
    fn tell(&mut self, sim: &mut Sim<'_>, story: &Story) -> turmoil::Result {
        loop {
            let now = sim.elapsed();
            let is_now = |moment: Duration| moment >= now && moment < now + TICK;
            for episode in &story.episodes {
                if is_now(episode.begins) && episode.begins < episode.ends {
                    self.strike(sim, episode);
                } else if is_now(episode.ends) {
                    self.end(sim, episode);
                }
            }
            if now >= STORM && !self.is_healed {
                self.heal(sim);
            }
            if sim.step()? {
                return Ok(());
            }
        }
    }

    fn strike(&self, sim: &mut Sim<'_>, episode: &Episode) {
        self.ledger
            .tell_at(sim.elapsed(), &format!("begins: {:?}", episode.fault));
        match episode.fault {
            Fault::Partition(a, b) => sim.partition(a, b),
            Fault::PartitionOneWay(a, b) => sim.partition_oneway(a, b),
            Fault::Hold(a, b) => sim.hold(a, b),
            Fault::Crash(host) => sim.crash(host),
            Fault::Latency(a, b, latency) => sim.set_link_latency(a, b, latency),
            Fault::Port(host, port, mood) => self.moods.set(host, port, mood),
        }
    }

    fn end(&self, sim: &mut Sim<'_>, episode: &Episode) {
        self.ledger
            .tell_at(sim.elapsed(), &format!("ends: {:?}", episode.fault));
        match episode.fault {
            Fault::Partition(a, b) => sim.repair(a, b),
            Fault::PartitionOneWay(a, b) => sim.repair_oneway(a, b),
            Fault::Hold(a, b) => sim.release(a, b),
            Fault::Crash(host) if !sim.is_host_running(host) => sim.bounce(host),
            Fault::Crash(_) => {}
            Fault::Latency(a, b, _) => usual_latency(sim, a, b),
            Fault::Port(host, port, _) => self.moods.set(host, port, Mood::Well),
        }
    }

    fn heal(&mut self, sim: &mut Sim<'_>) {
        self.ledger.tell_at(sim.elapsed(), "all heals");
        self.is_healed = true;
        self.moods.clear();
        for server in SERVERS {
            if !sim.is_host_running(server) {
                sim.bounce(server);
            }
            for agent in AGENTS {
                sim.release(agent, server);
                usual_latency(sim, agent, server);
            }
        }
    }
}

fn usual_latency(sim: &Sim<'_>, a: &str, b: &str) {
    sim.set_link_latency(a, b, Duration::from_millis(5));
}

/// How finely time is cut: messages are delivered at its ends.
const TICK: Duration = Duration::from_millis(40);
