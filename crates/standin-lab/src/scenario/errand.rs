//! What an agent asks for in its runs, and what only a master may be asked for.

use std::fmt;
use std::str::FromStr;

use http::Method;

/// A request that agents and administrators make. Its name is what a scenario calls it and what a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errand {
    /// `node`: the agent's environment.
    Node,
    /// `metadata`: the plugins that there are.
    Metadata,
    /// `content`: a file of a module.
    Content,
    /// `catalog`: the agent's catalog, for its facts.
    Catalog,
    /// `report`: what the run did.
    Report,
    /// `classification`: the agent's groups.
    Classification,
    /// `query`: the agent's facts, from PuppetDB.
    Query,
    /// `command`: the agent's facts, to PuppetDB.
    Command,
    /// `certificate-request`: a new agent wants a certificate.
    CertificateRequest,
    /// `classifier-edit`: a new group.
    ClassifierEdit,
    /// `code-deploy`: new code.
    CodeDeploy,
    /// `job`: a run of Puppet, by the orchestrator.
    Job,
}

/// What an errand is over HTTP.
pub(crate) struct Wording {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Errand {
    /// Every errand.
    pub const ALL: [Self; 12] = [
        Self::Node,
        Self::Metadata,
        Self::Content,
        Self::Catalog,
        Self::Report,
        Self::Classification,
        Self::Query,
        Self::Command,
        Self::CertificateRequest,
        Self::ClassifierEdit,
        Self::CodeDeploy,
        Self::Job,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Metadata => "metadata",
            Self::Content => "content",
            Self::Catalog => "catalog",
            Self::Report => "report",
            Self::Classification => "classification",
            Self::Query => "query",
            Self::Command => "command",
            Self::CertificateRequest => "certificate-request",
            Self::ClassifierEdit => "classifier-edit",
            Self::CodeDeploy => "code-deploy",
            Self::Job => "job",
        }
    }

    pub(crate) fn wording(self, agent: &str, number: u64) -> Wording {
        let environment = "environment=production";
        let get = |path: String| (Method::GET, path, "", String::new());
        let (method, path, content_type, body) = match self {
            Self::Node => get(format!("/puppet/v3/node/{agent}?{environment}&n={number}")),
            Self::Metadata => get(format!(
                "/puppet/v3/file_metadatas/plugins?recurse=true&{environment}&n={number}"
            )),
            Self::Content => get(format!(
                "/puppet/v3/file_content/modules/demo/a.txt?{environment}&n={number}"
            )),
            Self::Query => get(format!("/pdb/query/v4/nodes/{agent}/facts?n={number}")),
            Self::Catalog => {
                let facts = format!(r#"{{"name":"{agent}","values":{{"number":"{number}"}}}}"#);
                let escape = |text: &str| -> String {
                    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                // Puppet's agent escapes its facts twice.
                let facts = escape(&escape(&facts));
                (
                    Method::POST,
                    format!("/puppet/v3/catalog/{agent}?{environment}&n={number}"),
                    "application/x-www-form-urlencoded",
                    format!("facts_format=application%2Fjson&facts={facts}&{environment}"),
                )
            }
            Self::Report => (
                Method::PUT,
                format!("/puppet/v3/report/{agent}?{environment}&n={number}"),
                JSON,
                format!(r#"{{"host":"{agent}","status":"changed","number":{number}}}"#),
            ),
            Self::Classification => (
                Method::POST,
                format!("/classifier-api/v1/classified/nodes/{agent}?n={number}"),
                JSON,
                r#"{"fact":{},"trusted":{}}"#.to_owned(),
            ),
            Self::Command => {
                let moment = format!("2026-11-24T00:00:00.{:03}Z", number % 1000);
                (
                    Method::POST,
                    format!(
                        "/pdb/cmd/v1?command=replace_facts&version=5&certname={agent}\
                         &producer-timestamp={moment}&n={number}"
                    ),
                    JSON,
                    format!(
                        r#"{{"certname":"{agent}","environment":"production","values":{{"number":"{number}"}},"producer_timestamp":"{moment}","producer":"{agent}"}}"#
                    ),
                )
            }
            Self::CertificateRequest => {
                let newcomer = format!("new{number}.test");
                (
                    Method::PUT,
                    format!("/puppet-ca/v1/certificate_request/{newcomer}"),
                    "text/plain",
                    certificate_request(&newcomer).unwrap_or_default(),
                )
            }
            Self::ClassifierEdit => (
                Method::POST,
                format!("/classifier-api/v1/groups?n={number}"),
                JSON,
                format!(
                    r#"{{"name":"group {number}","parent":"00000000-0000-4000-8000-000000000000","classes":{{}}}}"#
                ),
            ),
            Self::CodeDeploy => (
                Method::POST,
                format!("/code-manager/v1/deploys?n={number}"),
                JSON,
                r#"{"environments":["production"],"wait":true}"#.to_owned(),
            ),
            Self::Job => (
                Method::POST,
                format!("/orchestrator/v1/command/deploy?n={number}"),
                JSON,
                r#"{"environment":"production","scope":{"nodes":[]}}"#.to_owned(),
            ),
        };
        Wording {
            method,
            path,
            content_type,
            body,
        }
    }
}

/// Nothing that a lab is started with could make it fail, so a failure is an empty request, which is refused.
fn certificate_request(certname: &str) -> Result<String, rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, certname);
    params
        .serialize_request(&rcgen::KeyPair::generate()?)?
        .pem()
}

impl FromStr for Errand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|errand| errand.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no errand ({names}) and no `METHOD /path`")
        })
    }
}

impl fmt::Display for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const JSON: &str = "application/json";
