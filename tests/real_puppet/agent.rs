//! An agent made from the real `puppet.conf` and `puppetdb.conf` of the stack.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use standin::config::{Account, Defaults, Overrides, Settings, Sources};
use standin::policy::{Failback, Hysteresis};
use standin::spool::Spool;
use standin::{
    Attempt, Body, Client, ClientBuilder, Error, Installation, Names, OnLoss, Policy, Run, Served,
    Server, ServerList, Service, Switched, https::ResponseBody,
};
use url::form_urlencoded::byte_serialize;

use crate::stack::Stack;
use crate::{MASTER, REPLICA};

mod kept;
mod payload;

use payload::{facts_command, report};

const CERTNAME: &str = "agent.test";

pub(crate) struct Agent {
    client: Client,
    /// Asks one host each, for what is stored where.
    witnesses: [Client; 2],
    facts: String,
    /// The certnames of commands that PuppetDB has acknowledged.
    pub(crate) acknowledged_commands: Vec<String>,
    /// The configuration versions of reports that a Puppet Server has acknowledged.
    pub(crate) acknowledged_reports: Vec<String>,
    pub(crate) sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Node,
    Catalog,
    Metadata,
    Content,
    Report,
    Query,
    Command,
    CertificateRequest,
}

/// A good answer.
pub(crate) struct Answer {
    pub(crate) host: String,
    pub(crate) text: String,
    pub(crate) waited: Duration,
    pub(crate) switched: Switched,
    pub(crate) failed: Vec<Attempt>,
}

/// Numbers what is written, so that it can be found again. Begins anew with each run of the test,
/// so the process id is part of every name.
static SERIAL: AtomicUsize = AtomicUsize::new(1);

impl Errand {
    pub(crate) const RUN: [Self; 7] = [
        Self::Node,
        Self::Catalog,
        Self::Metadata,
        Self::Content,
        Self::Report,
        Self::Query,
        Self::Command,
    ];
}

fn settings(stack: &Stack, overrides: Overrides) -> Settings {
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: CERTNAME.into(),
    };
    let sources = Sources::new(stack.place("CONFDIR"), defaults);
    Settings::read(&sources.with_overrides(overrides)).unwrap()
}

/// What the agents of one run of the test tell each other.
fn memory(stack: &Stack) -> PathBuf {
    let name = format!("standin-{}.json", std::process::id());
    Path::new(stack.place("CONFDIR")).join(name)
}

/// Defaults, but for the time that a return takes.
fn policy() -> Policy {
    Policy {
        failback: Failback::Hysteresis(Hysteresis {
            dwell: Duration::from_secs(2),
            spread: Duration::ZERO,
            ..Hysteresis::default()
        }),
        ..Policy::default()
    }
}

impl Agent {
    /// One that leaves what it learned to whoever comes after it.
    pub(crate) fn from_settings(stack: &Stack) -> Self {
        Self::with(stack, Overrides::new(), |builder| {
            builder.memory(memory(stack))
        })
    }

    /// One that knows nothing of what others learned.
    pub(crate) fn newcomer(stack: &Stack) -> Self {
        Self::newcomer_with(stack, Overrides::new())
    }

    /// The same, with names of its own.
    pub(crate) fn newcomer_by(stack: &Stack, names: &Names) -> Self {
        Self::with(stack, Overrides::new(), |builder| {
            builder.without_memory().names(names.clone())
        })
    }

    /// The same with settings of its own.
    pub(crate) fn newcomer_with(stack: &Stack, overrides: Overrides) -> Self {
        Self::with(stack, overrides, ClientBuilder::without_memory)
    }

    /// One that keeps what nobody takes, for itself or for whoever comes after it.
    pub(crate) fn with_spool(stack: &Stack) -> Self {
        let name = format!("spool-{}", std::process::id());
        let spool = Path::new(stack.place("CONFDIR")).join(name);
        Self::with(stack, Overrides::new(), |builder| {
            builder.without_memory().spool(Spool::at(&spool))
        })
    }

