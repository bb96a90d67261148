//! The simulated machines: what they are called, where they are, what they are there for.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::shared::Shared;
use crate::{Broker, CertSpec, Service, Store};

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Serves everything and takes every write.
    Master,
    /// Enabled but not promoted: serves Puppet Server, PuppetDB and the console services' reads. Its certificate
    /// authority, orchestrator and code manager are not there, and nothing listens on 8143 and 8170. Its PCP broker takes
    /// agents.
    Replica,
    /// A compile master: Puppet Server, file sync and a PCP broker, nothing else.
    Pool,
}

/// A host to build a lab with.
#[derive(Clone, Debug)]
pub struct HostSpec {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) dns_alt_names: Vec<String>,
    certificate: Option<CertSpec>,
}

impl HostSpec {
    /// A master, whose certificate carries its name and `puppet` as DNS alt names, as the installer makes it.
    pub fn master(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            dns_alt_names: vec![name.clone(), "puppet".to_owned()],
            name,
            role: Role::Master,
            certificate: None,
        }
    }

    /// A replica, whose certificate has a common name and no SAN at all, as `puppetserver ca generate` makes it.
    pub fn replica(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role: Role::Replica,
            dns_alt_names: Vec::new(),
            certificate: None,
        }
    }

    /// A compile master, whose certificate carries its name as DNS alt name.
    pub fn pool(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            dns_alt_names: vec![name.clone()],
            name,
            role: Role::Pool,
            certificate: None,
        }
    }

    /// Replaces the DNS alt names in the certificate. None at all makes a certificate without a SAN.
    #[must_use]
    pub fn dns_alt_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.dns_alt_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Lets the host show another certificate than its role's: an expired or revoked one, one for another name, or one of
    /// another authority. [`Lab::present`](crate::Lab::present) changes it later.
    #[must_use]
    pub fn certificate(mut self, spec: CertSpec) -> Self {
        self.certificate = Some(spec);
        self
    }
}

impl HostSpec {
    /// What a sound certificate of this host has in it.
    pub(crate) fn sound(&self) -> CertSpec {
        CertSpec::new(&self.name).dns_alt_names(&self.dns_alt_names)
    }

    /// What the host shows.
    pub(crate) fn shown(&self) -> CertSpec {
        self.certificate.clone().unwrap_or_else(|| self.sound())
    }
}

/// A running simulated machine.
#[derive(Clone)]
pub struct Host {
    pub(crate) index: usize,
    pub(crate) name: Arc<str>,
    pub(crate) ip: IpAddr,
    pub(crate) shared: Arc<Shared>,
}

impl Host {
    /// Its name, which is in no DNS: see [`Lab::resolve`](crate::Lab::resolve).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, in 127.0.0.0/8.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// What it is there for at the moment: a promoted replica is a master.
    #[must_use]
    pub fn role(&self) -> Role {
        self.shared.scene().role(self.index)
    }

    /// Where `service` would be on this host, whether or not its role serves it.
    #[must_use]
    pub fn server(&self, service: Service) -> SocketAddr {
        SocketAddr::new(self.ip, service.port())
    }

    /// Its PCP broker.
    #[must_use]
    pub fn broker(&self) -> Broker {
        Broker {
            shared: Arc::clone(&self.shared),
            host: self.index,
        }
    }

    /// What this host has stored.
    #[must_use]
    pub fn store(&self) -> Store {
        self.shared.store(self.index)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.name)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}
