//! A client in a [`World`], and what it asks for.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use http::{Method, Request, Response};
use proptest::prelude::ProptestConfig;
use standin::{
    Attempt, Body, Deadline, Error, FailoverLayer, Installation, Over, Policy, Role, Run, Served,
    Server, ServerList, Service,
};

use crate::script::Script;
use crate::world::World;

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) layer: FailoverLayer,
    pub(crate) client: Over<World>,
}

/// What came of a request, and when.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Served, Error>,
    pub(crate) began: Duration,
    pub(crate) took: Duration,
}

/// What an agent asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Node,
    Catalog,
    Query,
    /// With a producer timestamp.
    Command,
    /// Without one, so that it may not arrive twice.
    UndatedCommand,
    Classification,
    ClassifierEdit,
    CertificateRequest,
    CodeDeploy,
}

/// Runs a test on a clock that jumps to the next timer whenever nobody has anything to do. `seed`
/// is where every random number comes from.
pub(crate) fn play<F: Future>(seed: u64, test: F) -> F::Output {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(test)
}

/// So many random worlds; `STANDIN_WALKS` times as many in the nightly run.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let times = std::env::var("STANDIN_WALKS").map_or(1, |times| times.parse().unwrap());
    ProptestConfig::with_cases(count * times)
}

/// Servers of one list, in its order: `host` and the script of its port 8140.
pub(crate) type Cast = Vec<(Role, Script)>;

/// What the server at a place of a [`Cast`] is called.
pub(crate) fn name(place: usize) -> String {
    format!("server{place}.test:8140")
}

impl Stage {
    /// A master and a replica with every service; `scripts` by host and port.
    pub(crate) fn new(policy: Policy, scripts: &[(&str, Script)]) -> Self {
        Self::of(installation(), policy, scripts.iter().cloned())
    }

    pub(crate) fn of<'a>(
        installation: Installation,
        policy: Policy,
        scripts: impl IntoIterator<Item = (&'a str, Script)>,
    ) -> Self {
        let scripts = scripts.into_iter();
        let servers = scripts.map(|(server, script)| (server.to_owned(), script));
        Self::with(installation, policy, servers.collect(), BTreeMap::new())
    }

    /// Servers that only serve what an errand to Puppet Server asks for.
    pub(crate) fn cast(policy: Policy, cast: &Cast) -> Self {
        let list = list(cast);
        let installation = Installation::new().with(Service::PuppetServer, list);
        let scripts = cast.iter().enumerate();
        let servers = scripts.map(|(place, (_, script))| (name(place), script.clone()));
        Self::with(installation, policy, servers.collect(), BTreeMap::new())
    }

    pub(crate) fn with(
        installation: Installation,
        policy: Policy,
        servers: BTreeMap<String, Script>,
        services: BTreeMap<(String, Service), Script>,
    ) -> Self {
        let layer = FailoverLayer::builder(installation).agent(AGENT);
        let layer = layer.policy(policy).build().unwrap();
        let world = World::new(servers, services);
        Self {
            client: layer.over(world.clone()),
            layer,
            world,
        }
    }

    /// The same world after the agent's process ended and another one began.
    pub(crate) fn next_process(&self, layer: FailoverLayer) -> Self {
        Self {
            world: self.world.clone(),
            client: layer.over(self.world.clone()),
            layer,
        }
    }

    pub(crate) async fn ask(&self, errand: Errand) -> Outcome {
        self.send(errand.request(0)).await
    }

    /// Asks as part of a run.
    pub(crate) async fn ask_in(&self, run: &Run, errand: Errand) -> Outcome {
        let mut request = errand.request(0);
        request.extensions_mut().insert(run.clone());
        self.send(request).await
    }