    fn with(
        stack: &Stack,
        overrides: Overrides,
        memory: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let settings = settings(stack, overrides);
        let build = |installation: Option<Installation>| {
            let builder = Client::from_settings(&settings).unwrap();
            let builder = match installation {
                Some(installation) => builder.installation(installation),
                None => builder,
            };
            memory(builder.policy(policy())).build().unwrap()
        };
        let only = |host: &str| {
            let server = Server::new(host, Service::PuppetDb.port()).unwrap();
            let list = ServerList::new([server]).unwrap();
            build(Some(Installation::new().with(Service::PuppetDb, list)))
        };
        Self {
            client: build(None),
            witnesses: [only(MASTER), only(REPLICA)],
            facts: std::fs::read_to_string(Path::new(stack.place("FACTS"))).unwrap(),
            acknowledged_commands: Vec::new(),
            acknowledged_reports: Vec::new(),
            sent: 0,
        }
    }

    /// Leaves what was learned to the next process.
    pub(crate) async fn remember(&self) {
        self.client.remember().await.unwrap();
    }

    pub(crate) fn begin_run(&self) -> Run {
        self.begin_run_with(OnLoss::Cross)
    }

    pub(crate) fn begin_run_with(&self, on_loss: OnLoss) -> Run {
        self.client.begin_run(on_loss)
    }

    /// Sends a request of a run, which must be answered well.
    pub(crate) async fn go(&mut self, errand: Errand, run: &Run) -> Answer {
        let serial = serial();
        let response = self
            .send(errand, &serial, Some(run))
            .await
            .unwrap_or_else(|error| panic!("{errand:?}: {}", error.report()));
        let served = response.extensions().get::<Served>().unwrap().clone();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(
            status.is_success(),
            "{errand:?} was answered {status}: {text}"
        );
        match errand {
            Errand::Node => assert!(text.contains("\"name\":\"agent.test\"")),
            Errand::Catalog => assert!(text.contains("catalog_uuid")),
            Errand::Metadata => assert!(text.contains("relative_path")),
            Errand::Content => assert!(!text.is_empty()),
            Errand::Report => self.acknowledged_reports.push(serial),
            Errand::Query => assert!(text.starts_with('[')),
            Errand::Command => self.acknowledged_commands.push(serial),
            Errand::CertificateRequest => {}
        }
        println!(
            "   {:<10} {:<12} sent after {:>7.1} ms, took {:>8.1} ms",
            format!("{errand:?}"),
            served.server.host(),
            served.sent_after.as_secs_f64() * 1e3,
            served.took.as_secs_f64() * 1e3,
        );
        Answer {
            host: served.server.host().to_owned(),
            text,
            waited: served.sent_after,
            switched: served.switched,
            failed: served.failed,
        }
    }

    /// Sends a request alone; whatever comes of it.
    pub(crate) async fn try_once(&mut self, errand: Errand) -> Result<(), Error> {
        self.send(errand, &serial(), None).await.map(|_| ())
    }

    /// Sends a request in a run; whatever comes of it.
    pub(crate) async fn try_in(&mut self, errand: Errand, run: &Run) -> Result<(), Error> {
        self.send(errand, &serial(), Some(run)).await.map(|_| ())
    }

