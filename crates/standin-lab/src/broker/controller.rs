//! A client of a broker that lives in the test.

use std::fmt;

use serde_json::Value;

use super::hub::Outgoing;
use super::inventory;
use super::member::Member;
use super::message::Message;
use super::record::PcpEvent;

/// A controller that is associated with a broker without a connection: what it sends is handled, and what is sent to it
/// arrives, as over one. It leaves when it is dropped; when the broker ends the association it does so once it has received
/// that.
///
/// Made by [`Broker::controller`](crate::Broker::controller).
pub struct Controller {
    /// `None` once the broker has ended the association.
    member: Option<Member>,
    uri: String,
}

impl Controller {
    pub(crate) fn new(member: Member) -> Self {
        Self {
            uri: member.uri().to_string(),
            member: Some(member),
        }
    }

    /// `pcp://CERTNAME/controller`.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Sends a message to the client of that URI and returns its id. What cannot be delivered comes back as an
    /// `error_message`; after the broker has ended the association nothing does.
    pub fn send(&self, target: &str, message_type: &str, data: Value) -> String {
        let mut message = Message::new(message_type).data(data);
        message.target = Some(target.to_owned());
        let id = message.id.clone();
        if let Some(member) = &self.member {
            member.receive_message(&message);
        }
        id
    }

    /// The next message for this controller; `None` once the broker has ended the association. Cancel safe.
    pub async fn receive(&mut self) -> Option<Message> {
        let member = self.member.as_mut()?;
        let ending = match member.next().await? {
            Outgoing::Message(message) => return Some(message),
            Outgoing::Change(change) => {
                return Some(
                    Message::new("http://puppetlabs.com/inventory_update")
                        .to(member.uri())
                        .data(inventory::update(&[change])),
                );
            }
            Outgoing::Close(close) => PcpEvent::Closed {
                code: close.code,
                reason: close.reason,
            },
            Outgoing::Disconnect => PcpEvent::Superseded,
        };
        if let Some(member) = self.member.take() {
            member.ends(ending);
        }
        None
    }

    /// Sends a message and waits for what answers it: the first message in reply to it, or with the same transaction.
    /// Others that arrive meanwhile are dropped. `None` once the broker has ended the association.
    pub async fn request(
        &mut self,
        target: &str,
        message_type: &str,
        data: Value,
    ) -> Option<Message> {
        let transaction = data.get("transaction_id").cloned();
        let id = self.send(target, message_type, data);
        loop {
            let answer = self.receive().await?;
            let theirs = answer
                .data
                .as_ref()
                .and_then(|data| data.get("transaction_id"));
            let same_transaction = transaction.is_some() && theirs == transaction.as_ref();
            if answer.in_reply_to.as_ref() == Some(&id) || same_transaction {
                return Some(answer);
            }
        }
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
