//! Hosts that the caller names, in the place of all that files say of servers.

use standin_core::Server;

use crate::Origin;
use crate::stated::{Named, Stated};

/// A master and perhaps its replica, which have every service between them.
///
/// ```
/// use standin_config::Hosts;
/// use standin_core::Server;
///
/// let hosts = Hosts {
///     master: Server::parse("master.example.com", 8140)?,
///     replica: Some(Server::parse("replica.example.com", 8140)?),
/// };
/// # let _ = hosts;
/// # Ok::<(), standin_core::InvalidServer>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The master's Puppet Server, with which file sync and the certificate authority share a port. Its
    /// other services are at Puppet Enterprise's ports.
    pub master: Server,
    /// The same of its replica, which is taken to be enabled.
    pub replica: Option<Server>,
}

impl Hosts {
    /// What they state instead of the files.
    pub(crate) fn stated(&self) -> Stated {
        let servers = [Some(&self.master), self.replica.as_ref()];
        Stated {
            server_list: Some(Named {
                servers: servers.into_iter().flatten().cloned().collect(),
                origin: Origin::Override,
            }),
            classifiers: None,
            puppetdbs: None,
            brokers: None,
            enabled_replicas: None,
            replication: None,
        }
    }

    /// Settings that name servers, and without effect beside these hosts.
    pub(crate) const INSTEAD_OF: [&'static str; 9] = [
        "server_list",
        "server",
        "ca_server",
        "report_server",
        "server_urls",
        "broker-ws-uris",
        "broker-ws-uri",
        "ha_enabled_replicas",
        "replication_mode",
    ];
}
