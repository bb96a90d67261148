//! What becomes of a message that a client sent.

use serde_json::{Value, json};

use super::hub::{Close, Hub, Outbox, Outgoing};
use super::inventory::Query;
use super::message::Message;
use super::uri::Uri;

/// The client that a message came from.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) uri: &'a Uri,
    pub(crate) id: u64,
    pub(crate) outbox: &'a Outbox,
}

/// Delivers or answers a message; what cannot be done is answered with an error message. Checks come in the order of
/// the real broker's.
pub(crate) fn handle(hub: &Hub, from: &Sender<'_>, message: &Message) {
    let Some((sender, target)) = route(message, from.uri) else {
        return from.refuse(Some(message), UNREADABLE);
    };
    let is_association = target.as_str() == BROKER && message.message_type == ASSOCIATE_REQUEST;
    if sender.certname() != from.uri.certname() {
        let why = "Message not authenticated.";
        return if is_association {
            from.associate(message, &sender, Some(why))
        } else {
            from.refuse(Some(message), why)
        };
    }
    if !is_plain(&message.message_type, "") || !is_plain(target.as_str(), "*") {
        return from.refuse(Some(message), "Message not authorized.");
    }
    if target.has_wildcard() {
        return from.refuse(Some(message), "Multiple recipients no longer supported.");
    }
    if is_association {
        let is_other = sender.client_type() != from.uri.client_type();
        return from.associate(
            message,
            &sender,
            is_other.then_some("Session already associated."),
        );
    }
    if target.as_str() == BROKER {
        return serve(hub, from, &sender, message);
    }
    let mut forwarded = message.clone();
    forwarded.sender = Some(sender.to_string());
    if hub.deliver(&target, forwarded).is_err() {
        from.refuse(Some(message), "Not connected.");
    }
}

/// Answers what is no message at all.
pub(crate) fn malformed(from: &Sender<'_>) {
    from.refuse(None, UNREADABLE);
}

/// Who it is from and for, with the broker's defaults.
fn route(message: &Message, from: &Uri) -> Option<(Uri, Uri)> {
    let sender = match &message.sender {
        Some(sender) => Uri::parse(sender)?,
        None => from.clone(),
    };
    Some((
        sender,
        Uri::parse(message.target.as_deref().unwrap_or(BROKER))?,
    ))
}

/// A message for the broker itself. One of a type it does not know is logged and not answered.
fn serve(hub: &Hub, from: &Sender<'_>, sender: &Uri, message: &Message) {
    if message.message_type != INVENTORY_REQUEST {
        tracing::warn!(message_type = %message.message_type, client = %from.uri, "a message type that a broker does not know");
        return;
    }
    match Query::parse(message.data.as_ref()) {
        None => from.refuse(
            Some(message),
            "Error :schema.core/error handling message: the data do not match the schema",
        ),
        Some(query) if sender == from.uri => {
            hub.answer_inventory(from.uri, from.id, &message.id, query);
        }
        // The real broker answers the sender only over the sender's own connection.
        Some(_) => {}
    }
}

impl Sender<'_> {
    fn refuse(&self, message: Option<&Message>, why: &str) {
        let mut error =
            Message::new("http://puppetlabs.com/error_message").data(Value::String(why.to_owned()));
        error.in_reply_to = message.map(|message| message.id.clone());
        self.send(Outgoing::Message(error));
    }

    /// Answers what only version 1 needs: here a connection is associated as soon as it is there.
    fn associate(&self, request: &Message, sender: &Uri, refusal: Option<&str>) {
        let data = match refusal {
            None => json!({"id": request.id, "success": true}),
            Some(reason) => json!({"id": request.id, "success": false, "reason": reason}),
        };
        let mut answer = Message::new("http://puppetlabs.com/associate_response")
            .to(sender)
            .answering(&request.id)
            .data(data);
        answer.sender = Some(BROKER.to_owned());
        self.send(Outgoing::Message(answer));
        if refusal.is_some() {
            self.send(Outgoing::Close(Close::UNASSOCIATED));
        }
    }

    fn send(&self, outgoing: Outgoing) {
        // The client may be gone, and then nobody waits for it.
        let _ = self.outbox.send(outgoing);
    }
}

/// Letters, digits and `_-.:/`, all that the broker's rules of who may send what can deal with.
fn is_plain(text: &str, also: &str) -> bool {
    text.chars().all(|character| {
        character.is_ascii_alphanumeric() || "_-.:/".contains(character) || also.contains(character)
    })
}

const UNREADABLE: &str = "Could not decode message";

const BROKER: &str = "pcp:///server";
const ASSOCIATE_REQUEST: &str = "http://puppetlabs.com/associate_request";
const INVENTORY_REQUEST: &str = "http://puppetlabs.com/inventory_request";
