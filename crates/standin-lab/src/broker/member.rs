//! An association from the broker's side: leaves the inventory when it is dropped.

use std::sync::Arc;

use super::hub::{Admitted, Outgoing};
use super::message::Message;
use super::post::{self, Sender};
use super::record::PcpEvent;
use super::uri::Uri;
use crate::shared::Shared;

#[derive(Debug)]
pub(crate) struct Member {
    shared: Arc<Shared>,
    host: usize,
    admitted: Admitted,
    ending: PcpEvent,
}

impl Member {
    pub(crate) fn new(shared: Arc<Shared>, host: usize, admitted: Admitted) -> Self {
        let this = Self {
            shared,
            host,
            admitted,
            ending: PcpEvent::Left,
        };
        this.record(PcpEvent::Associated);
        this
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.admitted.uri
    }

    /// What this client is to be told next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        self.admitted.inbox.recv().await
    }

    /// Takes the text that the client sent.
    pub(crate) fn receive(&self, text: &str) {
        match Message::parse(text) {
            Some(message) => self.receive_message(&message),
            None => self.receive_malformed(),
        }
    }

    pub(crate) fn receive_message(&self, message: &Message) {
        let hub = &self.shared.machine(self.host).hub;
        self.record(PcpEvent::Received(message.clone()));
        post::handle(hub, &self.as_sender(), message);
    }

    /// Takes something that is no message.
    pub(crate) fn receive_malformed(&self) {
        self.record(PcpEvent::Malformed);
        post::malformed(&self.as_sender());
    }

    /// Ends the association in another way than by the client's leave.
    pub(crate) fn ends(mut self, ending: PcpEvent) {
        self.ending = ending;
    }

    fn as_sender(&self) -> Sender<'_> {
        Sender {
            uri: &self.admitted.uri,
            id: self.admitted.id,
            outbox: &self.admitted.outbox,
        }
    }

    fn record(&self, event: PcpEvent) {
        let host = &self.shared.machine(self.host).name;
        self.shared.journal().record(host, self.uri(), event);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let hub = &self.shared.machine(self.host).hub;
        hub.leave(&self.admitted.uri, self.admitted.id);
        let ending = std::mem::replace(&mut self.ending, PcpEvent::Left);
        self.record(ending);
    }
}
