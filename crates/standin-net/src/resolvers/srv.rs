//! Lists from SRV records, RFC 2782: `use_srv_records`.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use standin_core::{Installation, Role, Server, ServerList, Service, jitter};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Resolver;

mod order;

use order::{Record, in_order};

/// Lists from the SRV records of a domain.
///
/// `_x-puppet._tcp` names the Puppet Servers, `_x-puppet-ca._tcp` the certificate authority, or the
/// former if there is no such name. Reports and files are requests to Puppet Server here, so that
/// `_x-puppet-report._tcp` and `_x-puppet-fileserver._tcp` are only looked at, and warned about when
/// they name others. Every other service keeps the list that it had.
///
/// Servers come by priority, and among equals by weight: each agent has an order of its own, which
/// stays the same while the records do. Records are asked for anew when they are over, though at most
/// once a minute. What they said last stays in force when they cannot be had.
#[derive(Debug)]
pub struct Srv {
    lists: watch::Receiver<Installation>,
    task: JoinHandle<()>,
}

/// What to ask for, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvOptions {
    /// The domain that has the records; `srv_domain`.
    pub domain: String,
    /// The agent's certname, which decides between servers of equal priority.
    pub agent: String,
    /// The name server to ask instead of the system's.
    pub name_server: Option<SocketAddr>,
}

/// Records cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSrv {
    /// The domain is none.
    #[error("srv_domain {domain:?} is no domain; set it to the one that has the SRV records")]
    Domain {
        /// What it is.
        domain: String,
        /// Why.
        source: hickory_resolver::proto::ProtoError,
    },
    /// The system's name servers are not known.
    #[error("this machine's name servers are not known; look into /etc/resolv.conf")]
    System(#[source] NetError),
}

impl Srv {
    /// Asks for the records, and goes on to do so on this tokio runtime until it is dropped.
    ///
    /// `base` has the lists of the other services, and stands in until the records are had. The first
    /// answer is waited for, five seconds at most.
    ///
    /// # Errors
    /// When there is nobody to ask. Records that are not to be had are no error: they are warned about
    /// and asked for again.
    pub async fn start(base: impl Resolver, options: &SrvOptions) -> Result<Self, InvalidSrv> {
        let mut watch = base.watch();
        let lists = watch.borrow_and_update().clone();
        let mut state = State {
            asker: Asker::new(options)?,
            seed: jitter::seed_of(&options.agent),
            _base: Box::new(base),
            watch,
            records: None,
            lists: watch::Sender::new(lists),
            health: Health::Good,
        };
        let lists = state.lists.subscribe();
        let first = tokio::time::timeout(FIRST, state.ask()).await;
        let next = first.unwrap_or_else(|_| {
            state.warn("no answer in time");
            LEAST
        });
        let task = tokio::spawn(state.go_on(next));
        Ok(Self { lists, task })
    }
}

/// A process of one run starts with this.
const FIRST: Duration = Duration::from_secs(5);

/// Records are asked for at most this often, whatever their TTL.
const LEAST: Duration = Duration::from_secs(60);

/// And at least this often.
const MOST: Duration = Duration::from_secs(86_400);

impl Resolver for Srv {
    fn watch(&self) -> watch::Receiver<Installation> {
        self.lists.clone()
    }
}

impl Drop for Srv {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct State {
    asker: Asker,
    seed: u64,
    /// Kept, so that it goes on.
    _base: Box<dyn Resolver>,
    watch: watch::Receiver<Installation>,
    records: Option<Records>,
    lists: watch::Sender<Installation>,
    health: Health,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// The records cannot be had, which was said.
    Bad,
}

impl State {
    async fn go_on(mut self, next: Duration) {
        let mut due = Instant::now() + next;
        loop {
            match tokio::time::timeout_at(due, self.watch.changed()).await {
                Ok(Ok(())) => self.show(),
                // The base ended and stays as it is.
                Ok(Err(_)) => {
                    tokio::time::sleep_until(due).await;
                    due = Instant::now() + self.ask().await;
                }
                Err(_) => due = Instant::now() + self.ask().await,
            }
        }
    }

    /// Asks once, and says when to ask again.
    async fn ask(&mut self) -> Duration {
        match self.asker.records().await {
            Ok((records, ttl)) => {
                if self.health == Health::Bad {
                    tracing::info!(domain = %self.asker.domain, "SRV records are had again");
                }
                self.health = Health::Good;
                self.records = Some(records);
                self.show();
                ttl.clamp(LEAST, MOST)
            }
            Err(error) => {
                self.warn(&error.to_string());
                LEAST
            }
        }
    }

