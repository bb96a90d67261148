//! How an association ended.

use std::error::Error;

use standin_core::Server;

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
    /// What to do next: see [`after_close`]. Whatever ended without a code is as one without a
    /// meaning.
    #[must_use]
    pub const fn after(&self) -> AfterClose {
        match self {
            Self::Closed { code, .. } => after_close(*code),
            Self::Broke { .. } | Self::Binary { .. } => AfterClose::NextBroker,
        }
    }
}
