//! The services of a Puppet Enterprise installation, and what a replica may do for each.
//!
//! The facts are the tables of the high availability overview: how a service is replicated and
//! when a replica's copy becomes active decide what may be sent there.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What a request is for.
///
/// Exhaustive on purpose: a new service needs a row in every table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Catalogs, files, facts and reports.
    PuppetServer,
    /// Distribution of code between masters.
    FileSync,
    /// Queries and commands of PuppetDB.
    #[serde(rename = "puppetdb")]
    PuppetDb,
    /// Certificates: requests, renewals, revocations.
    #[serde(rename = "ca")]
    CertificateAuthority,
    /// Users, roles and tokens.
    Rbac,
    /// Which classes a node gets.
    #[serde(rename = "classifier")]
    NodeClassifier,
    /// The record of who changed what.
    Activity,
    /// Jobs, tasks and plans.
    Orchestrator,
    /// Code deploys.
    CodeManager,
    /// The web console.
    Console,
    /// Messages to and from PXP agents.
    PcpBroker,
}

/// How a service's data reaches the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The service has no data of its own, or none is copied.
    None,
    /// Written on the master only and synced to the replica.
    ReadOnly,
    /// Written on either host and synced to both.
    ReadWrite,
}

/// When a replica's copy of a service starts to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activated {
    /// As soon as the replica is enabled.
    WhenEnabled,
    /// Only once the replica has been promoted to master.
    WhenPromoted,
}

/// What an enabled replica, not promoted, may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaServes {
    /// Reads and writes.
    Everything,
    /// Reads; a write there fails or, worse, is lost at the next sync.
    Reads,
    /// Nothing.
    Nothing,
}

impl Service {
    /// Every service, in the order of the design's table.
    pub const ALL: [Self; 11] = [
        Self::PuppetServer,
        Self::FileSync,
        Self::PuppetDb,
        Self::CertificateAuthority,
        Self::Rbac,
        Self::NodeClassifier,
        Self::Activity,
        Self::Orchestrator,
        Self::CodeManager,
        Self::Console,
        Self::PcpBroker,
    ];

    /// The port that Puppet Enterprise gives the service.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.facts().port
    }

    /// What the paths of its requests begin with. None for the console, whose paths are its own.
    #[must_use]
    pub const fn prefixes(self) -> &'static [&'static str] {
        self.facts().prefixes
    }

    /// Names to ask the status API for, in this order: which one exists depends on the release.
    #[must_use]
    pub const fn status_names(self) -> &'static [&'static str] {
        self.facts().status_names
    }

    /// How its data reaches the replica.
    #[must_use]
    pub const fn replication(self) -> Replication {
        self.facts().replication
    }

    /// Whether its status says in `replication.mode` how its host replicates.
    #[must_use]
    pub const fn is_replicated_by_mode(self) -> bool {
        matches!(self.replication(), Replication::ReadOnly)
            && self.port() != Self::PuppetServer.port()
    }

    /// When the replica's copy starts to work.
    #[must_use]
    pub const fn activated(self) -> Activated {
        self.facts().activated
    }

    /// What an enabled replica may be asked, as the two tables above imply.
    ///
    /// Brokers are the exception: the replica's does nothing of its own before promotion, yet it
    /// is tried, since `pcp_broker_list` is the operator's own order.
    #[must_use]
    pub const fn replica_serves(self) -> ReplicaServes {
        match (self, self.activated(), self.replication()) {
            (Self::PcpBroker, _, _) => ReplicaServes::Everything,
            (_, Activated::WhenPromoted, _) => ReplicaServes::Nothing,
            (Self::FileSync, _, _) | (_, _, Replication::ReadOnly) => ReplicaServes::Reads,
            (_, _, Replication::None | Replication::ReadWrite) => ReplicaServes::Everything,
        }
    }

    /// The service whose requests have this path, if any.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let is_under = |prefix: &&str| {
            path.strip_prefix(*prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self::ALL
            .into_iter()
            .find(|service| service.prefixes().iter().any(&is_under))
    }

    /// The name used on command lines, in logs and in snapshots.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Its place in [`Service::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    const fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no service named {name:?}; there are {}", known())]
