//! An agent: its own certificate, its own client, and the requests of a run.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use standin::config::{Account, Defaults, Overrides, Settings, Sources};
use standin::{Client, ErrorKind, Names, OnLoss, Policy, Run, Served};
use standin_lab::{CertSpec, Lab};

use crate::BoxError;

/// An agent that lives through all phases, as a daemon does.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) name: &'static str,
    client: Client,
}

/// One request of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Errand {
    Node,
    Classification,
    Catalog,
    Metadata,
    Content,
    Report,
    Query,
    Command,
    CertificateRequest,
    ClassifierEdit,
    CodeDeploy,
}

/// What came of a request.
pub(crate) struct Outcome {
    pub(crate) errand: Errand,
    pub(crate) took: Duration,
    pub(crate) result: Result<Served, Failure>,
}

/// Why a request did not do what it was for.
pub(crate) struct Failure {
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) report: String,
}

impl Errand {
    /// What an agent does in each run.
    pub(crate) const RUN: [Self; 8] = [
        Self::Node,
        Self::Classification,
        Self::Catalog,
        Self::Metadata,
        Self::Content,
        Self::Report,
        Self::Query,
        Self::Command,
    ];

    /// What only the master may do.
    pub(crate) const MASTER_ONLY: [Self; 3] = [
        Self::CertificateRequest,
        Self::ClassifierEdit,
        Self::CodeDeploy,
    ];

    /// Whose it is, as the story calls it.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Node | Self::Catalog | Self::Metadata | Self::Content | Self::Report => {
                "puppet-server"
            }
            Self::Classification => "classifier",
            Self::Query | Self::Command => "puppetdb",
            Self::CertificateRequest => "ca",
            Self::ClassifierEdit => "classifier edit",
            Self::CodeDeploy => "code deploy",
        }
    }

    fn request(self, name: &str, serial: usize) -> (Method, String, &'static str, String) {
        let environment = "environment=production";
        let facts = format!(r#"{{"name":"{name}","values":{{"serial":"{serial}"}}}}"#);
        let json = "application/json";
        match self {
            Self::Node => {
                let path = format!("/puppet/v3/node/{name}?{environment}");
                (Method::GET, path, json, String::new())
            }
            Self::Classification => {
                let path = format!("/classifier-api/v1/classified/nodes/{name}");
                (
                    Method::POST,
                    path,
                    json,
                    r#"{"fact":{},"trusted":{}}"#.into(),
                )
            }
            Self::Catalog => {
                let once: String = url::form_urlencoded::byte_serialize(facts.as_bytes()).collect();
                let twice: String = url::form_urlencoded::byte_serialize(once.as_bytes()).collect();
                (
                    Method::POST,
                    format!("/puppet/v3/catalog/{name}?{environment}"),
                    "application/x-www-form-urlencoded",
                    format!("facts_format=application%2Fjson&facts={twice}&{environment}"),
                )
            }
            Self::Metadata => {
                let path = format!("/puppet/v3/file_metadatas/plugins?recurse=true&{environment}");
                (Method::GET, path, json, String::new())
            }
            Self::Content => {
                let path = format!("/puppet/v3/file_content/modules/demo/a.txt?{environment}");
                (Method::GET, path, json, String::new())
            }
            Self::Report => {
                let path = format!("/puppet/v3/report/{name}?{environment}");
                let report = format!(r#"{{"host":"{name}","status":"changed","serial":{serial}}}"#);
                (Method::PUT, path, json, report)
            }
            Self::Query => {
                let path = format!("/pdb/query/v4/nodes/{name}/facts");
                (Method::GET, path, json, String::new())
            }
            Self::Command => (
                Method::POST,
                format!(
                    "/pdb/cmd/v1?command=replace_facts&version=5&certname={name}\
                     &producer-timestamp=2026-11-23T00:00:00.{serial:06}Z"
                ),
                json,
                format!(
                    r#"{{"certname":"{name}","environment":"production","values":{{"serial":"{serial}"}},"producer_timestamp":"2026-11-23T00:00:00.{serial:06}Z","producer":"{name}"}}"#
                ),
            ),
            Self::CertificateRequest => {
                let newcomer = format!("new{serial}.test");
                (
                    Method::PUT,
                    format!("/puppet-ca/v1/certificate_request/{newcomer}"),
                    "text/plain",
                    certificate_request(&newcomer).unwrap_or_default(),
                )
            }
            Self::ClassifierEdit => (
                Method::POST,
                "/classifier-api/v1/groups".into(),
                json,
                format!(
                    r#"{{"name":"Group {serial}","parent":"00000000-0000-4000-8000-000000000000","classes":{{}}}}"#
                ),
            ),
            Self::CodeDeploy => (
                Method::POST,
                "/code-manager/v1/deploys".into(),
                json,
                r#"{"environments":["production"],"wait":true}"#.into(),
            ),
        }
    }
}

/// A certificate request as a new node makes it.
fn certificate_request(name: &str) -> Result<String, rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
        .serialize_request(&rcgen::KeyPair::generate()?)?
        .pem()
}

