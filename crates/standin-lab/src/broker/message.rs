//! The envelope of PCP version 2: one JSON object, as text.

use serde_json::{Map, Value};

use super::uri::Uri;
use crate::answer::uuid;

/// A PCP version 2 message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// A UUID.
    pub id: String,
    /// What the data mean, as a rule `http://puppetlabs.com/...`.
    pub message_type: String,
    /// The URI of the client it is for; none, or `pcp:///server`, is the broker.
    pub target: Option<String>,
    /// The URI of the client it is from. The broker fills it in when it is missing.
    pub sender: Option<String>,
    /// The id of the message that this one answers.
    pub in_reply_to: Option<String>,
    /// What it says.
    pub data: Option<Value>,
}

impl Message {
    pub(crate) fn new(message_type: &str) -> Self {
        Self {
            id: uuid(),
            message_type: message_type.to_owned(),
            target: None,
            sender: None,
            in_reply_to: None,
            data: None,
        }
    }

    pub(crate) fn to(mut self, target: &Uri) -> Self {
        self.target = Some(target.to_string());
        self
    }

    pub(crate) fn answering(mut self, id: &str) -> Self {
        self.in_reply_to = Some(id.to_owned());
        self
    }

    pub(crate) fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Reads a message, as strictly as the real broker: no other keys, ids are UUIDs, URIs are URIs.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Object(mut object)) = serde_json::from_str(text) else {
            return None;
        };
        let this = Self {
            id: required(&mut object, "id").filter(|id| is_uuid(id))?,
            message_type: required(&mut object, "message_type")?,
            target: optional(&mut object, "target", is_uri)?,
            sender: optional(&mut object, "sender", is_uri)?,
            in_reply_to: optional(&mut object, "in_reply_to", is_uuid)?,
            data: object.remove("data"),
        };
        object.is_empty().then_some(this)
    }

    pub(crate) fn to_text(&self) -> String {
        let strings = [
            ("id", Some(&self.id)),
            ("message_type", Some(&self.message_type)),
            ("target", self.target.as_ref()),
            ("sender", self.sender.as_ref()),
            ("in_reply_to", self.in_reply_to.as_ref()),
        ];
        let mut object: Map<_, _> = strings
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?.clone()))))
            .collect();
        if let Some(data) = &self.data {
            object.insert("data".to_owned(), data.clone());
        }
        Value::Object(object).to_string()
    }
}

fn required(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    match object.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// `None` if there is a value that must not be.
fn optional(
    object: &mut Map<String, Value>,
    key: &str,
    is_good: fn(&str) -> bool,
) -> Option<Option<String>> {
    match object.remove(key) {
        None => Some(None),
        Some(Value::String(text)) if is_good(&text) => Some(Some(text)),
        Some(_) => None,
    }
}

fn is_uri(text: &str) -> bool {
    Uri::parse(text).is_some()
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let lengths = [8, 4, 4, 4, 12];
    lengths.into_iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }) && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "2df5d4ab-0d5a-4d55-9a4d-1b2f6d1c3e4f";

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut message = Message::new("http://puppetlabs.com/x")
            .to(&Uri::new("a.test", "agent"))
            .answering(ID)
            .data(json!({"deep": [1, null]}));
        message.sender = Some("pcp://c.test/controller".to_owned());
        assert_eq!(Message::parse(&message.to_text()), Some(message));
    }

    #[test]
    fn what_the_schema_does_not_allow_is_no_message() {
        let good = json!({"id": ID, "message_type": "x", "target": "pcp://a/agent"});
        assert!(Message::parse(&good.to_string()).is_some());
        for (key, value) in [
            ("id", json!("1")),
            ("id", json!(null)),
            ("message_type", json!(1)),
            ("target", json!("a")),
            ("target", json!(["pcp://a/agent"])),
            ("sender", json!("pcp://a")),
            ("in_reply_to", json!("x")),
            ("expires", json!("2026-01-01T00:00:00Z")),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert_eq!(Message::parse(&bad.to_string()), None, "{bad}");
        }
        for text in ["", "null", "[]", "{}", "\u{1}\u{0}", "{\"id\":"] {
            assert_eq!(Message::parse(text), None, "{text}");
        }
    }
}
