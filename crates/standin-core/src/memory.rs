//! Memory: what one process learned, in a form that the next one reads.
//!
//! It carries no more than names, states and times. What is read from it only reorders and raises
//! doubt, so a memory that is wrong costs a detour and no failure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy;
use crate::time::WallTime;
use crate::usual::ANSWERS;

/// What the agents of a machine remember, by certname.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The form of what follows; see [`Memory::VERSION`].
    pub version: u32,
    /// By certname.
    pub agents: BTreeMap<String, Recollection>,
}

/// What one agent remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recollection {
    /// Who held a class when it was not the first of its list, or no longer; by class.
    pub classes: BTreeMap<String, Held>,
    /// Servers, by host and port.
    pub servers: BTreeMap<String, Met>,
    /// What operations took, by operation.
    pub usual: BTreeMap<String, Took>,
}

/// Who holds a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Host and port.
    pub holder: String,
    /// When that was last seen to be so.
    pub at: WallTime,
    /// The servers before the holder, by host and port.
    #[serde(default)]
    pub before: BTreeMap<String, Lost>,
}

/// A server that lost its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Since when.
    pub down_since: WallTime,
    /// Since when every question to it was answered well; `None` while the last was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_since: Option<WallTime>,
    /// Whether its status was good while its work was silent.
    #[serde(default)]
    pub stuck: bool,
}

/// What was seen of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// Whether there is reason to doubt it.
    pub doubted: bool,
    /// What connecting to it usually takes, in microseconds; 0 while it is not known.
    #[serde(default)]
    pub connects_in_micros: u32,
    /// When that was seen.
    pub at: WallTime,
}

/// What an operation took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// In milliseconds, the oldest first.
    pub millis: Vec<u32>,
    /// When the last one was answered, or somewhat later.
    pub at: WallTime,
}

impl Memory {
    /// The form that this release reads and writes.
    pub const VERSION: u32 = 1;

    /// A memory of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            version: Self::VERSION,
            agents: BTreeMap::new(),
        }
    }

    /// Adds what the agent `certname` learned since it last wrote. Of two records of the same thing
    /// the newer stands; times are added to.
    pub fn merge(&mut self, certname: &str, learned: Recollection) {
        let known = self.agents.entry(certname.to_owned()).or_default();
        for (class, held) in learned.classes {
            match known.classes.get_mut(&class) {
                Some(known) if known.at > held.at => {}
                Some(known) => *known = held,
                None => {
                    known.classes.insert(class, held);
                }
            }
        }
        for (server, met) in learned.servers {
            match known.servers.get_mut(&server) {
                Some(known) if known.at > met.at => {}
                Some(known) => *known = met,
                None => {
                    known.servers.insert(server, met);
                }
            }
        }
        for (operation, took) in learned.usual {
            let known = known.usual.entry(operation).or_default();
            known.millis.extend(took.millis);
            let surplus = known.millis.len().saturating_sub(ANSWERS);
            known.millis.drain(..surplus);
            known.at = known.at.max(took.at);
        }
    }

    /// Drops what is too old to be worth anything, and what claims to be from the future.
    pub fn prune(&mut self, now: WallTime, lasts: &policy::Memory) {
        for known in self.agents.values_mut() {
            known.prune(now, lasts);
        }
        self.agents
            .retain(|_, known| *known != Recollection::default());
    }
}

impl Recollection {
    /// As [`Memory::prune`], for one agent.
    pub fn prune(&mut self, now: WallTime, lasts: &policy::Memory) {
        let is_fresh = |at: WallTime, span: Duration| at.age(now).is_some_and(|age| age <= span);
        self.classes
            .retain(|_, held| is_fresh(held.at, lasts.health));
        self.servers.retain(|_, met| is_fresh(met.at, lasts.health));
        self.usual
            .retain(|_, took| is_fresh(took.at, lasts.usual) && !took.millis.is_empty());
    }
}

#[cfg(test)]
mod tests;
