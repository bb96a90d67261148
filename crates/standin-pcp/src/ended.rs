//! How an association ended.

use std::error::Error;

use standin_core::verdict::{self, Processed};
use standin_core::{Server, Verdict};

use crate::keeper::Loss;
use crate::{AfterClose, after_close};

/// An association ended; nothing more goes through it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The broker closed it.
    #[error("the broker at {server} closed the association with code {code}: {reason:?}")]
    Closed {
        /// Which broker.
        server: Server,
        /// Its code; 1005, RFC 6455's "no status received", when it gave none.
        code: u16,
        /// Its words.
        reason: String,
    },
    /// The connection broke, or the broker broke the rules of WebSockets.
    #[error("the connection to the broker at {server} broke")]
    Broke {
        /// Which broker.
        server: Server,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The broker was silent: it answered no ping in time, or not the first one.
    #[error("the broker at {server} fell silent")]
    Silent {
        /// Which broker.
        server: Server,
    },
    /// The broker sent a binary message, which version 2 of PCP does not have.
    #[error(
        "the broker at {server} sent a binary message, as PCP version 1 does; 2 is spoken here"
    )]
    Binary {
        /// Which broker.
        server: Server,
    },
}

impl Ended {
    /// With whom it was.
    #[must_use]
    pub const fn server(&self) -> &Server {
        match self {
            Self::Closed { server, .. }
            | Self::Broke { server, .. }
            | Self::Silent { server }
            | Self::Binary { server } => server,
        }
    }

    /// What it means for what follows.
    pub(crate) const fn loss(&self) -> Loss {
        match self {
            Self::Closed { code, .. } => Loss::Closed(*code),
            Self::Broke { .. } | Self::Binary { .. } => Loss::Broke,
            Self::Silent { .. } => Loss::Silent,
        }
    }

    /// What it shows of the broker; `None` when it closed for a reason that lies elsewhere.
    pub(crate) const fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Closed { code, .. } => match after_close(*code) {
                AfterClose::SameBroker => None,
                _ => Some(Verdict::NotReady(Processed::No)),
            },
            Self::Broke { .. } => Some(Verdict::Lost(verdict::Loss::Reset)),
            Self::Binary { .. } => Some(Verdict::Lost(verdict::Loss::Garbage)),
            Self::Silent { .. } => Some(Verdict::Lost(verdict::Loss::Silent)),
        }
    }
}
