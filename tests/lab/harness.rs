//! The stage that a test plays on: a lab of its own, and a client whose times are short.
//!
//! A test [starts](Stage::start) a stage, strikes it with a [fault](Stage::fault), [asks](Stage::ask)
//! for what an agent asks for, and looks at the [`Answer`] and at what each host [got](Stage::got).
//! Nothing sleeps for a guess: what takes time is [waited for](Stage::ask_until).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use standin::config::{Account, Defaults, Settings, Sources};
use standin::policy::{Connect, Deadline as Deadlines, Failback, Hysteresis, Patience, Trip};
use standin::{Attempt, Body, Client, Deadline, Error, Names, Policy, Role, Run, Served, Verdict};
use standin_lab::{Fault, FaultGuard, Lab, Purpose, Receipt, Received, Service, Target};
use tokio::time::Instant;

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";
pub(crate) const AGENT: &str = "agent.test";

/// Far above what failing over takes with [`policy`], even on a busy machine, and far below the
/// moment at which an attempt gives up by its deadline.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// The default policy with times about ten times shorter.
///
/// Work does not return to the master while a test looks at it; see [`returning`].
pub(crate) fn policy() -> Policy {
    let millis = Duration::from_millis;
    Policy {
        deadline: Deadlines {
            long: millis(30_000),
            cheap: millis(30_000),
            reserve: millis(10_000),
            ..Deadlines::default()
        },
        connect: Connect {
            head_start: millis(50),
            preference: millis(300),
            limit: millis(700),
            limit_benched: millis(300),
            ..Connect::default()
        },
        patience: Patience {
            after: millis(200),
            probe_limit: millis(200),
            silence: millis(300),
            silence_long: millis(300),
            ..Patience::default()
        },
        ..Policy::default()
    }
}

/// [`policy`], with work that returns once the master was good for `dwell`.
pub(crate) fn returning(dwell: Duration) -> Policy {
    Policy {
        trip: Trip {
            bench: Duration::from_millis(50),
            bench_most: Duration::from_millis(100),
            ..Trip::default()
        },
        failback: Failback::Hysteresis(terms(dwell)),
        ..policy()
    }
}

/// Good answers for as long as `dwell`; the same agent every time.
pub(crate) fn terms(dwell: Duration) -> Hysteresis {
    Hysteresis {
        good: 1,
        dwell,
        spread: Duration::ZERO,
        ..Hysteresis::default()
    }
}

/// A lab, and an agent's client on it.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) client: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) served: Served,
    pub(crate) body: Bytes,
    /// From the call to the end of the body.
    pub(crate) took: Duration,
}

/// What an agent asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Node,
    Metadata,
    Catalog,
    Report,
    Classification,
    Query,
    Command,
    CertificateRequest,
    ClassifierEdit,
    CodeDeploy,
}

impl Stage {
    /// A master and a replica, all well, and a client with [`policy`].
    pub(crate) async fn start() -> Self {
        Self::with(policy()).await
    }

    /// The same with a policy of the test's own.
    pub(crate) async fn with(policy: Policy) -> Self {
        let lab = Lab::builder().start().await.expect("a lab");
        let client = client(&lab, policy, names(&lab));
        Self { lab, client }
    }

    /// Strikes a service of the master.
    pub(crate) async fn fault(&self, service: Service, fault: Fault) -> FaultGuard {
        self.fault_at(MASTER, service, fault).await
    }

    /// Strikes a service of `host`.
    pub(crate) async fn fault_at(&self, host: &str, service: Service, fault: Fault) -> FaultGuard {
        let struck = self.lab.fault(Target::Service(host, service), fault);
        struck.await.expect("a fault")
    }

    /// Strikes everything at `host`.
    pub(crate) async fn fault_host(&self, host: &str, fault: Fault) -> FaultGuard {
        let struck = self.lab.fault(Target::Host(host), fault);
        struck.await.expect("a fault")
    }

