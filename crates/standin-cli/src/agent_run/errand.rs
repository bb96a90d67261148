//! What an agent asks for in a run, as requests.
//!
//! Paths and parameters are those that Puppet's agent 7.23 was seen to send.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::Value;
use standin::{Body, Service};
use url::form_urlencoded::{Serializer, byte_serialize};
use uuid::Uuid;

use super::catalog::{Recursion, Source};
use super::facts::Facts;
use crate::failure::chain;

/// An agent, and its run.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) certname: String,
    pub(super) environment: String,
    pub(super) transaction: Uuid,
    configured_environment: String,
    facts: Facts,
    runinterval: Duration,
}

/// Something that an agent asks for.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    Node,
    PluginFacts,
    Plugins,
    Catalog,
    /// The metadata of a file.
    Source {
        source: Source,
        recursion: Recursion,
        others: Others,
    },
    Report(Value),
}

/// Whether there are further sources for the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    Follow,
    None,
}

impl Errand {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::PluginFacts => "pluginfacts",
            Self::Plugins => "plugins",
            Self::Catalog => "catalog",
            Self::Source { .. } => "files",
            Self::Report(_) => "report",
        }
    }
}

impl Agent {
    pub(super) fn new(
        certname: &str,
        environment: &str,
        facts: Facts,
        runinterval: Duration,
    ) -> Self {
        Self {
            certname: certname.to_owned(),
            environment: environment.to_owned(),
            transaction: Uuid::new_v4(),
            configured_environment: environment.to_owned(),
            facts,
            runinterval,
        }
    }

    /// Goes on in the environment that the servers have for the node, as agents do.
    pub(super) fn take_environment_of(&mut self, node: &[u8]) {
        let node: Option<Value> = serde_json::from_slice(node).ok();
        let environment = node
            .as_ref()
            .and_then(|node| node.get("environment")?.as_str());
        if let Some(environment) = environment.filter(|name| !name.is_empty()) {
            environment.clone_into(&mut self.environment);
        }
    }

    /// # Errors
    /// When a name in the settings cannot stand in a request; why, in words.
    pub(super) fn request(&self, errand: &Errand) -> Result<Request<Body>, String> {
        let request = Request::builder().uri(self.uri(errand));
        let request = match errand {
            Errand::Catalog => request
                .method(Method::POST)
                .header(ACCEPT, CATALOG)
                .header(CONTENT_TYPE, FORM)
                .body(self.catalog_form().into()),
            Errand::Report(report) => request
                .method(Method::PUT)
                .header(ACCEPT, JSON)
                .header(CONTENT_TYPE, JSON)
                .body(report.to_string().into()),
            _ => request.header(ACCEPT, JSON).body(Body::empty()),
        };
        request.map_err(|error| chain(&error))
    }

    fn uri(&self, errand: &Errand) -> String {
        let certname = segment(&self.certname);
        let mut query = Serializer::new(String::new());
        let path = match errand {
            Errand::Node => {
                query.append_pair("transaction_uuid", &self.transaction.to_string());
                query.append_pair("configured_environment", &self.configured_environment);
                format!("/puppet/v3/node/{certname}")
            }
            Errand::PluginFacts => {
                all_files(&mut query, "use");
                "/puppet/v3/file_metadatas/pluginfacts".to_owned()
            }
            Errand::Plugins => {
                all_files(&mut query, "ignore");
                "/puppet/v3/file_metadatas/plugins".to_owned()
            }
            Errand::Catalog => format!("/puppet/v3/catalog/{certname}"),
            Errand::Report(_) => format!("/puppet/v3/report/{certname}"),
            Errand::Source {
                source, recursion, ..
            } => {
                query.append_pair("links", "manage");
                query.append_pair("checksum_type", "sha256");
                query.append_pair("source_permissions", "ignore");
                let what = match recursion {
                    Recursion::None => "file_metadata",
                    Recursion::All => {
                        query.append_pair("recurse", "true");
                        "file_metadatas"
                    }
                };
                let path = source.path.split('/').map(segment).collect::<Vec<_>>();
                format!("{}/puppet/v3/{what}/{}", origin(source), path.join("/"))
            }
        };
        query.append_pair("environment", &self.environment);
        format!("{path}?{}", query.finish())
    }

