//! Where a broker is asked for an association.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use standin_core::Server;

/// The WebSocket URI of an association: `wss://HOST:PORT/pcp2/agent`.
///
/// The path is pcp-broker's for PCP version 2, and the client type stands at its end. Version 1
/// has `/pcp` instead and binary messages; it is not spoken here.
///
/// ```
/// use standin_core::Server;
/// use standin_pcp::{BrokerUri, ClientType};
///
/// let server = Server::new("master.example.com", 8142)?;
/// let uri = BrokerUri::of(&server, &ClientType::default());
/// assert_eq!(uri.as_str(), "wss://master.example.com:8142/pcp2/agent");
/// # Ok::<(), standin_core::InvalidServer>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BrokerUri(String);

impl BrokerUri {
    /// The URI at `server` for a client of this type.
    #[must_use]
    pub fn of(server: &Server, client_type: &ClientType) -> Self {
        Self(format!("wss://{server}{VERSION_2}/{client_type}"))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the port.
    pub(crate) fn path(&self) -> &str {
        let path = self.0.find(VERSION_2).unwrap_or_default();
        &self.0[path..]
    }
}

impl fmt::Display for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a client calls itself to the broker; `agent`, as pxp-agent does, unless it is set. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientType(Arc<str>);

impl ClientType {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ClientType {
    fn default() -> Self {
        Self("agent".into())
    }
}

impl FromStr for ClientType {
    type Err = InvalidClientType;

    fn from_str(text: &str) -> Result<Self, InvalidClientType> {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        match text {
            "server" => Err(InvalidClientType::Reserved),
            "" => Err(InvalidClientType::Characters(String::new())),
            text if text.bytes().all(is_plain) => Ok(Self(text.into())),
            text => Err(InvalidClientType::Characters(text.to_owned())),
        }
    }
}

impl fmt::Display for ClientType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is no type of a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClientType {
    /// Brokers call themselves so, and refuse clients that do.
    #[error("the client type \"server\" is the brokers' own; take another, as \"agent\"")]
    Reserved,
    /// It stands in a path, so it may be made of letters, digits, `-`, `_` and `.` only.
    #[error("{0:?} is no client type: letters, digits, '-', '_' and '.' make one")]
    Characters(String),
}

/// Where pcp-broker has PCP version 2 unless it is configured otherwise.
const VERSION_2: &str = "/pcp2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_keeps_its_brackets_and_a_port_of_its_own_its_port() {
        let server = Server::new("2001:db8::1", 18142).unwrap();
        let uri = BrokerUri::of(&server, &"controller".parse().unwrap());
        assert_eq!(uri.to_string(), "wss://[2001:db8::1]:18142/pcp2/controller");
    }

    #[test]
    fn a_type_that_a_path_cannot_have_or_a_broker_would_refuse_is_none() {
        for text in ["", "a/b", "a b", "ä", "a?b", "server"] {
            assert!(text.parse::<ClientType>().is_err(), "{text}");
        }
    }
}
