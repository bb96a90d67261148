//! What a request is for, where it is served, and what its status is called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service of a simulated installation.
///
/// Several services share a port, as in the real thing: Puppet Server, file sync and the certificate authority on
/// 8140; RBAC, the node classifier and the activity service on 4433.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Service {
    /// Compiles catalogs, serves files, takes reports.
    PuppetServer,
    /// Hands deployed code on to the other hosts.
    FileSync,
    /// Signs and revokes certificates.
    #[serde(rename = "ca")]
    CertificateAuthority,
    /// Keeps facts, catalogs and reports, and answers queries.
    #[serde(rename = "puppetdb")]
    PuppetDb,
    /// Users and tokens.
    Rbac,
    /// Puts nodes into groups.
    #[serde(rename = "classifier")]
    NodeClassifier,
    /// What was changed, and by whom.
    Activity,
    /// Runs jobs.
    Orchestrator,
    /// Deploys code.
    CodeManager,
    /// Connects agents with the orchestrator.
    PcpBroker,
}

impl Service {
    /// Every service a lab serves.
    pub const ALL: [Self; 10] = [
        Self::PuppetServer,
        Self::FileSync,
        Self::CertificateAuthority,
        Self::PuppetDb,
        Self::Rbac,
        Self::NodeClassifier,
        Self::Activity,
        Self::Orchestrator,
        Self::CodeManager,
        Self::PcpBroker,
    ];

    /// The port it is served on, on every host.
    #[must_use]
    pub fn port(self) -> u16 {
        Port::of(self).number()
    }

    /// What it is called in scenarios, over HTTP and in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PuppetServer => "puppet-server",
            Self::FileSync => "file-sync",
            Self::CertificateAuthority => "ca",
            Self::PuppetDb => "puppetdb",
            Self::Rbac => "rbac",
            Self::NodeClassifier => "classifier",
            Self::Activity => "activity",
            Self::Orchestrator => "orchestrator",
            Self::CodeManager => "code-manager",
            Self::PcpBroker => "pcp-broker",
        }
    }

    /// What the paths of its work begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::PuppetServer => "/puppet/",
            Self::FileSync => "/file-sync/",
            Self::CertificateAuthority => "/puppet-ca/",
            Self::PuppetDb => "/pdb/",
            Self::Rbac => "/rbac-api/",
            Self::NodeClassifier => "/classifier-api/",
            Self::Activity => "/activity-api/",
            Self::Orchestrator => "/orchestrator/",
            Self::CodeManager => "/code-manager/",
            Self::PcpBroker => "/pcp2",
        }
    }

    /// The service whose work lives under `path` on `port`.
    pub(crate) fn of_path(port: Port, path: &str) -> Self {
        port.services()
            .iter()
            .copied()
            .find(|service| path.starts_with(service.prefix()))
            .unwrap_or_else(|| port.first())
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A port that hosts listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Puppet,
    PuppetDb,
    ConsoleServices,
    Orchestrator,
    CodeManager,
    PcpBroker,
}

impl Port {
    pub(crate) const ALL: [Self; 6] = [
        Self::Puppet,
        Self::PuppetDb,
        Self::ConsoleServices,
        Self::Orchestrator,
        Self::CodeManager,
        Self::PcpBroker,
    ];

    pub(crate) fn of(service: Service) -> Self {
        match service {
            Service::PuppetServer | Service::FileSync | Service::CertificateAuthority => {
                Self::Puppet
            }
            Service::PuppetDb => Self::PuppetDb,
            Service::Rbac | Service::NodeClassifier | Service::Activity => Self::ConsoleServices,
            Service::Orchestrator => Self::Orchestrator,
            Service::CodeManager => Self::CodeManager,
            Service::PcpBroker => Self::PcpBroker,
        }
    }

    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Puppet => 8140,
            Self::PuppetDb => 8081,
            Self::ConsoleServices => 4433,
            Self::Orchestrator => 8143,
            Self::CodeManager => 8170,
            Self::PcpBroker => 8142,
        }
    }

    /// The service that stands for the port when a request names none: an unknown path, or the status of everything.
    pub(crate) fn first(self) -> Service {
        match self {
            Self::Puppet => Service::PuppetServer,
            Self::PuppetDb => Service::PuppetDb,
            Self::ConsoleServices => Service::NodeClassifier,
            Self::Orchestrator => Service::Orchestrator,
            Self::CodeManager => Service::CodeManager,
            Self::PcpBroker => Service::PcpBroker,
        }
    }

    pub(crate) fn services(self) -> &'static [Service] {
        match self {
            Self::Puppet => &[
                Service::PuppetServer,
                Service::FileSync,
                Service::CertificateAuthority,
            ],
            Self::PuppetDb => &[Service::PuppetDb],
            Self::ConsoleServices => &[Service::NodeClassifier, Service::Rbac, Service::Activity],
            Self::Orchestrator => &[Service::Orchestrator],
            Self::CodeManager => &[Service::CodeManager],
            Self::PcpBroker => &[Service::PcpBroker],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_written_by_its_name() {
        for service in Service::ALL {
            assert_eq!(serde_json::json!(service), service.name());
        }
    }
}
