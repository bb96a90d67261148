//! The inventory: who is connected to the broker.

use serde::{Deserialize, Serialize};

use crate::message::{InvalidData, message_type};
use crate::{Message, PcpUri};

/// Asks the broker who of `query` is connected. A name or a type may be `*`.
///
/// # Errors
/// Never in practice: addresses can always be written.
pub fn request(query: &[PcpUri], subscribe: Subscribe) -> Result<Message, InvalidData> {
    Message::new(message_type::INVENTORY_REQUEST).with_data(&Request {
        query: query.to_vec(),
        subscribe: Some(subscribe == Subscribe::Yes),
    })
}

/// Whether changes are to be told from now on. The association that asks is told, no later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribe {
    /// They are.
    Yes,
    /// They are not, nor any longer.
    No,
}

/// The data of an inventory request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who is asked for.
    pub query: Vec<PcpUri>,
    /// Whether changes are to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<bool>,
}

/// The data of an inventory response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Who is connected.
    pub uris: Vec<PcpUri>,
}

/// The data of an inventory update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Who came or went, in order.
    pub changes: Vec<Change>,
}

/// Somebody came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who.
    pub client: PcpUri,
    /// Which of the two.
    pub change: Direction,
}

/// Whether a client came or went; 1 or -1 on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub enum Direction {
    /// It connected.
    Came,
    /// It disconnected.
    Went,
}

impl TryFrom<i8> for Direction {
    type Error = InvalidDirection;

    fn try_from(number: i8) -> Result<Self, InvalidDirection> {
        match number {
            1 => Ok(Self::Came),
            -1 => Ok(Self::Went),
            other => Err(InvalidDirection(other)),
        }
    }
}

impl From<Direction> for i8 {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Came => 1,
            Direction::Went => -1,
        }
    }
}

/// A change is neither 1 nor -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change of the inventory is 1 or -1, not {0}")]
pub struct InvalidDirection(i8);
