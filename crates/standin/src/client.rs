//! The ready-made client: connections raced, requests sent once, mutual TLS.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{HeaderValue, Request, Response};
use standin_core::health::{Snapshot, Target};
use standin_core::policy::Probing;
use standin_core::{Installation, Policy, Repeat, Server, Verdict};
use standin_net::{Connector, Following, MemoryError, Names, Proxies, Resolver, Sockets, Tls};
use tokio::sync::watch;
use tower_service::Service;

use crate::broadcast;
use crate::drive::{Source, Walk};
use crate::https::{Bounds, Keeping, ResponseBody};
use crate::prober;
use crate::producer;
use crate::redirect::Again;
use crate::route::{Route, route};
use crate::shared::{Current, Force, Settings, Shared};
use crate::spool::{Spool, Spooling};
use crate::{Body, Classify, Error, ErrorKind, OnLoss, Run};

mod as_it_is;
mod follow;
mod spooled;
mod ways;

pub(crate) use as_it_is::{send_as_it_is, unanswered};
use ways::Otherwise;
pub(crate) use ways::Ways;

/// Sends requests to whoever serves them now. Cheap to clone; clones share all they learn.
///
/// Requests name a path and no server: `/puppet/v3/node/agent.example.com`. One that names a server
/// of its service's list is treated the same; one that names any other goes there and nowhere else.
#[derive(Clone, Debug)]
pub struct Client {
    current: Arc<Current>,
    ways: Ways,
    /// Ends with the last client.
    _following: Option<Arc<Following>>,
    spooling: Option<Arc<Spooling>>,
}

/// What a client is made of: see [`Client::builder`].
#[derive(Debug)]
pub struct ClientBuilder {
    pub(crate) settings: Settings,
    connector: Connector,
    keeping: Keeping,
    otherwise: Otherwise,
    resolver: Option<Box<dyn Resolver>>,
    spool: Option<Spool>,
}

impl Client {
    /// A client for `installation`, with the trust of `tls`.
    #[must_use]
    pub fn builder(installation: Installation, tls: Tls) -> ClientBuilder {
        ClientBuilder {
            settings: Settings::new(installation),
            connector: Connector::new(tls, Names::new()),
            keeping: Keeping::default(),
            otherwise: Otherwise::default(),
            resolver: None,
            spool: None,
        }
    }

    /// Sends a request.
    ///
    /// Redirects (301, 302, 307, 308) are followed as Puppet's agent follows them, ten at most: with the
    /// same method and body, without credentials once they lead to another server.
    ///
    /// The response carries [`Served`](crate::Served) in its extensions: who answered, and what was
    /// tried before. If nobody did and it was [spooled](ClientBuilder::spool), it carries
    /// [`Spooled`](crate::Spooled) instead.
    ///
    /// # Errors
    /// When nobody answered; the error lists every attempt.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the request, which a server may have got. Nothing is recorded
    /// against the server.
    pub fn request(
        &self,
        request: Request<impl Into<Body>>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Error>> + Send {
        let mut request: Request<Body> = request.map(Into::into);
        let shared = self.current.now();
        producer::date(&mut request, || shared.clock.wall());
        shared.hub.defaults.fill(&mut request);
        // Not an `async fn`, which would hold the request twice.
        match &self.spooling {
            Some(spooling) => Either::Left(Box::pin(spooling.send(self, request))),
            None => Either::Right(self.send(request)),
        }
    }

    /// Sends a request, and leaves it at that.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<ResponseBody>, Error> {
        let shared = self.current.now();
        let to = match &shared.hub.reports {
            Some(reports) if reports.take(&shared.health, &request) => {
                reports.address(&mut request);
                Route::AsItIs(reports.server.clone())
            }
            _ => route(&shared, &request)?,
        };
        // A walk keeps a copy of what may be repeated.
        let mut again = match to {
            Route::To(operation) if operation.repeat == Repeat::Harmless => None,
            Route::To(_) | Route::AsItIs(_) => Some(Box::new(Again::of(&request))),
        };
        let (server, response) = match to {
            Route::To(operation) => {
                let https = self.ways.of(operation.service);
                let answer = if broadcast::concerns(&shared, &request) {
                    Box::pin(broadcast::submit(&shared, https, request, operation)).await?
                } else {
                    let walk = Walk::new(&shared, https, &mut request, operation)?;
                    walk.go(Some(request)).await?
                };
                again = again.or(answer.again);
                let mut response = answer.response;
                watch_for_a_cut(response.body_mut(), Arc::clone(&shared), answer.source);
                (None, response)
            }
            Route::AsItIs(server) => {
                let sending = self.send_as_it_is(&shared, &server, request);
                let response = Box::pin(sending).await?;
                (Some(server), response)
            }
        };
        match response.status().is_redirection() {
            true => Box::pin(self.follow(&shared, again, server, response)).await,
            false => Ok(response),
        }
    }

