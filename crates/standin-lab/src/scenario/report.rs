//! What a scenario came to.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::Service;

/// What happened in one scenario with one client.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The scenario's title.
    pub title: String,
    /// And its source.
    pub source: String,
    /// What the client calls itself.
    pub client: String,
    /// What it came to.
    pub outcome: Outcome,
    /// The lab's hosts.
    pub hosts: Vec<String>,
    /// Everything that happened, in order.
    pub timeline: Vec<Entry>,
}

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All that had to come of it did.
    Passed,
    /// Some of it did not: a line each.
    Failed(Vec<String>),
    /// The client knows no such request, so the scenario is not for it.
    Unfit(String),
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// When, in milliseconds since the lab's start.
    #[serde(rename = "at_ms", serialize_with = "milliseconds")]
    pub at: Duration,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase", tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// A fault was switched on.
    Fault {
        /// Its number in this scenario.
        number: usize,
        /// Whose.
        host: String,
        /// Of which service; `None` of the whole host.
        service: Option<Service>,
        /// What goes wrong.
        what: String,
    },
    /// A fault was lifted.
    Lifted {
        /// Its number.
        number: usize,
    },
    /// A host was changed: promoted, or given another certificate.
    Changed {
        /// Which.
        host: String,
        /// How.
        how: String,
    },
    /// The client ended and was started anew.
    Restarted,
    /// The client was asked for something.
    Asked {
        /// Its number in this scenario.
        id: u64,
        /// What it is for.
        service: Service,
        /// The errand, or method and path.
        what: String,
    },
    /// The client says that it was answered.
    Answered {
        /// The request.
        id: u64,
        /// The host whose answer it was, by its journal.
        by: Option<String>,
        /// The status.
        status: u16,
        /// How long it took, in milliseconds.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// The client says that nobody answered.
    Failed {
        /// The request.
        id: u64,
        /// The kind of failure, if the client names one.
        kind: Option<String>,
        /// What the client says of it.
        error: String,
        /// How long it took, in milliseconds.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// Something that had to be was not.
    Missed {
        /// What.
        why: String,
    },
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.3} s  {}", self.at.as_secs_f64(), self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault {
                number,
                host,
                service: Some(service),
                what,
            } => write!(f, "fault {number}: {what} at {host}, {service}"),
            Self::Fault {
                number, host, what, ..
            } => write!(f, "fault {number}: {what} at {host}"),
            Self::Lifted { number } => write!(f, "fault {number} lifted"),
            Self::Changed { host, how } => write!(f, "{host} {how}"),
            Self::Restarted => f.write_str("a new process of the client"),
            Self::Asked { id, what, .. } => write!(f, "[{id}] {what}"),
            Self::Answered {
                id,
                by,
                status,
                took,
            } => {
                let by = by.as_deref().unwrap_or("somebody");
                let took = took.as_secs_f64() * 1e3;
                write!(f, "[{id}] {status} by {by} after {took:.1} ms")
            }
            Self::Failed {
                id, error, took, ..
            } => {
                let took = took.as_secs_f64() * 1e3;
                write!(f, "[{id}] failed after {took:.1} ms: {error}")
            }
            Self::Missed { why } => write!(f, "MISSED: {why}"),
        }
    }
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // To the microsecond: more digits say nothing.
    serializer.serialize_f64(time.as_micros() as f64 / 1e3)
}