    /// Strikes everything at master and replica.
    pub(crate) async fn fault_both(&self, fault: Fault) -> [FaultGuard; 2] {
        [
            self.fault_host(MASTER, fault.clone()).await,
            self.fault_host(REPLICA, fault).await,
        ]
    }

    /// Runs an errand.
    pub(crate) async fn ask(&self, errand: Errand) -> Result<Answer, Error> {
        self.send(errand.request()).await
    }

    /// Runs an errand as part of a run.
    pub(crate) async fn ask_in(&self, run: &Run, errand: Errand) -> Result<Answer, Error> {
        let mut request = errand.request();
        request.extensions_mut().insert(run.clone());
        self.send(request).await
    }

    /// Runs an errand that has to be over within `span`.
    pub(crate) async fn ask_within(&self, span: Duration, errand: Errand) -> Result<Answer, Error> {
        let mut request = errand.request();
        request.extensions_mut().insert(Deadline::within(span));
        self.send(request).await
    }

    /// Runs an errand again and again until the answer is as `wanted`.
    pub(crate) async fn ask_until(&self, errand: Errand, wanted: fn(&Answer) -> bool) -> Answer {
        eventually(async || Some(self.ask(errand).await.expect("an answer")).filter(wanted)).await
    }

    /// Sends any request, and reads the answer to its end.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Answer, Error> {
        let begun = Instant::now();
        let response = self.client.request(request).await?;
        let served = response.extensions().get::<Served>();
        let served = served.expect("who served it").clone();
        let status = response.status();
        let body = response.into_body().collect().await.expect("a whole body");
        Ok(Answer {
            status,
            served,
            body: body.to_bytes(),
            took: begun.elapsed(),
        })
    }

    /// The work for `service` that `host` got, in order.
    pub(crate) fn got(&self, host: &str, service: Service) -> Vec<Receipt> {
        self.lab.journal().work(host, service)
    }

    /// All the work that `host` got, in order.
    pub(crate) fn got_any(&self, host: &str) -> Vec<Receipt> {
        self.lab
            .journal()
            .matching(|receipt| &*receipt.host == host && receipt.purpose == Purpose::Work)
    }

    /// How often `host` was asked for a status.
    pub(crate) fn status_asked(&self, host: &str) -> usize {
        let asked =
            |receipt: &Receipt| &*receipt.host == host && receipt.purpose == Purpose::Status;
        self.lab.journal().matching(asked).len()
    }
}

impl Answer {
    /// The host that gave it.
    pub(crate) fn by(&self) -> &str {
        self.served.server.host()
    }

    /// Whether the master gave it at the first attempt.
    pub(crate) fn is_untroubled(&self) -> bool {
        self.by() == MASTER && self.served.role == Role::Master && self.served.failed.is_empty()
    }

    /// The attempts that failed before.
    pub(crate) fn failed(&self) -> Vec<(&str, Verdict)> {
        told(&self.served.failed)
    }
}

/// The attempts that an error tells of.
pub(crate) fn tried(error: &Error) -> Vec<(&str, Verdict)> {
    told(error.attempts())
}

pub(crate) fn told(attempts: &[Attempt]) -> Vec<(&str, Verdict)> {
    attempts
        .iter()
        .map(|attempt| (attempt.server.host(), attempt.verdict))
        .collect()
}

/// How many of these requests arrived whole.
pub(crate) fn whole(receipts: &[Receipt]) -> usize {
    let arrived = |receipt: &&Receipt| receipt.received == Received::Whole;
    receipts.iter().filter(arrived).count()
}

