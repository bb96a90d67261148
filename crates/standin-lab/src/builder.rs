//! From wishes to a running lab.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::authority::Authority;
use crate::broker::{self, Hub};
use crate::certificate::{CertSpec, Certificate};
use crate::conf_dir::ConfDir;
use crate::host::{Host, HostSpec, Role};
use crate::lab::{Lab, Pair};
use crate::port::{self, Applied, PortServer};
use crate::scene::Scene;
use crate::service::Port;
use crate::shared::{Machine, Shared, Trust, address};
use crate::tls::HostCertificates;
use crate::{LabError, Store};

/// What a lab is to be like; made by [`Lab::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct LabBuilder {
    hosts: Vec<HostSpec>,
    agent: CertSpec,
    environments: Vec<String>,
    puppetdb_allowlist: Option<Vec<String>>,
}

impl LabBuilder {
    pub(crate) fn new() -> Self {
        Self {
            hosts: vec![
                HostSpec::master("master.test"),
                HostSpec::replica("replica.test"),
            ],
            agent: CertSpec::new("agent.test"),
            environments: vec!["production".to_owned()],
            puppetdb_allowlist: None,
        }
    }

    /// Replaces the hosts: one master, one replica, any number of compile masters.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = HostSpec>) -> Self {
        self.hosts = hosts.into_iter().collect();
        self
    }

    /// The certname of the agent whose certificate and settings are written. `agent.test` unless said.
    pub fn agent(mut self, certname: impl Into<String>) -> Self {
        self.agent = CertSpec::new(certname);
        self
    }

    /// The same, and what its certificate is like: an agent whose certificate has expired, was revoked, or comes from another
    /// authority.
    pub fn agent_certificate(mut self, spec: CertSpec) -> Self {
        self.agent = spec;
        self
    }

    /// Adds an environment beside `production`.
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environments.push(name.into());
        self
    }

    /// Closes every PuppetDB to clients other than those, as its `certificate-allowlist` does; the status stays open.
    /// Unless this is said it takes requests from anyone, as Debian's package does.
    pub fn puppetdb_allowlist<N: Into<String>>(
        mut self,
        certnames: impl IntoIterator<Item = N>,
    ) -> Self {
        self.puppetdb_allowlist = Some(certnames.into_iter().map(Into::into).collect());
        self
    }

    /// Makes the certificates, takes addresses, and starts the servers on the caller's runtime.
    ///
    /// When it returns every server is listening.
    ///
    /// # Errors
    ///
    /// If the hosts make no installation, no addresses are free, or a file cannot be written.
    pub async fn start(self) -> Result<Lab, LabError> {
        self.check_names()?;
        let (master, replica) = (self.the_one(Role::Master)?, self.the_one(Role::Replica)?);
        let mut authority = Authority::new()?;
        let certificates: Vec<HostCertificates> = self
            .hosts
            .iter()
            .map(|host| HostCertificates::new(&mut authority, host))
            .collect::<Result<_, _>>()?;
        let agent = authority.issue(&self.agent)?;
        let conf_dir = ConfDir::write(
            &self.hosts,
            &agent,
            &authority.ca_pem(),
            &authority.crl_pem()?,
        )?;

        let roles: Vec<Role> = self.hosts.iter().map(|host| host.role).collect();
        let sockets = Sockets::take(&Scene::new(roles.clone()), roles.len())?;
        let names = self.hosts.iter().map(|host| host.name.as_str());
        let resolved: Vec<_> = names.zip(sockets.addresses.iter().copied()).collect();
        conf_dir.set_hosts(&resolved)?;
        let machines = self.machines(&sockets, &agent);
        let shared = Arc::new(Shared::new(
            machines,
            roles,
            self.environments,
            self.puppetdb_allowlist,
            conf_dir.managed(),
            Trust::new(authority, certificates)?,
        ));
        let servers = spawn(&shared, sockets);
        let hosts: Vec<Host> = self
            .hosts
            .iter()
            .enumerate()
            .map(|(index, spec)| Host {
                index,
                name: spec.name.as_str().into(),
                ip: shared.machine(index).ip,
                shared: Arc::clone(&shared),
            })
            .collect();
        shared.settled(0).await?;
        let pair = Pair { master, replica };
        Ok(Lab::new(shared, hosts, pair, conf_dir, servers))
    }

    /// Where the only host in that role is.
    fn the_one(&self, role: Role) -> Result<usize, LabError> {
        let mut with_role = (0..self.hosts.len()).filter(|&index| self.hosts[index].role == role);
        match (with_role.next(), with_role.count()) {
            (Some(index), 0) => Ok(index),
            (first, more) => Err(LabError::Hosts {
                role,
                found: more + usize::from(first.is_some()),
            }),
        }
    }

    fn check_names(&self) -> Result<(), LabError> {
        let mut names = BTreeSet::new();
        match self.hosts.iter().find(|host| !names.insert(&host.name)) {
            Some(host) => Err(LabError::RepeatedHost {
                name: host.name.clone(),
            }),
            None => Ok(()),
        }
    }

    fn machines(&self, sockets: &Sockets, agent: &Certificate) -> Vec<Machine> {
        let machine = |(host, ip): (&HostSpec, &IpAddr)| {
            let store = Store::default();
            if host.role == Role::Master {
                store
                    .open()
                    .signed
                    .insert(agent.certname().to_owned(), agent.pem().to_owned());
            }
            Machine {
                name: host.name.as_str().into(),
                ip: *ip,
                store,
                hub: Hub::new(),
            }
        };
        self.hosts
            .iter()
            .zip(&sockets.addresses)
            .map(machine)
            .collect()
    }
}

