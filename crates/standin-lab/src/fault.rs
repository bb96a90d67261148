//! What can be made to go wrong, and the guard that sets it right again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shared::Shared;
use crate::{Service, spelled};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Every server of the host of that name.
    Host(&'a str),
    /// One service of the host of that name.
    ///
    /// A fault of the connection ([`Fault::Refuse`], [`Fault::Flapping`], [`Fault::BlackHole`], [`Fault::Silent`],
    /// [`Fault::HangUp`], [`Fault::StallTls`], [`Fault::AlertTls`], [`Fault::Untrusted`]) strikes before anyone knows what a request is for, so it takes the other services of the port along.
    Service(&'a str, Service),
}

/// What goes wrong.
///
/// Faults are rules in one list that every step of every connection consults. When several strike the same thing, the
/// one switched on last counts; a fault of the connection and one of the work can hold side by side.
///
/// A broker's work is its upgrades and what goes over its WebSockets. Where it differs, a fault says so; the rest strikes
/// upgrades alone. An upgrade that succeeds is no answer yet: what breaks off, drips or lies about its length leaves it
/// alone.
///
/// In scenarios and over HTTP it is written as its name with hyphens, `"black-hole"`, or with what it needs:
/// `{ delay = "250ms" }`, `{ reset-body = { after = 100 } }`, `{ not-ready = "starting" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// Nothing listens, and established connections are reset.
    Refuse,
    /// [`Fault::Refuse`] for the time `down`, then nothing for the time `up`, and so on; both are a millisecond at least.
    Flapping {
        /// How long it refuses.
        #[serde(with = "spelled")]
        down: Duration,
        /// How long all is well.
        #[serde(with = "spelled")]
        up: Duration,
    },
    /// SYNs are dropped (the accept queue is kept full), so a connect hangs; established connections go silent. Of a
    /// whole host this includes the ports that its role has no server on, since it is off the network.
    ///
    /// Once lifted the server listens at once, but a client whose SYN was dropped sends the next one only after a
    /// second or more, as its kernel does. The simulated host's kernel still acknowledges what arrives on established
    /// connections, which a dead network would not.
    BlackHole,
    /// TCP connects, then nothing: no TLS handshake. Established connections go silent. So is a process that is frozen.
    Silent,
    /// TCP connects and is closed at once, as by a load balancer with nothing behind it. Established connections go on.
    HangUp,
    /// TCP connects, the first `after` bytes of the server's TLS handshake come, and then nothing. Established
    /// connections go on. Lifted, so do those that wait.
    StallTls {
        /// How many bytes come.
        after: usize,
    },
    /// The TLS handshake ends with a fatal alert (`handshake_failure`) of the server. Established connections go on.
    AlertTls,
    /// The server shows a certificate that must not be accepted. Established connections go on.
    Untrusted(Flaw),
    /// The TLS handshake is done, HTTP is never answered, the status neither. Requests are still read and are in the
    /// journal; lifted, those still waiting are answered. A broker's WebSockets go silent too.
    SilentAfterTls,
    /// The status says running, work is read and never answered. Lifted, requests still waiting are answered.
    ///
    /// A broker answers upgrades, and nothing on WebSockets: no message, no pong, no close.
    WorkSilent,
    /// Work is answered 503 while the status says running.
    Unavailable {
        /// The `Retry-After` header, in seconds.
        ///
        /// With it this is an overloaded Puppet Server, and as the real one it answers 503 only to requests that carry
        /// an `X-Puppet-Version` of at least 5.3.1: others wait in the queue until the fault is lifted.
        retry_after: Option<u32>,
    },
    /// Status and work are answered 503, and the status says so. `NotReady(State::Running)` is a plain `Unavailable`.
    ///
    /// A broker that is starting or stopping answers upgrades and closes with 1011 `Broker is not running.`, at once if the
    /// connection is new, else at the next message.
    NotReady(State),
    /// The database behind the service is gone: status `error`, reads 500. PuppetDB still takes commands, as the real
    /// one queues them on its disk.
    DatabaseDown,
    /// Work is answered 500 with a text. The status says running.
    InternalError,
    /// The work is done, the head and the first `after` bytes of the body are sent, then the connection is reset.
    /// A shorter body is sent whole, and is still cut before its end is marked. A broker's connections are reset once they
    /// are WebSockets.
    ResetBody {
        /// How many bytes of the body arrive.
        after: usize,
    },
    /// The connection is reset once a work request was read whole. Nothing of it is done.
    ResetRequest,
    /// The work is done, the first `after` bytes of the answer are sent, head and all, then the connection is reset: with
    /// 0 before the head, with 10 within it. A shorter answer is sent whole, and its connection goes on.
    ResetAnswer {
        /// How many bytes of the answer arrive.
        after: usize,
    },
    /// The work is done, and the answer to it comes a byte at a time, so long apart. Lifted, the rest comes at once.
    Drip(#[serde(with = "spelled")] Duration),
    /// The same of the body alone: the head comes at once.
    DripBody(#[serde(with = "spelled")] Duration),
    /// The work is done, and the answer to it comes at so many bytes a second, one at least. Lifted, the rest comes at
    /// once.
    Bandwidth(u32),
    /// The work is done, the head states a body by so much longer than the one that comes, and the connection is closed.
    ShortBody {
        /// How many bytes are wanting.
        by: usize,
    },
    /// The work is done, the head states a body by so much shorter than the one that comes, and the connection is
    /// closed. A shorter body is stated as none.
    LongBody {
        /// How many bytes are too many.
        by: usize,
    },
    /// Work is answered with bytes that are not HTTP, and the connection is closed. Nothing of it is done.
    Garbage,
    /// Work is answered 200 with a page in HTML, as by a login page in front. Nothing of it is done.
    HtmlPage,
    /// Work is answered with this status and a text. Nothing of it is done. The status of the service says running.
    ///
    /// A status that is no final answer (1xx) is refused by [`Lab::fault`](crate::Lab::fault).
    Answers(#[serde(with = "spelled::status")] StatusCode),
    /// Work is answered 307 and sent to where it came from. Nothing of it is done.
    RedirectLoop,
    /// Everything, the status too, is answered so much later, or once the fault is lifted.
    Delay(#[serde(with = "spelled")] Duration),
    /// Everything, the status too, is answered later by a time of its own, between nothing and so much, or once the fault is
    /// lifted.
    Jitter(#[serde(with = "spelled")] Duration),
    /// Work is answered so much later, or once the fault is lifted; the status at once: a long compile.
    WorkDelay(#[serde(with = "spelled")] Duration),
    /// The host's clock is ahead by so much, which the `Date` of every answer shows. It is a host's: the service of the
    /// target does not matter.
    ClockAhead(#[serde(with = "spelled")] Duration),
}

/// What is wrong with the certificate that a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Flaw {
    /// Its time has passed.
    Expired,
    /// It is for another name, in CN and SAN.
    WrongName,
    /// It was signed by an authority that nobody knows.
    UnknownIssuer,
    /// It is on the authority's revocation list, which the agent has.
    Revoked,
}

/// What a service's status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Running,
    /// Not there yet.
    Starting,
    /// On the way out.
    Stopping,
    /// The status itself could not be had.
    Unknown,
    /// Broken.
    Error,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Unknown => "unknown",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(written) => words(&written, f),
            Err(_) => fmt::Debug::fmt(self, f),
        }
    }
}

/// As it is written, without what only a parser needs: `reset-body after 100`.
fn words(written: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match written {
        Value::Null => Ok(()),
        Value::String(text) => f.write_str(text),
        Value::Object(fields) => {
            let mut lead = "";
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                write!(f, "{lead}{name} ")?;
                words(value, f)?;
                lead = " ";
            }
            Ok(())
        }
        other => write!(f, "{other}"),
    }
}

/// Keeps a fault on, and lifts it when dropped.
///
/// Made by [`Lab::fault`](crate::Lab::fault), which returns once the fault is in effect.
#[must_use = "a fault is lifted when its guard is dropped"]
pub struct FaultGuard {
    shared: Arc<Shared>,
    rule: Option<u64>,
}

impl FaultGuard {
    pub(crate) fn new(shared: Arc<Shared>, rule: u64) -> Self {
        Self {
            shared,
            rule: Some(rule),
        }
    }

    /// Lifts the fault and returns once every server acts accordingly.
    pub async fn lift(mut self) {
        if let Some(rule) = self.rule.take() {
            let version = self.shared.remove_rule(rule);
            if let Err(error) = self.shared.settled(version).await {
                // The server keeps trying to listen again, and the next fault reports it.
                tracing::warn!(%error, "a fault was not lifted cleanly");
            }
        }
    }

    /// Leaves the fault on for as long as the lab runs.
    pub fn forget(mut self) {
        self.rule = None;
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if let Some(rule) = self.rule.take() {
            self.shared.remove_rule(rule);
        }
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultGuard")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
