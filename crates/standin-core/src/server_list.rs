//! Server lists: the operator's order, kept.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::{InvalidServer, Server};

/// What a host is to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The primary master.
    Master,
    /// An enabled replica of the master, not promoted.
    Replica,
    /// A compile master or a load balancer: it stands for the whole infrastructure.
    Pool,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Master => "master",
            Self::Replica => "replica",
            Self::Pool => "pool",
        })
    }
}

/// A server of a list, and what its host is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Where it is.
    pub server: Server,
    /// What it is.
    pub role: Role,
}

/// The servers of one service in the operator's order: never empty, no repeats. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerList(Arc<[Entry]>);

impl ServerList {
    /// A list whose roles are assumed: two servers are a master and its replica, any other number
    /// are [`Role::Pool`].
    ///
    /// # Errors
    /// When there is no server, or one is there twice.
    pub fn new(servers: impl IntoIterator<Item = Server>) -> Result<Self, InvalidServerList> {
        let servers: Vec<Server> = servers.into_iter().collect();
        let roles: &[Role] = if servers.len() == 2 {
            &[Role::Master, Role::Replica]
        } else {
            &[Role::Pool]
        };
        let roles = roles.iter().copied().chain(std::iter::repeat(Role::Pool));
        Self::with_roles(servers.into_iter().zip(roles))
    }

    /// A list whose roles are known.
    ///
    /// # Errors
    /// When there is no server, or one is there twice.
    pub fn with_roles(
        entries: impl IntoIterator<Item = (Server, Role)>,
    ) -> Result<Self, InvalidServerList> {
        let mut list: Vec<Entry> = Vec::new();
        for (server, role) in entries {
            if list.iter().any(|entry| entry.server == server) {
                return Err(InvalidServerList::Repeated { server });
            }
            list.push(Entry { server, role });
        }
        if list.is_empty() {
            return Err(InvalidServerList::Empty);
        }
        Ok(Self(list.into()))
    }

    /// Reads a list as `server_list` has it: servers with commas between.
    ///
    /// # Errors
    /// When an entry is no server, or the list is empty or repeats one.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, InvalidServerList> {
        if text.trim().is_empty() {
            return Err(InvalidServerList::Empty);
        }
        let servers = text
            .split(',')
            .map(|entry| Server::parse(entry, default_port))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(servers)
    }

    /// The list with these servers after its own, as [`Role::Pool`]; who is in it already is not there
    /// twice.
    pub(crate) fn followed_by(&self, servers: &[Server]) -> Self {
        let mut list = self.0.to_vec();
        for server in servers {
            if !list.iter().any(|entry| entry.server == *server) {
                list.push(Entry {
                    server: server.clone(),
                    role: Role::Pool,
                });
            }
        }
        Self(list.into())
    }

    /// The entries, in the operator's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The servers, in the operator's order.
    pub fn servers(&self) -> impl ExactSizeIterator<Item = &Server> {
        self.0.iter().map(|entry| &entry.server)
    }

    /// How many servers there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a list is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The entry of this server, if it is in the list.
    #[must_use]
    pub fn position(&self, server: &Server) -> Option<usize> {
        self.0.iter().position(|entry| entry.server == *server)
    }
}

impl fmt::Display for ServerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, server) in self.servers().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{server}")?;
        }
        Ok(())
    }
}

/// The servers make no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidServerList {
    /// There is nobody to send work to.
    #[error("a server list is empty; name at least one server")]
    Empty,
    /// The same host and port twice would be tried twice.
    #[error("{server} is in the server list twice; name it once")]
    Repeated {
        /// The server named again.
        server: Server,
    },
    /// An entry is no server.
    #[error(transparent)]
    Server(#[from] InvalidServer),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn roles(text: &str) -> Vec<Role> {
        let list = ServerList::parse(text, 8140).unwrap();
        list.entries().iter().map(|entry| entry.role).collect()
    }

    #[test]
    fn two_servers_are_a_master_and_its_replica() {
        assert_eq!(roles("a,b"), [Role::Master, Role::Replica]);
    }

    #[test]
    fn one_or_three_servers_are_a_pool() {
        assert_eq!(roles("a"), [Role::Pool]);
        assert_eq!(roles("a,b,c"), [Role::Pool; 3]);
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(ServerList::parse(" ", 8140), Err(InvalidServerList::Empty));
        assert_eq!(ServerList::new([]), Err(InvalidServerList::Empty));
    }

    #[test]
    fn a_repeat_under_another_spelling_is_refused() {
        let error = ServerList::parse("a:8140, https://A.", 8140).unwrap_err();
        assert!(matches!(error, InvalidServerList::Repeated { .. }));
    }

    #[test]
    fn an_empty_entry_is_refused() {
        assert!(matches!(
            ServerList::parse("a,,b", 8140),
            Err(InvalidServerList::Server(_))
        ));
    }

    proptest! {
        #[test]
        fn listed_order_survives(names in prop::collection::hash_set("[a-z]{1,8}", 1..12)) {
            let names: Vec<String> = names.into_iter().collect();
            let list = ServerList::parse(&names.join(" , "), 8140).unwrap();
            let hosts: Vec<&str> = list.servers().map(Server::host).collect();
            prop_assert_eq!(hosts, names);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = ServerList::parse(&text, 8140);
        }
    }
}