    /// Shows the base with the lists that the records name.
    fn show(&mut self) {
        let base = self.watch.borrow_and_update().clone();
        let mut lists = base.clone();
        if let Some(Records { servers, ca }) = &self.records {
            let ca = ca.as_ref().unwrap_or(servers);
            for (service, records) in [
                (Service::PuppetServer, servers),
                (Service::CertificateAuthority, ca),
            ] {
                if let Some(list) = list(&base, records, self.seed) {
                    lists = lists.with(service, list);
                }
            }
        }
        self.lists.send_if_modified(|shown| {
            let modified = *shown != lists;
            *shown = lists;
            modified
        });
    }

    fn warn(&mut self, why: &str) {
        if self.health == Health::Good {
            let domain = &self.asker.domain;
            tracing::warn!(%domain, why, "SRV records cannot be had; the last lists stay in force");
        }
        self.health = Health::Bad;
    }
}

/// The servers of a base with those that records name. The roles are those that the base knows of
/// their hosts; others are compile masters.
fn list(base: &Installation, records: &[Record], seed: u64) -> Option<ServerList> {
    let role = |server: &Server| {
        let mut known = base.lists().flat_map(|(_, list)| list.entries());
        let known = known.find(|entry| entry.server.host() == server.host());
        known.map_or(Role::Pool, |entry| entry.role)
    };
    let servers = in_order(records, seed).into_iter().map(|server| {
        let role = role(&server);
        (server, role)
    });
    ServerList::with_roles(servers).ok()
}

struct Asker {
    resolver: TokioResolver,
    domain: Name,
    others: Others,
}

/// Whether it was said that reports or files are at servers of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Unsaid,
    Said,
}

/// What the records name; none is empty.
struct Records {
    servers: Vec<Record>,
    ca: Option<Vec<Record>>,
}

/// The servers that records name, and for how long they do.
type Found = Option<(Vec<Record>, Duration)>;

#[derive(Debug, thiserror::Error)]
enum NotHad {
    #[error("{0}")]
    Net(#[from] NetError),
    #[error("there is no record of _x-puppet._tcp that names a server")]
    None,
}

impl Asker {
    fn new(options: &SrvOptions) -> Result<Self, InvalidSrv> {
        let invalid = |source| InvalidSrv::Domain {
            domain: options.domain.clone(),
            source,
        };
        let mut domain = Name::from_utf8(&options.domain).map_err(invalid)?;
        // The domain is not looked for below others.
        domain.set_fqdn(true);
        for name in NAMES {
            domain
                .prepend_label(TCP)
                .and_then(|of| of.prepend_label(name))
                .map_err(invalid)?;
        }
        let builder = match options.name_server {
            None => TokioResolver::builder_tokio().map_err(InvalidSrv::System)?,
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                let connections = connections.map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_parts(None, vec![], vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        Ok(Self {
            resolver: builder.build().map_err(InvalidSrv::System)?,
            domain,
            others: Others::Unsaid,
        })
    }

    async fn records(&mut self) -> Result<(Records, Duration), NotHad> {
        let [general, ca, report, files] = NAMES;
        // What was had before is over by now.
        self.resolver.clear_cache();
        let (servers, ttl) = self.find(general).await?.ok_or(NotHad::None)?;
        let (ca, ttl) = match self.find(ca).await? {
            Some((servers, ca_ttl)) => (Some(servers), ttl.min(ca_ttl)),
            None => (None, ttl),
        };
        for name in [report, files] {
            if self.others == Others::Unsaid
                && let Some((others, _)) = self.find(name).await?
                && !others
                    .iter()
                    .all(|other| servers.iter().any(|of| of.server == other.server))
            {
                self.others = Others::Said;
                tracing::warn!(
                    domain = %self.domain, name,
                    "SRV records name servers that _x-puppet does not; they are not used"
                );
            }
        }
        Ok((Records { servers, ca }, ttl))
    }

    /// The records of a name; `None` when there is none.
    async fn find(&self, name: &str) -> Result<Found, NotHad> {
        let name = self
            .domain
            .clone()
            .prepend_label(TCP)
            .and_then(|of| of.prepend_label(name));
        let name = name.map_err(NetError::from)?;
        let lookup = match self.resolver.srv_lookup(name).await {
            Err(error) if error.is_no_records_found() => return Ok(None),
            lookup => lookup?,
        };
        let mut records = Vec::new();
        let mut ttl = MOST;
        for answer in lookup.answers() {
            ttl = ttl.min(Duration::from_secs(answer.ttl.into()));
            if let RData::SRV(srv) = &answer.data
                // A root for a target says that the service is decidedly not there.
                && !srv.target.is_root()
                && let Ok(server) = Server::new(srv.target.to_ascii().trim_end_matches('.'), srv.port)
            {
                records.push(Record {
                    priority: srv.priority,
                    weight: srv.weight,
                    server,
                });
            }
        }
        Ok((!records.is_empty()).then_some((records, ttl)))
    }
}

const TCP: &str = "_tcp";
const NAMES: [&str; 4] = [
    "_x-puppet",
    "_x-puppet-ca",
    "_x-puppet-report",
    "_x-puppet-fileserver",
];
