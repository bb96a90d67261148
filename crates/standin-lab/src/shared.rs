//! What all servers of a lab share, and what guards act upon.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::authority::Authority;
use crate::broker::Hub;
use crate::certificate::Certificate;
use crate::fault::Fault;
use crate::port::Applied;
use crate::scene::{Scene, Turn, Turned};
use crate::service::{Port, Service};
use crate::tls::{HostCertificates, Identity};
use crate::{Journal, LabError, Role, Store};

/// The lab behind its handles. Holds no task: those belong to the `Lab` and end with it.
pub(crate) struct Shared {
    machines: Vec<Machine>,
    environments: Vec<String>,
    puppetdb_allowlist: Option<Vec<String>>,
    managed: PathBuf,
    journal: Journal,
    scene: watch::Sender<Arc<Scene>>,
    trust: Mutex<Trust>,
    ports: OnceLock<Vec<(SocketAddr, watch::Receiver<Applied>)>>,
}

/// One host's part.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: Arc<str>,
    pub(crate) ip: IpAddr,
    pub(crate) store: Store,
    pub(crate) hub: Hub,
}

/// Certificates: who makes them, and what each host shows.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) authority: Authority,
    certificates: Vec<HostCertificates>,
    identities: Vec<Identity>,
}

impl Shared {
    pub(crate) fn new(
        machines: Vec<Machine>,
        roles: Vec<Role>,
        environments: Vec<String>,
        puppetdb_allowlist: Option<Vec<String>>,
        managed: PathBuf,
        trust: Trust,
    ) -> Self {
        Self {
            machines,
            environments,
            puppetdb_allowlist,
            managed,
            journal: Journal::new(),
            scene: watch::Sender::new(Arc::new(Scene::new(roles))),
            trust: Mutex::new(trust),
            ports: OnceLock::new(),
        }
    }

    /// Makes known where servers report which change they have caught up with. Counts once.
    pub(crate) fn watch_ports(&self, ports: Vec<(SocketAddr, watch::Receiver<Applied>)>) {
        if self.ports.set(ports).is_err() {
            tracing::error!("the servers of a lab were started twice");
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn environments(&self) -> &[String] {
        &self.environments
    }

    /// Whose certificates PuppetDB takes, if it does not take all.
    pub(crate) fn puppetdb_allowlist(&self) -> Option<&[String]> {
        self.puppetdb_allowlist.as_deref()
    }

    /// Where the files of the catalog go.
    pub(crate) fn managed(&self) -> &Path {
        &self.managed
    }

    pub(crate) fn machine(&self, host: usize) -> &Machine {
        &self.machines[host]
    }

    pub(crate) fn store(&self, host: usize) -> Store {
        self.machine(host).store.clone()
    }

    pub(crate) fn index_of(&self, name: &str) -> Result<usize, LabError> {
        self.machines
            .iter()
            .position(|machine| &*machine.name == name)
            .ok_or_else(|| LabError::UnknownHost {
                name: name.to_owned(),
            })
    }

    pub(crate) fn scene(&self) -> Arc<Scene> {
        Arc::clone(&self.scene.borrow())
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Scene>> {
        self.scene.subscribe()
    }

    pub(crate) fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule; returns its number and the version of the scene that has it.
    pub(crate) fn add_rule(
        &self,
        host: usize,
        service: Option<Service>,
        fault: Fault,
    ) -> (u64, u64) {
        let mut rule = 0;
        let version = self.change(|scene| rule = scene.add(host, service, fault));
        (rule, version)
    }

    pub(crate) fn remove_rule(&self, rule: u64) -> u64 {
        self.change(|scene| scene.remove(rule))
    }

    /// Turns a flapping server up or down, if its rule is still there.
    pub(crate) fn turn(&self, rule: u64, turn: Turn) -> Turned {
        let mut turned = Turned::No;
        self.change(|scene| turned = scene.turn(rule, turn));
        turned
    }

    pub(crate) fn promote(&self, host: usize) -> u64 {
        self.change(|scene| scene.promote(host))
    }

    /// Waits until every server acts by the scene of that version. At once if the lab is gone.
    pub(crate) async fn settled(&self, version: u64) -> Result<(), LabError> {
        for (address, port) in self.ports.get().into_iter().flatten() {
            let mut port = port.clone();
            let caught_up = port
                .wait_for(|applied| applied.version >= Some(version))
                .await;
            let trouble = caught_up.ok().and_then(|applied| applied.trouble.clone());
            if let Some(source) = trouble {
                return Err(LabError::Socket {
                    address: *address,
                    source,
                });
            }
        }
        Ok(())
    }

    /// Copies what replication copies, between hosts with which nothing is wrong.
    pub(crate) fn replicate(&self) {
        let scene = self.scene();
        let sound = |service| {
            let scene = Arc::clone(&scene);
            (0..self.machines.len()).filter(move |&host| {
                scene.role(host) != Role::Pool && scene.is_sound(host, service)
            })
        };
        let databases: Vec<_> = sound(Service::PuppetDb).collect();
        for pair in databases.windows(2) {
            self.machine(pair[0])
                .store
                .sync_commands(&self.machine(pair[1]).store);
        }
        let classifiers: Vec<_> = sound(Service::NodeClassifier).collect();
        let master = classifiers
            .iter()
            .find(|&&host| scene.role(host) == Role::Master);
        let replica = classifiers
            .iter()
            .find(|&&host| scene.role(host) == Role::Replica);
        if let (Some(&master), Some(&replica)) = (master, replica) {
            self.machine(master)
                .store
                .copy_groups_to(&self.machine(replica).store);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Scene)) -> u64 {
        let mut version = 0;
        self.scene.send_modify(|scene| {
            let scene = Arc::make_mut(scene);
            change(scene);
            scene.version += 1;
            version = scene.version;
        });
        self.replicate();
        version
    }
}

impl Trust {
    pub(crate) fn new(
        authority: Authority,
        certificates: Vec<HostCertificates>,
    ) -> Result<Self, LabError> {
        let mut trust = Self {
            authority,
            certificates,
            identities: Vec::new(),
        };
        trust.renew()?;
        Ok(trust)
    }

    pub(crate) fn identity(&self, host: usize) -> &Identity {
        &self.identities[host]
    }

    pub(crate) fn replace(
        &mut self,
        host: usize,
        certificate: Certificate,
    ) -> Result<(), LabError> {
        self.certificates[host].replace(certificate);
        self.renew()
    }

    /// Makes the servers act by the current certificates and revocation lists in every new handshake.
    pub(crate) fn renew(&mut self) -> Result<(), LabError> {
        self.identities = self
            .certificates
            .iter()
            .map(|host| host.identity(&self.authority))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("machines", &self.machines)
            .finish_non_exhaustive()
    }
}

/// Where `port` of a machine is.
pub(crate) fn address(machine: &Machine, port: Port) -> SocketAddr {
    SocketAddr::new(machine.ip, port.number())
}