impl Agent {
    /// An agent with a certificate of the lab's CA, whose client is made from Puppet's own settings
    /// files.
    pub(crate) fn enrol(lab: &Lab, name: &'static str, policy: &Policy) -> Result<Self, BoxError> {
        if !lab.ssl_dir().join(format!("certs/{name}.pem")).exists() {
            lab.certificate(&CertSpec::new(name))?.save(lab.ssl_dir())?;
        }
        let defaults = Defaults {
            account: Account::Root,
            home: "/root".into(),
            hostname: name.into(),
        };
        let overrides = Overrides::new().with("--certname", name);
        let sources = Sources::new(lab.conf_dir(), defaults).with_overrides(overrides);
        let names = lab
            .resolve()
            .into_iter()
            .fold(Names::new(), |names, (host, address)| {
                names.with(&host, address)
            });
        let client = Client::from_settings(&Settings::read(&sources)?)?
            .names(names)
            .policy(policy.clone())
            .build()?;
        Ok(Self { name, client })
    }

    /// Whether the master holds all its work again.
    pub(crate) fn is_back(&self) -> bool {
        let classes = self.client.snapshot().classes;
        classes
            .iter()
            .all(|class| class.holder == class.entries[0].server)
    }

    pub(crate) fn begin_run(&self) -> Run {
        self.client.begin_run(OnLoss::Cross)
    }

    /// Sends one request, as part of a run or alone, and reads its whole answer.
    pub(crate) async fn go(&self, errand: Errand, run: Option<&Run>, serial: usize) -> Outcome {
        let begun = tokio::time::Instant::now();
        let result = self.ask(errand, run, serial).await;
        Outcome {
            errand,
            took: begun.elapsed(),
            result,
        }
    }

    async fn ask(
        &self,
        errand: Errand,
        run: Option<&Run>,
        serial: usize,
    ) -> Result<Served, Failure> {
        let (method, path, kind, body) = errand.request(self.name, serial);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, kind)
            .body(body)
            .map_err(Failure::other)?;
        if let Some(run) = run {
            request.extensions_mut().insert(run.clone());
        }
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| Failure {
                kind: Some(error.kind()),
                report: error.report(),
            })?;
        let status = response.status();
        let served = response.extensions().get::<Served>().cloned();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(Failure::other)?;
        let served =
            served.ok_or_else(|| Failure::other("the answer does not say who served it"))?;
        match errand.is_answer(status, &body.to_bytes(), self.name) {
            true => Ok(served),
            false => Err(Failure::other(format!("{errand:?} was answered {status}"))),
        }
    }
}

impl Errand {
    /// Whether this is what an agent can work with.
    fn is_answer(self, status: StatusCode, body: &Bytes, name: &str) -> bool {
        let text = String::from_utf8_lossy(body);
        let expected = match self {
            Self::Node | Self::Catalog | Self::Classification => {
                text.contains(&format!("\"name\":\"{name}\""))
            }
            Self::Metadata => text.contains("relative_path"),
            Self::Content => !body.is_empty(),
            Self::Command => text.contains("uuid"),
            Self::Report | Self::Query => text.starts_with('['),
            Self::CertificateRequest | Self::ClassifierEdit | Self::CodeDeploy => true,
        };
        (status.is_success() || status == StatusCode::SEE_OTHER) && expected
    }
}

impl Failure {
    fn other(report: impl Into<BoxError>) -> Self {
        Self {
            kind: None,
            report: report.into().to_string(),
        }
    }
}