/// Tries until there is a result, a few times a second, and fails when there is none for long.
pub(crate) async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let trying = async {
        loop {
            if let Some(result) = attempt().await {
                return result;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let result = tokio::time::timeout(Duration::from_secs(20), trying).await;
    result.expect("it never came")
}

impl Errand {
    /// What every agent does in a run.
    pub(crate) const RUN: [Self; 7] = [
        Self::Node,
        Self::Metadata,
        Self::Catalog,
        Self::Report,
        Self::Classification,
        Self::Query,
        Self::Command,
    ];

    /// What only a master may do.
    pub(crate) const MASTER_ONLY: [Self; 3] = [
        Self::CertificateRequest,
        Self::ClassifierEdit,
        Self::CodeDeploy,
    ];

    /// Whose it is.
    pub(crate) fn service(self) -> Service {
        match self {
            Self::Node | Self::Metadata | Self::Catalog | Self::Report => Service::PuppetServer,
            Self::Classification | Self::ClassifierEdit => Service::NodeClassifier,
            Self::Query | Self::Command => Service::PuppetDb,
            Self::CertificateRequest => Service::CertificateAuthority,
            Self::CodeDeploy => Service::CodeManager,
        }
    }

    /// The request for it.
    pub(crate) fn request(self) -> Request<Body> {
        let json = "application/json";
        let (method, path, kind, body) = match self {
            Self::Node => (Method::GET, NODE, json, String::new()),
            Self::Metadata => (
                Method::GET,
                "/puppet/v3/file_metadatas/plugins?recurse=true&environment=production",
                json,
                String::new(),
            ),
            Self::Catalog => (
                Method::POST,
                "/puppet/v3/catalog/agent.test?environment=production",
                "application/x-www-form-urlencoded",
                "facts_format=application%2Fjson&facts=%257B%257D&environment=production".into(),
            ),
            Self::Report => (Method::PUT, REPORT, json, r#"{"host":"agent.test"}"#.into()),
            Self::Classification => (
                Method::POST,
                "/classifier-api/v1/classified/nodes/agent.test",
                json,
                r#"{"fact":{},"trusted":{}}"#.into(),
            ),
            Self::Query => (Method::GET, "/pdb/query/v4/nodes", json, String::new()),
            Self::Command => (
                Method::POST,
                "/pdb/cmd/v1?command=replace_facts&version=5&certname=agent.test\
                 &producer-timestamp=2026-11-23T00:00:00.000Z",
                json,
                r#"{"certname":"agent.test","values":{}}"#.into(),
            ),
            Self::CertificateRequest => (
                Method::PUT,
                "/puppet-ca/v1/certificate_request/new.test",
                "text/plain",
                certificate_request("new.test"),
            ),
            Self::ClassifierEdit => (
                Method::POST,
                "/classifier-api/v1/groups",
                json,
                r#"{"name":"Web servers","classes":{}}"#.into(),
            ),
            Self::CodeDeploy => (
                Method::POST,
                "/code-manager/v1/deploys",
                json,
                r#"{"environments":["production"],"wait":true}"#.into(),
            ),
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, kind)
            .body(body.into())
            .expect("a request")
    }
}

pub(crate) const NODE: &str = "/puppet/v3/node/agent.test?environment=production";
pub(crate) const REPORT: &str = "/puppet/v3/report/agent.test?environment=production";

/// A request for a certificate, as a new node makes it.
fn certificate_request(name: &str) -> String {
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let key = rcgen::KeyPair::generate().expect("a key");
    let request = params.serialize_request(&key).expect("a request");
    request.pem().expect("PEM")
}

/// The agent's client, made from its own settings files.
pub(crate) fn client(lab: &Lab, policy: Policy, names: Names) -> Client {
    let settings = Settings::read(&sources(lab)).expect("settings");
    let builder = Client::from_settings(&settings).expect("certificates");
    let built = builder.names(names).policy(policy).build();
    built.expect("a client")
}

/// The agent's settings files.
pub(crate) fn sources(lab: &Lab) -> Sources {
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: AGENT.into(),
    };
    Sources::new(lab.conf_dir(), defaults)
}

/// Where the lab's hosts are.
pub(crate) fn names(lab: &Lab) -> Names {
    let add = |names: Names, (host, address): (String, IpAddr)| names.with(&host, address);
    lab.resolve().into_iter().fold(Names::new(), add)
}
