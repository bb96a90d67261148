//! What a broker saw of its clients, for the journal.

use std::sync::Arc;
use std::time::Duration;

use super::message::Message;

/// One thing that happened between a broker and a client that came as far as WebSocket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PcpReceipt {
    /// When, since the lab's start.
    pub at: Duration,
    /// The broker's host.
    pub host: Arc<str>,
    /// The client's URI; without a certificate its name is empty.
    pub client: String,
    /// What happened.
    pub event: PcpEvent,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PcpEvent {
    /// The client is in the inventory.
    Associated,
    /// The upgrade was answered, and the connection closed at once.
    Refused {
        /// The close code.
        code: u16,
        /// And its reason.
        reason: &'static str,
    },
    /// A message arrived whole. Its sender and target are as the client wrote them.
    Received(Message),
    /// A WebSocket message arrived that is no message of PCP version 2.
    Malformed,
    /// The broker closed the association.
    Closed {
        /// The close code.
        code: u16,
        /// And its reason.
        reason: &'static str,
    },
    /// A newer connection took the URI, and this one was disconnected.
    Superseded,
    /// The client closed, or its connection ended.
    Left,
}