    /// Gets a path.
    ///
    /// # Errors
    /// As [`Client::request`], or when the text is no path.
    pub async fn get(&self, path: &str) -> Result<Response<ResponseBody>, Error> {
        let request = Request::get(path)
            .body(Body::empty())
            .map_err(|error| Error::because(ErrorKind::NoService, error))?;
        self.request(request).await
    }

    /// Begins a run; put it into the extensions of the run's requests.
    #[must_use]
    pub fn begin_run(&self, on_loss: OnLoss) -> Run {
        self.current.begin_run(on_loss)
    }

    /// Other servers from now on. Requests under way finish with the servers that they began with,
    /// and what is known of a server stays known, wherever it stands now.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL; then nothing changes.
    pub fn set_installation(&self, installation: &Installation) -> Result<(), Error> {
        self.current.change(installation)
    }

    /// What is known of every server now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.current.now().snapshot()
    }

    /// What is known of every server, shown anew whenever something of it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.watch()
    }

    /// Benches a server, or a service at it, until [`Client::force_up`]. It is still tried when nobody
    /// else is left.
    pub fn force_down(&self, target: &Target) {
        self.current.force(target, Force::Down);
    }

    /// Takes back [`Client::force_down`], and forgets what speaks against the server or service.
    pub fn force_up(&self, target: &Target) {
        self.current.force(target, Force::Up);
    }

    /// Writes down what was learned, for the next process: at the end of a process of one run, say.
    /// Failovers and failbacks are written down as they happen. Without a memory it does nothing.
    ///
    /// # Errors
    /// When the memory file cannot be written.
    ///
    /// # Cancel safety
    /// The file is whole whenever the future is dropped.
    pub async fn remember(&self) -> Result<(), MemoryError> {
        self.current.remember().await
    }

    /// The policy it was made with.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.current.now().health.policy().clone()
    }
}

/// A body that breaks off later is weak evidence against the service at that server.
fn watch_for_a_cut(body: &mut ResponseBody, shared: Arc<Shared>, source: Source) {
    body.on_cut(move || {
        let Source { class, place, mark } = source;
        shared.record(class, place, Some(mark), Verdict::Cut);
    });
}

impl<B: Into<Body>> Service<Request<B>> for Client {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (client, request) = (self.clone(), request.map(Into::into));
        Box::pin(async move { client.request(request).await })
    }
}

