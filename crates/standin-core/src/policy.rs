//! Policy: the times and bounds of failing over, each with its reason.
//!
//! The defaults are the design's. They suit an agent that runs every half hour behind a load
//! balancer which waits four minutes, as the high availability overview asks.

use std::time::Duration;

use serde::Serialize;

use crate::{Length, Operation, jitter};

mod commands;
mod worst_case;

pub use commands::{Commands, Submission, WriteFailure};
pub use worst_case::WorstCase;

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
    /// What is done while a server asks to come again later.
    pub overload: Overload,
    /// Who gets a command of PuppetDB.
    pub commands: Commands,
    /// How long what was learned is worth something to the next process.
    pub memory: Memory,
    /// Whether servers are asked for their status when there is no work for them.
    pub probing: Probing,
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
    /// The most that one attempt at a PuppetDB may take, though its status be good: the
    /// `server_url_timeout` of `puppetdb.conf`. Default none: there is only the whole's deadline.
    pub puppetdb: Option<Duration>,
    /// How long a response body may be silent before it counts as cut. Default 30 s.
    pub body_idle: Duration,
    /// For so long after the call a refused connection to the master is tried again, where only the
    /// master may be asked. Default zero: such a request fails at once. A Puppet Server that reloads
    /// refuses for about 6 s, so 10 s outlive a reload.
    pub grace: Duration,
}

impl Default for Deadline {
    fn default() -> Self {
        Self {
            long: seconds(300),
            cheap: seconds(240),
            reserve: seconds(60),
            puppetdb: None,
            body_idle: seconds(30),
            grace: Duration::ZERO,
        }
    }
}

impl Deadline {
    /// The time for this operation.
    #[must_use]
    pub const fn of(&self, operation: Operation) -> Duration {
        self.within(operation.length)
    }

    /// The time for operations of this length.
    #[must_use]
    pub const fn within(&self, length: Length) -> Duration {
        match length {
            Length::Long => self.long,
            Length::Cheap => self.cheap,
        }
    }
}

/// How connections are made. Connections are raced, requests never are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// How long a server connects alone before the next one starts too. Default 250 ms, the
    /// connection attempt delay of RFC 8305; twice what connecting to that server usually takes when
    /// that is more, but never more than [`HEAD_START_MOST`].
    pub head_start: Duration,
    /// How long a connected server waits for one that stands before it. Default 2.5 s, which
    /// outlives one lost SYN (sent again after 1 s); four times what connecting to that one usually
    /// takes when that is more, but never more than [`Connect::limit`].
    pub preference: Duration,
    /// The longest that one connection may take, TLS included. Default 3.1 s, just above the second
    /// retransmission of a SYN.
    pub limit: Duration,
    /// The same at a server that is benched and has no stand-in. Default 1.1 s, just above the first
    /// retransmission: known to be dead, it is still asked, but not for long, and never for longer than
    /// [`Connect::limit`].
    pub limit_benched: Duration,
    /// How long an idle connection is kept. Default 4 s as Puppet's `http_keepalive_timeout`, which
    /// must be below the servers' own.
    pub keep_alive: Duration,
    /// How long a connection may have been idle to carry a request that may not be repeated.
    /// Default 1 s, so that a server's closing it does not race with the request.
    pub fresh: Duration,
}

/// The longest head start that is learned: the most that RFC 8305 allows between two attempts.
pub const HEAD_START_MOST: Duration = seconds(2);

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
    /// A host is suspect as a whole when two of its ports are silent and it has said nothing at any
    /// port for so long. Default 10 s.
    pub host_silence: Duration,
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
            host_silence: seconds(10),
        }
    }
}

