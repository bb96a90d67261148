//! The running lab.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::builder::LabBuilder;
use crate::certificate::Standing;
use crate::conf_dir::ConfDir;
use crate::fault::{Fault, FaultGuard, Target};
use crate::scene::{Turn, Turned};
use crate::shared::Shared;
use crate::{CertSpec, Certificate, Host, Journal, LabError, Store, Validity};

/// A simulated installation: hosts with servers, an authority, an agent's settings. Ends when dropped.
pub struct Lab {
    shared: Arc<Shared>,
    hosts: Vec<Host>,
    pair: Pair,
    conf_dir: ConfDir,
    servers: JoinSet<()>,
}

/// Which of the hosts were built as master and replica.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) master: usize,
    pub(crate) replica: usize,
}

impl Lab {
    pub(crate) fn new(
        shared: Arc<Shared>,
        hosts: Vec<Host>,
        pair: Pair,
        conf_dir: ConfDir,
        servers: JoinSet<()>,
    ) -> Self {
        Self {
            shared,
            hosts,
            pair,
            conf_dir,
            servers,
        }
    }

    /// A lab with `master.test`, `replica.test` and the agent `agent.test`, unless told otherwise.
    pub fn builder() -> LabBuilder {
        LabBuilder::new()
    }

    /// The host that was built as the master.
    #[must_use]
    pub fn master(&self) -> &Host {
        &self.hosts[self.pair.master]
    }

    /// The host that was built as the replica, also once it is promoted.
    #[must_use]
    pub fn replica(&self) -> &Host {
        &self.hosts[self.pair.replica]
    }

    /// All hosts, in the order they were given in.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Where the names are: they are in no DNS.
    #[must_use]
    pub fn resolve(&self) -> Vec<(String, IpAddr)> {
        self.hosts
            .iter()
            .map(|host| (host.name().to_owned(), host.ip()))
            .collect()
    }

    /// The agent's ssl directory: `certs/ca.pem`, `certs/NAME.pem`, `private_keys/NAME.pem`, `crl.pem`.
    #[must_use]
    pub fn ssl_dir(&self) -> &Path {
        self.conf_dir.ssl()
    }

    /// A whole `confdir`: `puppet.conf`, `puppetdb.conf`, `classifier.yaml`, `pxp-agent.conf`, the ssl directory, and
    /// `hosts`, which a process that shall see the names may have in place of `/etc/hosts`. The settings name no
    /// directory outside of it, and what an agent makes of the catalog goes into `managed`. Removed with the lab.
    #[must_use]
    pub fn conf_dir(&self) -> &Path {
        self.conf_dir.conf()
    }

    /// What all servers received and answered.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.shared.journal().clone()
    }

    /// What the host of that name has stored.
    ///
    /// # Errors
    ///
    /// If there is no such host.
    pub fn store(&self, host: &str) -> Result<Store, LabError> {
        Ok(self.shared.store(self.shared.index_of(host)?))
    }

    /// Switches a fault on, and returns once every server acts accordingly.
    ///
    /// # Errors
    ///
    /// If there is no such host, the fault cannot be, or a socket cannot be brought into the state; then nothing stays
    /// switched on.
    pub async fn fault(&self, target: Target<'_>, fault: Fault) -> Result<FaultGuard, LabError> {
        if let Fault::Answers(status) = fault
            && status.is_informational()
        {
            return Err(LabError::NotFinal { status });
        }
        let flapping = match fault {
            Fault::Flapping { down, up } => Some((down, up)),
            _ => None,
        };
        let (host, service) = match target {
            Target::Host(name) => (self.shared.index_of(name)?, None),
            Target::Service(name, service) => (self.shared.index_of(name)?, Some(service)),
        };
        let (rule, version) = self.shared.add_rule(host, service, fault);
        let guard = FaultGuard::new(Arc::clone(&self.shared), rule);
        if let Some((down, up)) = flapping {
            tokio::spawn(flap(Arc::downgrade(&self.shared), rule, down, up));
        }
        self.shared.settled(version).await?;
        Ok(guard)
    }

    /// Promotes a host to master, for good: it opens 8143 and 8170, its authority works, its console services take
    /// writes and show `replication.mode` = `source`. A master that still runs stays what it is, so that there are two.
    ///
    /// # Errors
    ///
    /// If there is no such host, or a socket cannot be opened.
    pub async fn promote(&self, host: &str) -> Result<(), LabError> {
        let version = self.shared.promote(self.shared.index_of(host)?);
        self.shared.settled(version).await
    }

    /// Issues a further certificate. One that is to be revoked changes `crl.pem` and what servers accept, as
    /// [`revoke`](Self::revoke) does.
    ///
    /// # Errors
    ///
    /// If a name in it cannot be in a certificate, or a changed list cannot be made or written.
    pub fn certificate(&self, spec: &CertSpec) -> Result<Certificate, LabError> {
        let mut trust = self.shared.trust();
        let certificate = trust.authority.issue(spec)?;
        if spec.standing == Standing::Revoked {
            trust.renew()?;
            self.conf_dir.set_crl(&trust.authority.crl_pem()?)?;
        }
        Ok(certificate)
    }

    /// Lets a host show this certificate in new handshakes, on every port.
    ///
    /// # Errors
    ///
    /// If there is no such host, or the TLS library refuses the certificate.
    pub fn present(&self, host: &str, certificate: &Certificate) -> Result<(), LabError> {
        let host = self.shared.index_of(host)?;
        self.shared.trust().replace(host, certificate.clone())
    }

    /// Revokes every certificate issued for `certname` so far: rewrites `crl.pem`, and servers refuse it in new
    /// handshakes. A certname without certificates changes nothing but the number of the list.
    ///
    /// # Errors
    ///
    /// If the list cannot be made or written.
    pub fn revoke(&self, certname: &str) -> Result<(), LabError> {
        let mut trust = self.shared.trust();
        trust.authority.revoke(certname);
        trust.renew()?;
        self.conf_dir.set_crl(&trust.authority.crl_pem()?)
    }

    /// Rewrites `crl.pem` with another span of validity: an expired list makes careful clients trust nobody.
    ///
    /// # Errors
    ///
    /// If the list cannot be made or written.
    pub fn set_crl_validity(&self, validity: Validity) -> Result<(), LabError> {
        let mut trust = self.shared.trust();
        trust.authority.set_crl_validity(validity);
        trust.renew()?;
        self.conf_dir.set_crl(&trust.authority.crl_pem()?)
    }

    /// Ends every server and connection, and returns once they have ended. Dropping the lab does the same without
    /// waiting.
    pub async fn shutdown(mut self) {
        self.servers.shutdown().await;
    }
}

/// Turns a flapping server up and down until its fault is lifted or the lab is gone.
async fn flap(shared: Weak<Shared>, rule: u64, down: Duration, up: Duration) {
    let turns = [(down, Turn::Up), (up, Turn::Down)].into_iter().cycle();
    for (pause, turn) in turns {
        tokio::time::sleep(pause.max(FLAP_LEAST)).await;
        let is_on = shared
            .upgrade()
            .is_some_and(|shared| shared.turn(rule, turn) == Turned::Yes);
        if !is_on {
            return;
        }
    }
}

const FLAP_LEAST: Duration = Duration::from_millis(1);

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("hosts", &self.hosts)
            .field("conf_dir", &self.conf_dir.conf())
            .finish_non_exhaustive()
    }
}
