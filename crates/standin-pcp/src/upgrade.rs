//! From a TLS connection to a WebSocket.

use std::error::Error;

use hyper_util::rt::TokioIo;
use standin_core::Verdict;
use standin_core::verdict::{Loss, Processed};
use standin_net::{Stream, TrustFailure};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::BrokerUri;

/// A WebSocket to a broker.
pub(crate) type Socket = WebSocketStream<TokioIo<Stream>>;

/// A broker was reached and did not grant the association.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It answered with an HTTP status, as one does that has lost its controllers.
    #[error("the broker refused the upgrade with status {status}")]
    Refused {
        /// Which.
        status: u16,
    },
    /// It took the request and said nothing within [`limit`](standin_core::policy::Connect::limit).
    #[error("the broker did not answer the upgrade in time")]
    Silent,
    /// The connection broke.
    #[error("the connection broke in the upgrade")]
    Broke(#[source] Box<dyn Error + Send + Sync>),
    /// It does not trust the agent's certificate: in TLS 1.3 it says so only now.
    #[error("the broker does not trust this agent")]
    Untrusted(#[source] TrustFailure),
    /// What it answered is not a WebSocket's.
    #[error("what answered is no broker")]
    NotABroker(#[source] Box<dyn Error + Send + Sync>),
}

impl UpgradeError {
    /// What is known to have happened.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Refused { .. } => Verdict::NotReady(Processed::No),
            Self::Silent => Verdict::Lost(Loss::TimedOut),
            Self::Broke(_) => Verdict::Lost(Loss::Reset),
            Self::Untrusted(_) => Verdict::Untrusted,
            Self::NotABroker(_) => Verdict::Lost(Loss::Garbage),
        }
    }

    fn judge(error: tungstenite::Error) -> Self {
        use tungstenite::Error as E;
        if let Some(failure) = TrustFailure::find(&error) {
            return Self::Untrusted(failure);
        }
        match error {
            E::Http(response) => Self::Refused {
                status: response.status().as_u16(),
            },
            E::Io(_)
            | E::ConnectionClosed
            | E::AlreadyClosed
            | E::Protocol(ProtocolError::HandshakeIncomplete) => Self::Broke(cause(error)),
            _ => Self::NotABroker(cause(error)),
        }
    }
}

/// Asks for the WebSocket at `uri`. It waits as long as the broker is silent.
pub(crate) async fn upgrade(uri: &BrokerUri, stream: Stream) -> Result<Socket, UpgradeError> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MOST))
        .max_frame_size(Some(MESSAGE_MOST));
    client_async_with_config(uri.as_str(), TokioIo::new(stream), Some(config))
        .await
        .map(|(socket, _)| socket)
        .map_err(UpgradeError::judge)
}

/// What is beneath tungstenite's error, which would say it twice.
pub(crate) fn cause(error: tungstenite::Error) -> Box<dyn Error + Send + Sync> {
    match error {
        tungstenite::Error::Io(error) => error.into(),
        tungstenite::Error::Protocol(error) => error.into(),
        error => error.into(),
    }
}

/// The largest message taken from a broker: pxp-agent's `max-message-size`, 64 MiB.
const MESSAGE_MOST: usize = 64 << 20;
