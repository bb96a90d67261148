//! What became of a message.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::Serialize;
use standin_core::Server;
use tokio::sync::oneshot;

/// What became of a message. Every message has one, and it is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The broker has it: it answered a ping that was sent behind the message. That the message
    /// reached its target only an answer shows.
    Sent {
        /// The broker.
        server: Server,
    },
    /// It was written, and the association ended before the broker had confirmed it. Since repeating
    /// it may do harm, it was not sent again.
    MaybeSent {
        /// The broker that may have it.
        server: Server,
    },
    /// It could not be sent in its time.
    Expired(Written),
    /// It was not taken.
    Refused(Refusal),
}

/// Whether a message that expired was written to some broker before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// No broker has it.
    No,
    /// It was written, the association ended before the broker confirmed it, and there was no time
    /// to do so again.
    Maybe,
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// As many messages wait already as may, or as many bytes.
    #[error("the queue is full with {messages} messages of {bytes} bytes; send later")]
    Full {
        /// Messages that wait.
        messages: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// It alone is longer than all messages may be together.
    #[error("the message has {bytes} bytes, {most} are allowed")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// The handle was closed or dropped.
    #[error("the association was given up before the message was sent")]
    Closed,
    /// The broker answered it with an error, as it does when its target is not connected, or it may
    /// not be sent.
    #[error("the broker did not deliver the message: {reason}")]
    ByBroker {
        /// The broker's words.
        reason: String,
    },
}

/// The outcome of a message that was sent, to be awaited. Dropping it changes nothing of the
/// message.
///
/// It comes when the message is confirmed, has expired or is refused: so at the latest when its time
/// is over, or, if it was written by then, when that association ends or the broker answers.
#[derive(Debug)]
#[must_use = "the outcome tells whether the message was sent; drop it only if that does not matter"]
pub struct Delivery(pub(crate) oneshot::Receiver<Outcome>);

impl Future for Delivery {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let closed = Outcome::Refused(Refusal::Closed);
        Pin::new(&mut self.0)
            .poll(context)
            .map(|settled| settled.unwrap_or(closed))
    }
}