impl ClientBuilder {
    /// Addresses for names that the system does not know.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.connector = self.connector.names(names);
        self
    }

    /// Proxies; by default servers are reached directly.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.connector = self.connector.proxies(proxies);
        self
    }

    /// What the kernel is told about connections.
    #[must_use]
    pub fn sockets(mut self, sockets: Sockets) -> Self {
        self.connector = self.connector.sockets(sockets);
        self
    }

    /// Connections to one server at most; see [`Keeping::connections`].
    #[must_use]
    pub const fn connections(mut self, most: usize) -> Self {
        self.keeping.connections = most;
        self
    }

    /// How much a server may send.
    #[must_use]
    pub const fn bounds(mut self, bounds: Bounds) -> Self {
        self.keeping.bounds = bounds;
        self
    }

    /// Another installation than the one it was begun with.
    #[must_use]
    pub fn installation(mut self, installation: Installation) -> Self {
        self.settings.installation = installation;
        self
    }

    /// The policy; the default is the design's.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// The agent's name, usually its certname. It chooses when, within the failback spread, this
    /// agent returns to the master.
    #[must_use]
    pub fn agent(mut self, name: &str) -> Self {
        name.clone_into(&mut self.settings.agent);
        self
    }

    /// How answers are read; the default is [`PuppetAnswers`](crate::PuppetAnswers).
    #[must_use]
    pub fn classify(mut self, classify: impl Classify) -> Self {
        self.settings.classify = Box::new(classify);
        self
    }

    /// The version that requests to Puppet Server name in `X-Puppet-Version`, unless they name one
    /// themselves. Below 5.3.1 an overloaded Puppet Server queues them instead of saying so.
    #[must_use]
    pub fn puppet_version(mut self, version: HeaderValue) -> Self {
        self.settings.puppet_version = version;
        self
    }

    /// A server that gets every report and nothing else, whatever the list of Puppet Server says:
    /// Puppet's `report_server`. Nobody takes its place when it fails.
    #[must_use]
    pub fn reports_to(mut self, server: Server) -> Self {
        self.settings.reports = Some(server);
        self
    }

    /// A file in which what is learned is kept for the next process of the same agent: who held what,
    /// whom to doubt, and what is usual. Without it every process begins anew, and pays for a dead
    /// master once. Several processes may share it.
    #[must_use]
    pub fn memory(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.memory = Some(path.into());
        self
    }

    /// Without a memory: this process begins anew, and leaves nothing to the next one.
    #[must_use]
    pub fn without_memory(mut self) -> Self {
        self.settings.memory = None;
        self
    }

    /// The trust of servers that are on no host of the installation: those that a request names itself,
    /// or a redirect. By default they are trusted as the others are.
    #[must_use]
    pub fn elsewhere(mut self, tls: Tls) -> Self {
        self.otherwise.elsewhere = Some(tls);
        self
    }

    /// The trust of PuppetDBs, and what they are shown: `verify_client_certificate = false` of
    /// `puppetdb.conf` shows them no certificate. By default they are as the others are.
    #[must_use]
    pub fn puppetdb(mut self, tls: Tls) -> Self {
        self.otherwise.puppetdb = Some(tls);
        self
    }

    /// Where the lists come from, instead of the installation that this was begun with: what `resolver`
    /// shows is taken up as it changes, without a restart or a lost request.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL, the spool's directory cannot be used, or there is a
    /// resolver or the policy's probing is on and this is called outside a tokio runtime.
    pub fn build(mut self) -> Result<Client, Error> {
        let policy = &self.settings.policy;
        let keeping = Keeping {
            keep_alive: policy.connect.keep_alive,
            body_idle: policy.deadline.body_idle,
            ..self.keeping
        };
        let probes = policy.probing != Probing::Off;
        let runtime = || {
            tokio::runtime::Handle::try_current()
                .map_err(|error| Error::because(ErrorKind::Local, error))
        };
        let followed = self.resolver.map(|resolver| {
            let mut lists = resolver.watch();
            self.settings.installation = lists.borrow_and_update().clone();
            (resolver, lists)
        });
        let ways = Ways::new(&self.connector, self.otherwise, &keeping);
        let open = |spool| Spooling::open(spool, &policy.repeats);
        let spooling = self.spool.map(open).transpose();
        let spooling = spooling.map_err(|error| Error::because(ErrorKind::Local, error))?;
        let current = Arc::new(Current::new(self.settings)?);
        if probes {
            runtime()?.spawn(prober::watch(Arc::downgrade(&current), ways.clone()));
        }
        let following = match followed {
            None => None,
            Some((resolver, lists)) => {
                let current = Arc::downgrade(&current);
                let following = Following::start(&runtime()?, resolver, lists, move |lists| {
                    take_up(&current, lists);
                });
                Some(Arc::new(following))
            }
        };
        Ok(Client {
            current,
            ways,
            _following: following,
            spooling: spooling.map(Arc::new),
        })
    }
}

fn take_up(current: &Weak<Current>, lists: &Installation) {
    let Some(current) = current.upgrade() else {
        return;
    };
    match current.change(lists) {
        Ok(()) => tracing::info!("server lists changed"),
        Err(error) => tracing::warn!(%error, "changed server lists cannot be used"),
    }
}