pub struct UnknownService {
    name: String,
}

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(name: &str) -> Result<Self, UnknownService> {
        Self::ALL
            .into_iter()
            .find(|service| service.name() == name)
            .ok_or_else(|| UnknownService { name: name.into() })
    }
}

struct Facts {
    name: &'static str,
    port: u16,
    prefixes: &'static [&'static str],
    status_names: &'static [&'static str],
    replication: Replication,
    activated: Activated,
}

/// Ports, prefixes and status names: design section 3. Replication and activation: the table
/// "High availability architecture" of the overview; code manager and brokers, which it does not
/// list, follow its "What doesn't work during failovers" and `pcp_broker_list`.
const FACTS: [Facts; 11] = [
    Facts {
        name: "puppet-server",
        port: 8140,
        prefixes: &["/puppet"],
        status_names: &["server", "master", "pe-master"],
        replication: Replication::None,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "file-sync",
        port: 8140,
        prefixes: &["/file-sync", "/file-sync-git"],
        status_names: &["file-sync-client-service"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "puppetdb",
        port: 8081,
        prefixes: &["/pdb"],
        status_names: &["puppetdb-status"],
        replication: Replication::ReadWrite,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "ca",
        port: 8140,
        prefixes: &["/puppet-ca"],
        status_names: &["ca"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenPromoted,
    },
    Facts {
        name: "rbac",
        port: 4433,
        prefixes: &["/rbac-api"],
        status_names: &["rbac-service"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "classifier",
        port: 4433,
        prefixes: &["/classifier-api"],
        status_names: &["classifier-service"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "activity",
        port: 4433,
        prefixes: &["/activity-api"],
        status_names: &["activity-service"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenEnabled,
    },
    Facts {
        name: "orchestrator",
        port: 8143,
        prefixes: &["/orchestrator"],
        status_names: &["orchestrator-service"],
        replication: Replication::ReadOnly,
        activated: Activated::WhenPromoted,
    },
    Facts {
        name: "code-manager",
        port: 8170,
        prefixes: &["/code-manager"],
        status_names: &["code-manager-service"],
        replication: Replication::None,
        activated: Activated::WhenPromoted,
    },
    Facts {
        name: "console",
        port: 443,
        prefixes: &[],
        status_names: &[],
        replication: Replication::None,
        activated: Activated::WhenPromoted,
    },
    Facts {
        name: "pcp-broker",
        port: 8142,
        prefixes: &["/pcp", "/pcp2"],
        status_names: &["broker-service"],
        replication: Replication::None,
        activated: Activated::WhenPromoted,
    },
];

fn known() -> String {
    Service::ALL.map(Service::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_stand_in_the_order_of_the_services() {
        for (index, service) in Service::ALL.into_iter().enumerate() {
            assert_eq!(service.index(), index);
            assert_eq!(service.name().parse(), Ok(service));
        }
    }

    #[test]
    fn a_replica_serves_what_the_overview_says() {
        use ReplicaServes::{Everything, Nothing, Reads};
        let expected = [
            Everything, Reads, Everything, Nothing, Reads, Reads, Reads, Nothing, Nothing, Nothing,
            Everything,
        ];
        assert_eq!(Service::ALL.map(Service::replica_serves), expected);
    }

    #[test]
    fn a_path_belongs_to_the_service_whose_prefix_it_is_under() {
        let of = Service::of_path;
        assert_eq!(of("/puppet/v3/node/a"), Some(Service::PuppetServer));
        assert_eq!(
            of("/puppet-ca/v1/certificate/ca"),
            Some(Service::CertificateAuthority)
        );
        assert_eq!(of("/pcp2/agent"), Some(Service::PcpBroker));
        assert_eq!(of("/puppetry"), None);
        assert_eq!(of("/status/v1/simple/server"), None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "puppet".parse::<Service>().unwrap_err();
        assert!(error.to_string().contains("puppet-server"), "{error}");
    }
}
