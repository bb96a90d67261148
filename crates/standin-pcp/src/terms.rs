//! The times and bounds of keeping an association, each with its reason.

use std::time::Duration;

use serde::Serialize;

/// On what terms an association is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// So long must an association last, and the broker answer a ping meanwhile, before it counts as
    /// a success: brokers that accept and then close do not. Default 10 s.
    pub stable: Duration,
    /// After a loss the first new attempt is made at any time within this, so that the agents of a
    /// dead broker do not come as one. Default 10 s: of a fleet a tenth comes in each second.
    pub spread: Duration,
    /// The same when the broker itself sent everybody away, which it does to a whole fleet at once
    /// (code 1011 in a stable association). Default 75 s: with 60 s a fleet of 10 000 would touch
    /// 2 % in its worst second.
    pub evicted_spread: Duration,
    /// Further attempts wait for anything up to this, doubled with each failure. Default 1 s.
    pub pause: Duration,
    /// The most that they wait. Default 60 s.
    pub pause_most: Duration,
    /// How long to wait when no broker will take this agent until somebody changes something: half
    /// of this, and up to as much again. Default 5 min.
    pub misconfigured: Duration,
    /// How the broker is asked whether it still lives.
    pub ping: Ping,
    /// How long messages may take to be confirmed when an association is left in good order.
    /// Default 5 s.
    pub leave: Duration,
    /// What is kept of messages that cannot be sent yet.
    pub queue: Queue,
    /// How many messages may wait to be taken by the caller. While so many do, the broker is not
    /// read: it is slowed down and not dropped. Default 64.
    pub inbox: usize,
}

/// How the broker is asked whether it still lives.
///
/// The network beneath is watched by the kernel: see standin-net's socket options. A ping is for a
/// broker that hangs while its kernel still answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ping {
    /// So long after anything was last heard of it. Default 120 s as pxp-agent's `ping-interval`;
    /// with 15 s, as it once was, a loaded broker lost all its agents at once (PCP-729).
    pub every: Duration,
    /// How long an answer may take. Default 4 s, so that two of them are over 128 s after the
    /// broker was last heard.
    pub limit: Duration,
    /// So many pings in a row without an answer end the association. Default 2.
    pub misses: u8,
}

/// What is kept of messages that cannot be sent yet, or that the broker has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// How many. Default 1024.
    pub messages: usize,
    /// How much, in bytes of their JSON. Default 64 MiB, which is pxp-agent's `max-message-size` and
    /// the most that one message may have.
    pub bytes: usize,
    /// How long a message may wait, unless it is sent with a time of its own. Default 5 min, the
    /// longest that a reconnection takes while some broker can be had.
    pub ttl: Duration,
}

impl Ping {
    /// How long all the pings are waited for that may go without an answer.
    pub(crate) fn patience(&self) -> Duration {
        self.limit.saturating_mul(self.misses.into())
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            stable: Duration::from_secs(10),
            spread: Duration::from_secs(10),
            evicted_spread: Duration::from_secs(75),
            pause: Duration::from_secs(1),
            pause_most: Duration::from_secs(60),
            misconfigured: Duration::from_secs(300),
            ping: Ping::default(),
            leave: Duration::from_secs(5),
            queue: Queue::default(),
            inbox: 64,
        }
    }
}

impl Default for Ping {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(120),
            limit: Duration::from_secs(4),
            misses: 2,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            messages: 1024,
            bytes: 64 << 20,
            ttl: Duration::from_secs(300),
        }
    }
}