    /// Goes on with run after run until the master answers again.
    pub(crate) async fn until_back(&mut self, errand: Errand) {
        let back = async {
            loop {
                let run = self.begin_run();
                if self.go(errand, &run).await.host == MASTER {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let back = tokio::time::timeout(Duration::from_secs(90), back).await;
        assert!(back.is_ok(), "{errand:?} did not return to the master");
    }

    /// Looks into both PuppetDBs, which are not synced with each other in open source: what was
    /// acknowledged must be in one of them. Commands are queued, so it may take a moment.
    pub(crate) async fn find_in_puppetdb(&self, commands: &[String], reports: &[String]) {
        let search = async {
            loop {
                let mut nodes = String::new();
                let mut versions = String::new();
                for witness in &self.witnesses {
                    nodes += &stored(witness, "/pdb/query/v4/factsets").await;
                    let path = "/pdb/query/v4/reports";
                    versions += &stored(witness, path).await;
                }
                let is_missing = |text: &str, name: &String| !text.contains(&format!("\"{name}\""));
                let missing: Vec<&String> = commands
                    .iter()
                    .filter(|name| is_missing(&nodes, name))
                    .chain(reports.iter().filter(|name| is_missing(&versions, name)))
                    .collect();
                if missing.is_empty() {
                    break;
                }
                println!("   not there yet: {}", missing.len());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(120), search).await;
        assert!(
            found.is_ok(),
            "something acknowledged is missing in PuppetDB"
        );
    }

    async fn send(
        &mut self,
        errand: Errand,
        serial: &str,
        run: Option<&Run>,
    ) -> Result<Response<ResponseBody>, Error> {
        self.sent += 1;
        let mut request = self.request(errand, serial);
        if let Some(run) = run {
            request.extensions_mut().insert(run.clone());
        }
        self.client.request(request).await
    }

    fn request(&self, errand: Errand, serial: &str) -> Request<Body> {
        let json = "application/json";
        let environment = "environment=production";
        let (method, path, kind, body): (Method, String, &str, Body) = match errand {
            Errand::Node => {
                let path = format!("/puppet/v3/node/{CERTNAME}?{environment}");
                (Method::GET, path, json, Body::empty())
            }
            Errand::Catalog => (
                Method::POST,
                format!("/puppet/v3/catalog/{CERTNAME}?{environment}"),
                "application/x-www-form-urlencoded",
                self.catalog_form().into(),
            ),
            Errand::Metadata => {
                let path = format!(
                    "/puppet/v3/file_metadatas/plugins?recurse=true&links=follow&\
                     checksum_type=sha256&source_permissions=ignore&{environment}"
                );
                (Method::GET, path, json, Body::empty())
            }
            Errand::Content => {
                let path = format!("/puppet/v3/file_content/modules/demo/a.txt?{environment}");
                (Method::GET, path, "application/octet-stream", Body::empty())
            }
            Errand::Report => {
                let path = format!("/puppet/v3/report/{CERTNAME}?{environment}");
                (Method::PUT, path, json, report(serial).to_string().into())
            }
            Errand::Query => {
                let path = "/pdb/query/v4/nodes".into();
                (Method::GET, path, json, Body::empty())
            }
            Errand::Command => (
                Method::POST,
                format!(
                    "/pdb/cmd/v1?command=replace_facts&version=5&certname={serial}\
                     &producer-timestamp=2026-11-23T04:54:34.000Z"
                ),
                json,
                facts_command(serial).to_string().into(),
            ),
            Errand::CertificateRequest => (
                Method::PUT,
                format!("/puppet-ca/v1/certificate_request/{serial}?{environment}"),
                "text/plain",
                "a request that must not be sent".into(),
            ),
        };
        let accept = match errand {
            Errand::Catalog => "application/vnd.puppet.rich+json, application/json",
            Errand::Content => "application/octet-stream",
            _ => json,
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, kind)
            .body(body)
            .unwrap()
    }

    /// The form of a catalog request: the facts are encoded twice, as agents do.
    fn catalog_form(&self) -> String {
        let once: String = byte_serialize(self.facts.as_bytes()).collect();
        // Puppet's own encoding of a blank, which it decodes once only.
        let once = once.replace('+', "%20");
        let twice: String = byte_serialize(once.as_bytes()).collect();
        format!(
            "facts_format=application%2Fjson&facts={twice}&environment=production&\
             static_catalog=true&checksum_type=sha256.sha384.sha512.sha224.md5"
        )
    }
}

async fn stored(witness: &Client, path: &str) -> String {
    let response = match witness.get(path).await {
        Ok(response) => response,
        Err(error) => panic!("{}", error.report()),
    };
    assert!(
        response.status().is_success(),
        "{path}: {}",
        response.status()
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn serial() -> String {
    let number = SERIAL.fetch_add(1, Ordering::Relaxed);
    format!("run{}-{number}.test", std::process::id())
}