/// When a server that does not answer is given up.
///
/// Slow is not dead: while the same server answers its status on another connection, a request
/// waits for its deadline, or until it took much longer than such requests usually take.
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
    /// A cheap request that may be repeated is lost after this, or after [`Patience::stuck_factor`]
    /// times its usual time when that is more, though the status is good. Default 10 s. Without a
    /// usual time it waits for its deadline.
    pub stuck: Duration,
    /// The same for a catalog or a report. Default 120 s.
    pub stuck_long: Duration,
    /// See [`Patience::stuck`]. Default 8.
    pub stuck_factor: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            after: seconds(2),
            probe_limit: seconds(2),
            interval_most: seconds(30),
            silence: seconds(4),
            silence_long: seconds(8),
            stuck: seconds(10),
            stuck_long: seconds(120),
            stuck_factor: 8,
        }
    }
}

impl Patience {
    /// How long work may be silent while its server's status is good, for a request that usually
    /// takes `usual`.
    #[must_use]
    pub fn stuck_after(&self, length: Length, usual: Duration) -> Duration {
        let least = match length {
            Length::Cheap => self.stuck,
            Length::Long => self.stuck_long,
        };
        least.max(usual.saturating_mul(self.stuck_factor))
    }
}

/// What is done while a server asks to come again later (429, or 503 with `Retry-After`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// It is waited for. Another server of a pool is asked meanwhile; a replica or a master only when
    /// the wait would leave it no time, so that overload does not pour onto the replica.
    #[default]
    Wait,
    /// The next server is asked, whatever its role.
    Spill,
    /// As [`Overload::Wait`], but nobody outside a pool stands in, however long the wait: a request
    /// that cannot wait for so long ends as exhausted. So an overload that outlasts every deadline
    /// still leaves the replica alone.
    WaitOnly,
}

/// Whether servers are asked for their status when there is no work for them.
///
/// It is for processes that live long: it notices that a server came back, or that a replica was
/// promoted, while there is no request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probing {
    /// They are not.
    #[default]
    Off,
    /// Each is asked once in this time, and never more often than each [`Probing::LEAST`].
    Every(Duration),
}

impl Probing {
    /// The usual time between two questions: MongoDB's heartbeat.
    pub const USUAL: Self = Self::Every(seconds(10));
    /// The least time between two questions, MongoDB's too.
    pub const LEAST: Duration = millis(500);

    /// How long to wait for the next round: from three quarters of the time to all of it, by
    /// `random`, so that a fleet does not ask as one. `None` when it is off.
    #[must_use]
    pub fn pause(self, random: u64) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Every(time) => {
                let time = time.max(Self::LEAST);
                let pause = time / 4 * 3 + jitter::fraction(time / 4, random);
                Some(pause.max(Self::LEAST))
            }
        }
    }
}

/// How long what was learned is worth something to the next process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Health and holders. Default 65 min: two run intervals of half an hour, and a splay of five
    /// minutes.
    pub health: Duration,
    /// Usual times. Default 30 days.
    pub usual: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            health: seconds(65 * 60),
            usual: seconds(30 * 86_400),
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
    /// Time between two questions to an earlier server, at most; a quarter of it is jitter. Default
    /// 10 s, MongoDB's heartbeat; a third of the dwell when that is less, and never below 500 ms.
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
    /// So many attempts of one request at most may each have been processed; never more than one more
    /// than there are servers. Default 5.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_half_a_second_apart_at_least_and_jittered() {
        assert_eq!(Probing::Off.pause(0), None);
        assert_eq!(Probing::Every(Duration::ZERO).pause(0), Some(millis(500)));
        assert_eq!(Probing::USUAL.pause(0), Some(millis(7500)));
        assert!(Probing::USUAL.pause(u64::MAX) <= Some(seconds(10)));
        assert!(Probing::Every(Duration::MAX).pause(u64::MAX).is_some());
    }

    #[test]
    fn work_is_stuck_after_eight_times_what_is_usual_and_ten_seconds_at_least() {
        let patience = Patience::default();
        let cheap = |usual| patience.stuck_after(Length::Cheap, seconds(usual));
        assert_eq!(cheap(0), seconds(10));
        assert_eq!(cheap(2), seconds(16));
        assert_eq!(patience.stuck_after(Length::Long, seconds(2)), seconds(120));
        assert_eq!(
            patience.stuck_after(Length::Long, seconds(60)),
            seconds(480)
        );
    }
}