    /// The facts are encoded twice, as agents do: servers decode them once more than the form.
    fn catalog_form(&self) -> String {
        let facts = self.facts.wire(&self.certname, self.runinterval);
        let facts: String = byte_serialize(facts.as_bytes()).collect();
        // Puppet's own encoding of a blank, since the second decoding knows no plus.
        let facts = facts.replace('+', "%20");
        Serializer::new(String::new())
            .append_pair("facts_format", JSON)
            .append_pair("facts", &facts)
            .append_pair("environment", &self.environment)
            .append_pair("configured_environment", &self.configured_environment)
            .append_pair("check_environment", "true")
            .append_pair("transaction_uuid", &self.transaction.to_string())
            .append_pair("static_catalog", "true")
            .append_pair("checksum_type", "sha256.sha384.sha512.sha224.md5")
            .finish()
    }
}

/// What pluginsync asks for.
fn all_files(query: &mut Serializer<'_, String>, permissions: &str) {
    query.append_pair("recurse", "true");
    query.append_pair("max_files", "-1");
    for ignored in [".svn", "CVS", ".git", ".hg"] {
        query.append_pair("ignore", ignored);
    }
    query.append_pair("links", "follow");
    query.append_pair("checksum_type", "sha256");
    query.append_pair("source_permissions", permissions);
}

/// The server that a source names itself, as in `puppet://HOST/...`.
fn origin(source: &Source) -> String {
    match &source.authority {
        None => String::new(),
        Some(authority) if authority.contains(':') => format!("https://{authority}"),
        Some(host) => format!("https://{host}:{}", Service::PuppetServer.port()),
    }
}

fn segment(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const CATALOG: &str = "application/vnd.puppet.rich+json, application/json";

#[cfg(test)]
mod tests {
    use url::form_urlencoded;

    use super::*;

    fn agent() -> Agent {
        let facts = Facts::parse(br#"{"os":"a blank & 100%"}"#, "here").unwrap();
        Agent::new("a.test", "production", facts, Duration::ZERO)
    }

    #[test]
    fn facts_are_encoded_twice() {
        let form = agent().catalog_form();
        let form: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
        let (_, once) = form.iter().find(|(name, _)| name == "facts").unwrap();
        assert!(once.contains("%22a%20blank%20%26%20100%25%22"), "{once}");
    }

    #[test]
    fn the_environment_of_the_node_is_gone_on_with() {
        let mut agent = agent();
        agent.take_environment_of(br#"{"environment":"pinned"}"#);
        let uri = agent.uri(&Errand::Catalog);
        assert_eq!(uri, "/puppet/v3/catalog/a.test?environment=pinned");
        assert!(
            agent
                .catalog_form()
                .contains("configured_environment=production")
        );
        agent.take_environment_of(b"no node");
        assert_eq!(agent.environment, "pinned");
    }

    #[test]
    fn a_source_of_one_server_goes_there() {
        let errand = |authority: Option<&str>| Errand::Source {
            source: Source {
                authority: authority.map(str::to_owned),
                path: "modules/m/a b.txt".to_owned(),
            },
            recursion: Recursion::All,
            others: Others::None,
        };
        let path = "/puppet/v3/file_metadatas/modules/m/a%20b.txt?links=manage&";
        let uri = |authority| agent().uri(&errand(authority));
        assert!(uri(None).starts_with(path));
        assert!(uri(Some("f.test")).starts_with(&format!("https://f.test:8140{path}")));
        assert!(uri(Some("f.test:1")).starts_with(&format!("https://f.test:1{path}")));
    }
}