    pub(crate) async fn ask_within(&self, span: Duration, errand: Errand) -> Outcome {
        let mut request = errand.request(0);
        request.extensions_mut().insert(Deadline::within(span));
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Outcome {
        let began = self.world.now();
        let result = self.client.request(request).await;
        let served = |response: Response<()>| response.extensions().get::<Served>().cloned();
        Outcome {
            result: result.map(|response| served(response).expect("who served it")),
            began,
            took: self.world.now() - began,
        }
    }

    /// Who holds Puppet Server.
    pub(crate) fn holder(&self) -> Server {
        let snapshot = self.layer.snapshot();
        let classes = snapshot.classes.iter();
        let mut of_it = classes.filter(|class| class.class == "puppet-server");
        of_it.next().unwrap().holder.clone()
    }
}

impl Outcome {
    /// The attempts that got no answer.
    pub(crate) fn failed(&self) -> &[Attempt] {
        match &self.result {
            Ok(served) => &served.failed,
            Err(error) => error.attempts(),
        }
    }

    /// The role of who answered.
    pub(crate) fn role(&self) -> Option<Role> {
        self.result.as_ref().ok().map(|served| served.role)
    }
}

impl Errand {
    pub(crate) const ALL: [Self; 9] = [
        Self::Node,
        Self::Catalog,
        Self::Query,
        Self::Command,
        Self::UndatedCommand,
        Self::Classification,
        Self::ClassifierEdit,
        Self::CertificateRequest,
        Self::CodeDeploy,
    ];

    pub(crate) const HARMFUL: [Self; 4] = [
        Self::UndatedCommand,
        Self::ClassifierEdit,
        Self::CertificateRequest,
        Self::CodeDeploy,
    ];

    /// The request, told from others by a number.
    pub(crate) fn request(self, number: usize) -> Request<Body> {
        let (method, path) = match self {
            Self::Node => (Method::GET, "/puppet/v3/node/agent?"),
            Self::Catalog => (Method::POST, "/puppet/v3/catalog/agent?"),
            Self::Query => (Method::GET, "/pdb/query/v4/nodes?"),
            Self::Command => (Method::POST, "/pdb/cmd/v1?producer-timestamp=2026-01-01&"),
            Self::UndatedCommand => (Method::POST, "/pdb/cmd/v1?"),
            Self::Classification => (Method::GET, "/classifier-api/v1/groups?"),
            Self::ClassifierEdit => (Method::POST, "/classifier-api/v1/groups?"),
            Self::CertificateRequest => (Method::PUT, "/puppet-ca/v1/certificate_request/agent?"),
            Self::CodeDeploy => (Method::POST, "/code-manager/v1/deploys?"),
        };
        let uri = format!("{path}number={number}");
        let request = Request::builder().method(method).uri(uri);
        request.body(Body::empty()).unwrap()
    }

    pub(crate) const fn service(self) -> Service {
        match self {
            Self::Node | Self::Catalog => Service::PuppetServer,
            Self::Query | Self::Command | Self::UndatedCommand => Service::PuppetDb,
            Self::Classification | Self::ClassifierEdit => Service::NodeClassifier,
            Self::CertificateRequest => Service::CertificateAuthority,
            Self::CodeDeploy => Service::CodeManager,
        }
    }

    pub(crate) const fn is_for_the_master_only(self) -> bool {
        matches!(
            self,
            Self::ClassifierEdit | Self::CertificateRequest | Self::CodeDeploy
        )
    }
}

pub(crate) fn installation() -> Installation {
    Installation::of_hosts(MASTER, Some(REPLICA)).unwrap()
}

/// The list of a [`Cast`].
pub(crate) fn list(cast: &Cast) -> ServerList {
    let servers = cast.iter().enumerate().map(|(place, (role, _))| {
        let server = Server::parse(&name(place), 8140).unwrap();
        (server, *role)
    });
    ServerList::with_roles(servers).unwrap()
}

/// Every script of a cast is one of `scripts`; the first server is a master, or all are a pool.
pub(crate) fn roles(count: usize, pool: bool) -> Vec<Role> {
    let role = |place| match (pool, place) {
        (true, _) => Role::Pool,
        (false, 0) => Role::Master,
        (false, _) => Role::Replica,
    };
    (0..count).map(role).collect()
}

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";
pub(crate) const AGENT: &str = "agent.test";