fn spawn(shared: &Arc<Shared>, sockets: Sockets) -> JoinSet<()> {
    let hosts = sockets.addresses.len();
    let mut servers = JoinSet::new();
    let mut ports = Vec::new();
    for (host, port, socket) in sockets.listening {
        let (applied, caught_up) = watch::channel(Applied::NOTHING);
        let address = address(shared.machine(host), port);
        ports.push((address, caught_up));
        let server = PortServer {
            shared: Arc::clone(shared),
            host,
            port,
            address,
            applied,
        };
        servers.spawn(server.run(socket));
    }
    for host in 0..hosts {
        servers.spawn(broker::watch_controllers(Arc::clone(shared), host));
    }
    shared.watch_ports(ports);
    servers
}

/// One loopback address for each host, and the sockets on it.
struct Sockets {
    addresses: Vec<IpAddr>,
    /// A socket for each port, except where the host's role has no server there.
    listening: Vec<(usize, Port, Option<TcpListener>)>,
}

impl Sockets {
    /// Tries random networks 127.a.b.0 until one has all ports free, so that labs in other processes do not matter.
    fn take(scene: &Scene, hosts: usize) -> Result<Self, LabError> {
        let mut tries = 1;
        loop {
            let (a, b) = (fastrand::u8(1..=254), fastrand::u8(..));
            match Self::on(scene, hosts, a, b) {
                Ok(sockets) => return Ok(sockets),
                Err(error) if tries < MAX_TRIES && error.kind() == io::ErrorKind::AddrInUse => {
                    tries += 1
                }
                Err(source) => return Err(LabError::Addresses { tries, source }),
            }
        }
    }

    fn on(scene: &Scene, hosts: usize, a: u8, b: u8) -> io::Result<Self> {
        let mut this = Self {
            addresses: Vec::new(),
            listening: Vec::new(),
        };
        for host in 0..hosts {
            let c =
                u8::try_from(host + 1).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            let ip = IpAddr::V4(Ipv4Addr::new(127, a, b, c));
            this.addresses.push(ip);
            for port in Port::ALL {
                let address = SocketAddr::new(ip, port.number());
                let socket = scene
                    .listens(host, port)
                    .then(|| port::listen(address, port::BACKLOG))
                    .transpose()?;
                this.listening.push((host, port, socket));
            }
        }
        Ok(this)
    }
}

const MAX_TRIES: usize = 64;
