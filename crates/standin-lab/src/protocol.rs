//! How a client in any language is asked to do something: lines of JSON on its standard input and output.
//!
//! The client is started once for each scenario, and anew where the scenario says so. The first line that it reads is
//! [`ToClient::Lab`], the first that it writes [`FromClient::Ready`]. Then it reads a [`ToClient::Request`] whenever there is
//! something to be asked for, and writes one line for each: [`FromClient::Answered`], [`FromClient::Failed`] or
//! [`FromClient::Unable`], in any order. Several may be under way at once; a client that can do one thing at a time
//! takes them one by one. At the end of its input it leaves what it has to leave to its next process, and ends. What it writes to standard
//! error is for people.
//!
//! ```text
//! > {"lab":{"confdir":"/tmp/l","ssldir":"/tmp/l/ssl","certname":"agent.test","addresses":{"master.test":"127.4.2.1"}}}
//! < {"ready":{"client":"my agent 1.0"}}
//! > {"request":{"id":1,"errand":"node","method":"GET","path":"/puppet/v3/node/agent.test?environment=production"}}
//! < {"answered":{"id":1,"status":200}}
//! > {"request":{"id":2,"method":"GET","path":"/puppet/v3/environments"}}
//! < {"failed":{"id":2,"kind":"exhausted","error":"no server answered"}}
//! ```
//!
//! Kinds of failure that scenarios ask for are `exhausted`, `not-during-failover`, `maybe-processed`, `untrusted`, `two-masters`,
//! `deadline-passed` and `group-broken`. A client that does not tell failures apart names none.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A line for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ToClient {
    /// Where everything is.
    Lab(Place),
    /// Something to ask for.
    Request(Request),
}

/// A line from the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FromClient {
    /// It can be asked.
    Ready {
        /// What it is: name and version.
        client: String,
    },
    /// A server answered, and the answer came whole.
    Answered {
        /// Which request.
        id: u64,
        /// The status of the answer.
        status: u16,
    },
    /// No server answered, as far as the client can tell.
    Failed {
        /// Which request.
        id: u64,
        /// What kind of failure it is, if the client tells them apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// What it says of it.
        error: String,
    },
    /// The client knows no such request: the scenario is not for it.
    Unable {
        /// Which request.
        id: u64,
        /// What it does not know.
        why: String,
    },
}

/// Where a client finds the lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The directory of `puppet.conf`, `puppetdb.conf`, `classifier.yaml` and `pxp-agent.conf`.
    pub confdir: PathBuf,
    /// The directory of keys and certificates.
    pub ssldir: PathBuf,
    /// Which agent to be.
    pub certname: String,
    /// The addresses of the hosts, whose names are in no DNS.
    pub addresses: BTreeMap<String, IpAddr>,
}

/// Something to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What the client's line about it has to name.
    pub id: u64,
    /// Which errand of an agent it is, if it is one. A client that has a function of its own for that uses it, and leaves
    /// method, path and body to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errand: Option<String>,
    /// The method.
    pub method: String,
    /// Path and query; which server it goes to is the client's choice.
    pub path: String,
    /// Headers, `Content-Type` among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The run that it belongs to; requests of one name are of one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How long it may take, in milliseconds; else it is up to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}
