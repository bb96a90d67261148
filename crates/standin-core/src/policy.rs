//! Policy: the times and bounds of failing over, each with its reason.
//!
//! The defaults are the design's. They suit an agent that runs every half hour behind a load
//! balancer which waits four minutes, as the high availability overview asks.

use std::time::Duration;

use serde::Serialize;

use crate::{Length, Operation};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Everything that can be set about failing over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// How long a request may take in all.
    pub deadline: Deadline,
    /// How connections are made and raced.
    pub connect: Connect,
    /// When a server or a service at it is benched, and for how long.
    pub trip: Trip,
    /// When a silent server is given up.
    pub patience: Patience,
    /// When work returns to an earlier server.
    pub failback: Failback,
    /// How often requests may be repeated.
    pub repeats: Repeats,
}

/// How long a request may take, from the call to the head of the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// For a catalog or a report. Default 300 s: compiles of four minutes happen.
    pub long: Duration,
    /// For everything else. Default 240 s, the overview's four minutes for load balancers.
    pub cheap: Duration,
    /// What an attempt leaves for one more candidate while there is one. Default 60 s, the quarter
    /// of [`Deadline::cheap`] that PuppetDB's own high availability page advises.
    pub reserve: Duration,
    /// How long a response body may be silent before it counts as cut. Default 30 s.
    pub body_idle: Duration,
}

impl Default for Deadline {
    fn default() -> Self {
        Self {
            long: seconds(300),
            cheap: seconds(240),
            reserve: seconds(60),
            body_idle: seconds(30),
        }
    }
}

impl Deadline {
    /// The time for this operation.
    #[must_use]
    pub const fn of(&self, operation: Operation) -> Duration {
        match operation.length {
            Length::Long => self.long,
            Length::Cheap => self.cheap,
        }
    }
}

/// How connections are made. Connections are raced, requests never are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// How long a server connects alone before the next one starts too. Default 250 ms, the
    /// connection attempt delay of RFC 8305.
    pub head_start: Duration,
    /// How long a connected server waits for one that stands before it. Default 2.5 s, which
    /// outlives one lost SYN (sent again after 1 s).
    pub preference: Duration,
    /// The longest that one connection may take, TLS included. Default 3.1 s, just above the second
    /// retransmission of a SYN.
    pub limit: Duration,
    /// The same at a server that is benched and has no stand-in. Default 1.1 s, just above the first
    /// retransmission: known to be dead, it is still asked, but not for long.
    pub limit_benched: Duration,
    /// How long an idle connection is kept. Default 4 s as Puppet's `http_keepalive_timeout`, which
    /// must be below the servers' own.
    pub keep_alive: Duration,
    /// How long a connection may have been idle to carry a request that may not be repeated.
    /// Default 1 s, so that a server's closing it does not race with the request.
    pub fresh: Duration,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            head_start: millis(250),
            preference: millis(2500),
            limit: millis(3100),
            limit_benched: millis(1100),
            keep_alive: seconds(4),
            fresh: seconds(1),
        }
    }
}

/// When health trips, and how long a bench lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trip {
    /// So many failures in a row bench a service at a server. Default 3: agents send few requests
    /// (HAProxy 3, Finagle and Envoy 5).
    pub consecutive: u8,
    /// A share of successes below this, in percent over the last ten seconds, benches too.
    /// Default 80, as Finagle and Linkerd.
    pub success_percent: u8,
    /// So many results are needed before the share counts. Default 5.
    pub least_results: u16,
    /// The first bench. Default 5 s (MongoDB's cooldown, Finagle's first mark).
    pub bench: Duration,
    /// Each further bench is twice as long, up to this. Default 300 s.
    pub bench_most: Duration,
    /// So long in health takes one doubling back. Default 30 s.
    pub decay: Duration,
}

impl Default for Trip {
    fn default() -> Self {
        Self {
            consecutive: 3,
            success_percent: 80,
            least_results: 5,
            bench: seconds(5),
            bench_most: seconds(300),
            decay: seconds(30),
        }
    }
}

/// When a server that does not answer is given up.
///
/// Slow is not dead: while the same server answers its status on another connection, a request
/// waits for its deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Patience {
    /// How long an answer is awaited before the status is asked. Default 2 s.
    pub after: Duration,
    /// How long the status may take, connecting included. Default 2 s.
    pub probe_limit: Duration,
    /// The longest time from one question to the next; it starts at [`Patience::after`] and doubles.
    /// Default 30 s.
    pub interval_most: Duration,
    /// So long must the status have been silent, twice at least, before a cheap request is lost.
    /// Default 4 s.
    pub silence: Duration,
    /// The same for a catalog or a report. Default 8 s.
    pub silence_long: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            after: seconds(2),
            probe_limit: seconds(2),
            interval_most: seconds(30),
            silence: seconds(4),
            silence_long: seconds(8),
        }
    }
}

/// When work returns to an earlier server of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failback {
    /// With the first good answer.
    Immediate,
    /// Once the server has been good for a while.
    Hysteresis(Hysteresis),
    /// As [`Failback::Hysteresis`], but only where a run begins.
    NextRun(Hysteresis),
    /// Only when the present holder fails.
    Never,
}

impl Default for Failback {
    fn default() -> Self {
        Self::Hysteresis(Hysteresis::default())
    }
}

/// How long "a while" is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hysteresis {
    /// So many good answers are needed. Default 2, HAProxy's `rise`.
    pub good: u8,
    /// So long must they have been good. Default 30 s.
    pub dwell: Duration,
    /// Each agent adds a share of this, taken from its name, so that a fleet does not return in one
    /// wave. Default 5 min.
    pub spread: Duration,
    /// Time between two questions to an earlier server, at most. Default 10 s, MongoDB's heartbeat;
    /// a third of the dwell when that is less, and never below 500 ms.
    pub interval: Duration,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self {
            good: 2,
            dwell: seconds(30),
            spread: seconds(300),
            interval: seconds(10),
        }
    }
}

impl Hysteresis {
    /// Time between two questions: see [`Hysteresis::interval`].
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval.min(self.dwell / 3).max(millis(500))
    }
}

/// How often requests may be repeated after they were sent. Moving on before that is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// Repeats that a hundred requests pay for. Default 20 (Finagle, Envoy, Linkerd).
    pub percent: u16,
    /// Repeats that are always in reserve when all was well. Default 10.
    pub reserve: u16,
    /// So many times at most one request is sent; never more than one more than there are servers.
    /// Default 5.
    pub sent_most: u8,
    /// The mean of the first pause after a full pass is half of this; each further pass doubles it.
    /// Default 50 ms.
    pub pause: Duration,
    /// The longest pause. Default 20 s.
    pub pause_most: Duration,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            percent: 20,
            reserve: 10,
            sent_most: 5,
            pause: millis(50),
            pause_most: seconds(20),
        }
    }
}
