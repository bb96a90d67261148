//! Where a broker is asked for an association.

use std::fmt;

use standin_core::Server;

/// The WebSocket URI of an agent's association: `wss://HOST:PORT/pcp2/agent`.
///
/// The path is pcp-broker's for PCP version 2, and the client type stands at its end. Version 1
/// has `/pcp` instead and binary messages; it is not spoken here.
///
/// ```
/// use standin_core::Server;
/// use standin_pcp::BrokerUri;
///
/// let server = Server::new("master.example.com", 8142)?;
/// let uri = BrokerUri::of(&server);
/// assert_eq!(uri.as_str(), "wss://master.example.com:8142/pcp2/agent");
/// # Ok::<(), standin_core::InvalidServer>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BrokerUri(String);

impl BrokerUri {
    /// The URI at `server`.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        Self(format!("wss://{server}{VERSION_2}/{CLIENT_TYPE}"))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BrokerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where pcp-broker has PCP version 2 unless it is configured otherwise.
const VERSION_2: &str = "/pcp2";
/// What pxp-agent calls itself.
const CLIENT_TYPE: &str = "agent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_keeps_its_brackets_and_a_port_of_its_own_its_port() {
        let server = Server::new("2001:db8::1", 18142).unwrap();
        let uri = BrokerUri::of(&server);
        assert_eq!(uri.to_string(), "wss://[2001:db8::1]:18142/pcp2/agent");
    }
}
