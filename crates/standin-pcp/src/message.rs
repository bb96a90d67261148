//! A message of PCP version 2, and what makes one valid.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use standin_core::Repeat;

use crate::PcpUri;

/// A message: an envelope and, in `data`, what its type says.
///
/// The data is kept as the JSON text that it came as: nothing of it is lost, and it is read only by
/// whom it concerns.
///
/// ```
/// use standin_pcp::{Message, message_type};
///
/// let target = "pcp://agent.example.com/agent".parse()?;
/// let data = serde_json::json!({ "transaction_id": "1", "module": "ping", "action": "ping" });
/// let request = Message::new(message_type::BLOCKING_REQUEST)
///     .to(target)
///     .with_data(&data)?;
/// let read = Message::decode(&request.encode())?;
/// assert_eq!(read.data::<serde_json::Value>()?, data);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    id: String,
    message_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<PcpUri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender: Option<PcpUri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    data: Option<Box<RawValue>>,
}

impl Message {
    /// A message of this type with an id of its own, to the broker, without data.
    #[must_use]
    pub fn new(message_type: impl Into<String>) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            message_type: message_type.into(),
            target: None,
            sender: None,
            in_reply_to: None,
            data: None,
        }
    }

    /// An answer of this type: to its sender, if it names one, and in reply to it.
    #[must_use]
    pub fn answer(&self, message_type: impl Into<String>) -> Self {
        Self {
            target: self.sender.clone(),
            in_reply_to: Some(self.id.clone()),
            ..Self::new(message_type)
        }
    }

    /// The same to `target`.
    #[must_use]
    pub fn to(mut self, target: PcpUri) -> Self {
        self.target = Some(target);
        self
    }

    /// The same from `sender`. [`Broker`](crate::Broker) fills it in where it is missing.
    #[must_use]
    pub fn from(mut self, sender: PcpUri) -> Self {
        self.sender = Some(sender);
        self
    }

    /// The same with `data`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn with_data(mut self, data: &impl Serialize) -> Result<Self, InvalidData> {
        self.data = Some(serde_json::value::to_raw_value(data).map_err(InvalidData::Written)?);
        Ok(self)
    }

    /// The id: 128 bits, nearly always as a UUID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is; see [`message_type`].
    #[must_use]
    pub fn message_type(&self) -> &str {
        &self.message_type
    }

    /// To whom; `None` means the broker.
    #[must_use]
    pub const fn target(&self) -> Option<&PcpUri> {
        self.target.as_ref()
    }

    /// From whom.
    #[must_use]
    pub const fn sender(&self) -> Option<&PcpUri> {
        self.sender.as_ref()
    }

    /// The id of the message that this one answers.
    #[must_use]
    pub fn in_reply_to(&self) -> Option<&str> {
        self.in_reply_to.as_deref()
    }

    /// The data as JSON text.
    #[must_use]
    pub fn data_text(&self) -> Option<&str> {
        self.data.as_deref().map(RawValue::get)
    }

    /// The data, read.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidData> {
        let text = self.data_text().ok_or(InvalidData::Missing)?;
        serde_json::from_str(text).map_err(InvalidData::Read)
    }

    /// Writes it as it goes over the wire.
    #[must_use]
    pub fn encode(&self) -> String {
        // Strings and JSON that was read or written before: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what came over the wire.
    ///
    /// # Errors
    /// When it is no JSON object, lacks `id` or `message_type`, has a field that there is not, or one
    /// of the wrong kind.
    pub fn decode(text: &str) -> Result<Self, InvalidMessage> {
        serde_json::from_str(text).map_err(InvalidMessage)
    }

    /// Whether sending it twice does no harm, by its type. Answers, errors and questions to the
    /// inventory do none, nor does what pxp-agent knows again by its transaction; a blocking request
    /// would be carried out twice, and of other types nothing is known.
    #[must_use]
    pub fn repeat(&self) -> Repeat {
        match self.message_type.as_str() {
            message_type::BLOCKING_RESPONSE
            | message_type::NON_BLOCKING_REQUEST
            | message_type::NON_BLOCKING_RESPONSE
            | message_type::PROVISIONAL_RESPONSE
            | message_type::DUPLICATE_RESPONSE
            | message_type::RPC_ERROR
            | message_type::ERROR
            | message_type::INVENTORY_REQUEST => Repeat::Harmless,
            _ => Repeat::Harmful,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.message_type, self.id)
    }
}

/// What came is no message of PCP version 2.
#[derive(Debug, thiserror::Error)]
#[error("it is no message of PCP version 2")]
pub struct InvalidMessage(#[source] serde_json::Error);

/// A message's data is not what its type says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidData {
    /// There is none.
    #[error("the message has no data")]
    Missing,
    /// It does not fit.
    #[error("the data of the message is not what its type asks for")]
    Read(#[source] serde_json::Error),
    /// It cannot be written.
    #[error("the data cannot be written as JSON")]
    Written(#[source] serde_json::Error),
}

/// The types of messages that have a meaning of their own: PCP's, and PXP's of the layer above.
pub mod message_type {
    /// To the broker: who is connected? See [`crate::inventory`].
    pub const INVENTORY_REQUEST: &str = "http://puppetlabs.com/inventory_request";
    /// The broker's answer.
    pub const INVENTORY_RESPONSE: &str = "http://puppetlabs.com/inventory_response";
    /// From the broker to those who subscribed: somebody came or went.
    pub const INVENTORY_UPDATE: &str = "http://puppetlabs.com/inventory_update";
    /// A message could not be understood or delivered; the data is a text.
    pub const ERROR: &str = "http://puppetlabs.com/error_message";
    /// The broker may not deliver a message; there is no data.
    pub const UNAUTHORIZED: &str = "http://puppetlabs.com/unauthorized";
    /// PXP: do this and answer when it is done.
    pub const BLOCKING_REQUEST: &str = "http://puppetlabs.com/rpc_blocking_request";
    /// PXP: it is done.
    pub const BLOCKING_RESPONSE: &str = "http://puppetlabs.com/rpc_blocking_response";
    /// PXP: begin this and say so.
    pub const NON_BLOCKING_REQUEST: &str = "http://puppetlabs.com/rpc_non_blocking_request";
    /// PXP: what was begun is done.
    pub const NON_BLOCKING_RESPONSE: &str = "http://puppetlabs.com/rpc_non_blocking_response";
    /// PXP: it was begun.
    pub const PROVISIONAL_RESPONSE: &str = "http://puppetlabs.com/rpc_provisional_response";
    /// PXP: it was begun before.
    pub const DUPLICATE_RESPONSE: &str = "http://puppetlabs.com/rpc_duplicate_response";
    /// PXP: it failed.
    pub const RPC_ERROR: &str = "http://puppetlabs.com/rpc_error_message";
}

/// Keeps `null` apart from nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
