//! What happens to an association.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use standin_core::Server;
use tokio::sync::broadcast;

use crate::{AssociateError, Attempt, Ended, InvalidMessage};

/// Something happened to the association. It serialises as one flat object with its kind in
/// `event`; spans are in seconds.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A broker associated. Messages go both ways from now on.
    Associated {
        /// Which.
        server: Server,
        /// Who was tried before, in order.
        failed: Vec<Attempt>,
    },
    /// The association has lasted for long enough to count as a success.
    Stable {
        /// With whom.
        server: Server,
    },
    /// It is with a later broker of the list than the last one was.
    Moved {
        /// The last one.
        from: Server,
        /// This one.
        to: Server,
    },
    /// It is with an earlier broker of the list than the last one was.
    FailedBack {
        /// The last one.
        from: Server,
        /// This one.
        to: Server,
    },
    /// The association ended.
    Lost {
        /// With whom it was.
        server: Server,
        /// How.
        #[serde(serialize_with = "text")]
        ended: Arc<Ended>,
        /// When the next attempt is made.
        #[serde(serialize_with = "seconds")]
        again_in: Duration,
    },
    /// The broker sent everybody away.
    Evicted {
        /// Which.
        server: Server,
        /// In what words.
        #[serde(serialize_with = "text")]
        ended: Arc<Ended>,
        /// When the next attempt is made.
        #[serde(serialize_with = "seconds")]
        again_in: Duration,
    },
    /// Nobody will take this agent until somebody changes something: a broker refused it (4002), or
    /// missed its certificate (4003), or there is trust with none.
    Misconfigured {
        /// What is wrong.
        reason: String,
        /// When it is tried again.
        #[serde(serialize_with = "seconds")]
        again_in: Duration,
    },
    /// Every broker was tried and none associated.
    NotAssociated {
        /// What was tried.
        #[serde(serialize_with = "text")]
        error: Arc<AssociateError>,
        /// When it is tried again.
        #[serde(serialize_with = "seconds")]
        again_in: Duration,
    },
    /// An earlier broker seemed well and did not keep the association that was to replace the present
    /// one, which stays.
    Stayed {
        /// The earlier one.
        server: Server,
        /// What went wrong there.
        reason: String,
    },
    /// Something came that is no message of PCP version 2. It was dropped.
    Garbled {
        /// From whom.
        server: Server,
        /// What is wrong with it.
        #[serde(serialize_with = "text")]
        error: Arc<InvalidMessage>,
    },
    /// So many events were not taken in time and are gone.
    Missed {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = Duration::as_secs_f64;
        match self {
            Self::Associated { server, failed } if failed.is_empty() => {
                write!(f, "associated with {server}")
            }
            Self::Associated { server, failed } => {
                write!(f, "associated with {server}")?;
                failed
                    .iter()
                    .try_for_each(|attempt| write!(f, "; before it {attempt}"))
            }
            Self::Stable { server } => write!(f, "the association with {server} is stable"),
            Self::Moved { from, to } => write!(f, "moved from {from} to {to}"),
            Self::FailedBack { from, to } => write!(f, "failed back from {from} to {to}"),
            Self::Lost {
                ended, again_in, ..
            } => write!(f, "lost: {ended}; again in {:.1} s", secs(again_in)),
            Self::Evicted {
                ended, again_in, ..
            } => write!(f, "evicted: {ended}; again in {:.1} s", secs(again_in)),
            Self::Misconfigured { reason, again_in } => {
                write!(
                    f,
                    "misconfigured: {reason}; again in {:.1} s",
                    secs(again_in)
                )
            }
            Self::NotAssociated { error, again_in } => {
                write!(f, "{error}; again in {:.1} s", secs(again_in))
            }
            Self::Stayed { server, reason } => {
                write!(f, "did not fail back to {server}: {reason}")
            }
            Self::Garbled { server, error } => write!(f, "dropped what {server} sent: {error}"),
            Self::Missed { count } => write!(f, "{count} events were missed"),
        }
    }
}

/// Events, one after another.
#[derive(Debug)]
pub struct Events(pub(crate) broadcast::Receiver<Event>);

impl Events {
    /// The next one; `None` once the association is given up and all were taken.
    ///
    /// Who takes them too slowly is told [`Event::Missed`].
    ///
    /// # Cancel safety
    /// None is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Event::Missed { count }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

fn text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}
