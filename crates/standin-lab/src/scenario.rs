//! Outages written down: what goes wrong and when, what is asked for, and what has to come of it.
//!
//! A scenario is a TOML file. Its steps are taken one after the other, on a lab of its own, with a client that is a
//! process of its own and speaks the [`protocol`](crate::protocol):
//!
//! ```toml
//! title = "A master whose packets vanish costs one connect"
//! source = "ha_overview: if the master is fully unreachable, runs are directed to the replica"
//!
//! [[step]]
//! fault = { host = "master.test", what = "black-hole", name = "outage" }
//!
//! [[step]]
//! request = { send = "node", by = "replica.test", within = "4s" }
//!
//! [[step]]
//! lift = "outage"
//! ```
//!
//! | step | what it does |
//! |---|---|
//! | `fault = { host, service, what, name }` | switches a [`Fault`] on; without `service` it strikes the whole host, with a `name` it can be lifted |
//! | `lift = "NAME"` | lifts it |
//! | `promote = "HOST"` | promotes a replica |
//! | `present = { host, certificate }` | the host shows another certificate: `cn-only`, `expired`, `not-yet`, `stranger`, `revoked` or `wrong-name` |
//! | `restart = "end"` or `"kill"` | the client ends in good order, or is killed, and is started anew |
//! | `at = "4s"`, `pause = "4s"` | waits until so long after the beginning, or for so long |
//! | `request = { .. }` | asks the client for one thing: see below |
//! | `together = [{ .. }, ..]` | asks for all of them at once |
//! | `load = { every, lasts, request }` | asks again and again, beside the next steps |
//! | `received = { host, send, exactly, least, most }` | how often the host got it whole |
//!
//! `[lab]` may name the `hosts` (`name` and `role`: `master`, `replica`, `pool`) and the `agent`.
//!
//! A request is an errand of an agent (`send = "node"`, see [`Errand`]) or `send = "METHOD /path"`, with `headers` and a
//! `body`. `{n}` in path and body is the number of the request. `run` names the run that it belongs to, `deadline`
//! bounds it for the client. It has to be answered with 2xx, or with `status`, `by` one of these hosts, `within` a time
//! (10 s unless said). With `failed = true`, or the kind of the failure, it has to fail. With `once = true` no two servers may get it
//! whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Spanned;

use crate::spelled::{self, Spelled};
use crate::{Fault, HostSpec, LabBuilder, Role, Service};

pub use client::{ClientCommand, ClientError};
pub use errand::Errand;
pub use report::{Entry, Event, Outcome, Report};
pub use run::PlayError;

mod client;
mod errand;
mod faults;
mod judge;
mod picture;
mod report;
mod run;

/// One outage: see the [module](self).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub title: String,
    /// Whose rule that is.
    pub source: String,
    #[serde(default)]
    lab: Setting,
    #[serde(rename = "step")]
    steps: Vec<Spanned<Step>>,
}

/// Why a file is no scenario.
#[derive(Debug, thiserror::Error)]
#[error("{} is no scenario", path.display())]
pub struct ScenarioError {
    path: PathBuf,
    source: Trouble,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it cannot be read")]
    Unread(#[from] std::io::Error),
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("line {line}: {why}")]
    Senseless { line: usize, why: String },
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    #[serde(default)]
    hosts: Vec<Machine>,
    agent: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Machine {
    name: String,
    role: Role,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    Fault(Strike),
    Lift(String),
    Promote(String),
    Present(Present),
    Restart(Restart),
    At(Spelled),
    Pause(Spelled),
    Request(Box<Ask>),
    Together(Vec<Ask>),
    Load(Box<Load>),
    Received(Count),
}

/// A fault to be switched on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strike {
    pub(crate) host: String,
    pub(crate) service: Option<Service>,
    pub(crate) what: Fault,
    pub(crate) name: Option<String>,
}

/// Another certificate for a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Present {
    pub(crate) host: String,
    pub(crate) certificate: Shown,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shown {
    CnOnly,
    Expired,
    NotYet,
    Stranger,
    Revoked,
    WrongName,
}

/// How a client ends before it is started anew.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Restart {
    End,
    Kill,
}

/// One thing to ask the client for, and what has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) send: Send,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) deadline: Option<Spelled>,
    pub(crate) by: Option<OneOf>,
    pub(crate) status: Option<u16>,
    pub(crate) failed: Option<Failing>,
    #[serde(with = "spelled", default = "usual")]
    pub(crate) within: Duration,
    #[serde(default)]
    pub(crate) once: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Send {
    Errand(Errand),
    Raw { method: Method, path: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOf {
    One(String),
    Any(Vec<String>),
}

/// A failure that is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Failing {
    Somehow(bool),
    As(String),
}

/// The same again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Load {
    pub(crate) every: Spelled,
    pub(crate) lasts: Spelled,
    pub(crate) request: Ask,
}

/// How often a host got something whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    pub(crate) host: String,
    pub(crate) send: Send,
    pub(crate) exactly: Option<usize>,
    pub(crate) least: Option<usize>,
    pub(crate) most: Option<usize>,
}

impl Scenario {
    /// Reads a scenario from a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no scenario; the error says where and why.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(Trouble::from);
        text.and_then(|text| Self::parse(&text))
            .map_err(|source| ScenarioError {
                path: path.to_path_buf(),
                source,
            })
    }

    fn parse(text: &str) -> Result<Self, Trouble> {
        let this: Self = toml::from_str(text)?;
        let (hosts, mut names) = (this.hosts(), Vec::new());
        for step in &this.steps {
            step.get_ref().check(&hosts, &mut names).map_err(|why| {
                let before = text.get(..step.span().start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                Trouble::Senseless { line, why }
            })?;
        }
        Ok(this)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(Spanned::get_ref)
    }

    /// The certname of its agent.
    pub(crate) fn agent(&self) -> &str {
        self.lab.agent.as_deref().unwrap_or("agent.test")
    }

    pub(crate) fn builder(&self) -> LabBuilder {
        let builder = LabBuilder::new().agent(self.agent());
        match self.lab.hosts.as_slice() {
            [] => builder,
            hosts => builder.hosts(hosts.iter().map(|Machine { name, role }| match role {
                Role::Master => HostSpec::master(name),
                Role::Replica => HostSpec::replica(name),
                Role::Pool => HostSpec::pool(name),
            })),
        }
    }

    fn hosts(&self) -> Vec<&str> {
        match self.lab.hosts.as_slice() {
            [] => vec!["master.test", "replica.test"],
            hosts => hosts.iter().map(|host| host.name.as_str()).collect(),
        }
    }
}

impl Step {
    /// Finds what no type can say: hosts and faults that there are not, and wishes that exclude each other.
    fn check<'a>(&'a self, hosts: &[&str], names: &mut Vec<&'a str>) -> Result<(), String> {
        let known = |host: &String| match hosts.contains(&host.as_str()) {
            true => Ok(()),
            false => Err(format!(
                "no host is called {host}; there are {}",
                hosts.join(", ")
            )),
        };
        let sound = |ask: &Ask| {
            ask.by().iter().try_for_each(&known)?;
            match &ask.failed {
                Some(Failing::Somehow(false)) => {
                    Err("`failed = false` says nothing; leave it out".to_owned())
                }
                Some(_) if ask.by.is_some() || ask.status.is_some() => {
                    Err("what has to fail has neither `by` nor `status`".to_owned())
                }
                _ => Ok(()),
            }
        };
        match self {
            Self::Fault(strike) => {
                names.extend(strike.name.as_deref());
                known(&strike.host)
            }
            Self::Lift(name) => match names.iter().position(|on| on == name) {
                Some(at) => {
                    names.swap_remove(at);
                    Ok(())
                }
                None => Err(format!("no fault called {name} is on here")),
            },
            Self::Promote(host) => known(host),
            Self::Present(present) => known(&present.host),
            Self::Restart(_) | Self::At(_) | Self::Pause(_) => Ok(()),
            Self::Request(ask) => sound(ask),
            Self::Together(asks) => asks.iter().try_for_each(sound),
            Self::Load(load) if load.every.0.is_zero() => {
                Err("`every` has to be longer than nothing".to_owned())
            }
            Self::Load(load) => sound(&load.request),
            Self::Received(count) => match (count.exactly, count.least, count.most) {
                (None, None, None) => Err("say `exactly`, `least` or `most`".to_owned()),
                _ => known(&count.host),
            },
        }
    }
}

impl Ask {
    /// The hosts of which one has to answer; none if it does not matter.
    pub(crate) fn by(&self) -> &[String] {
        match &self.by {
            None => &[],
            Some(OneOf::One(host)) => std::slice::from_ref(host),
            Some(OneOf::Any(hosts)) => hosts,
        }
    }
}

impl<'de> Deserialize<'de> for Send {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some((method, path)) = text.split_once(' ') else {
            return text.parse().map(Self::Errand).map_err(de::Error::custom);
        };
        let method = method.parse().map_err(de::Error::custom)?;
        match path.starts_with('/') {
            true => Ok(Self::Raw {
                method,
                path: path.to_owned(),
            }),
            false => Err(de::Error::custom(format!(
                "`{path}` is no path; it begins with /"
            ))),
        }
    }
}

/// How long a request may take that says nothing of it.
const fn usual() -> Duration {
    Duration::from_secs(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = Scenario::parse(&format!("title = \"t\"\nsource = \"s\"\n{text}")).unwrap_err();
        error.to_string()
    }

    #[test]
    fn every_kind_of_step_is_read() {
        let text = r#"
            title = "all"
            source = "here"
            [lab]
            agent = "a.test"
            hosts = [{ name = "m.test", role = "master" }, { name = "r.test", role = "replica" }]
            [[step]]
            fault = { host = "m.test", service = "puppetdb", what = { delay = "250ms" }, name = "slow" }
            [[step]]
            lift = "slow"
            [[step]]
            promote = "r.test"
            [[step]]
            present = { host = "m.test", certificate = "cn-only" }
            [[step]]
            restart = "kill"
            [[step]]
            at = "2s"
            [[step]]
            pause = "1m 1s"
            [[step]]
            request = { send = "node", by = ["m.test", "r.test"], within = "4s" }
            [[step]]
            together = [{ send = "query" }, { send = "GET /x", failed = "untrusted" }]
            [[step]]
            load = { every = "100ms", lasts = "3s", request = { send = "catalog", run = "one" } }
            [[step]]
            received = { host = "r.test", send = "report", most = 0 }
        "#;
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(scenario.steps().count(), 11);
        assert_eq!(scenario.agent(), "a.test");
    }

    #[test]
    fn a_host_that_there_is_not_is_told_with_its_line() {
        let said = error("[[step]]\npromote = \"other.test\"");
        assert_eq!(
            said,
            "line 3: no host is called other.test; there are master.test, replica.test"
        );
    }

    #[test]
    fn a_fault_that_is_not_on_cannot_be_lifted() {
        let said = error("[[step]]\nlift = \"outage\"");
        assert_eq!(said, "line 3: no fault called outage is on here");
    }

    #[test]
    fn a_word_that_nobody_knows_is_told_with_its_place() {
        let said = error("[[step]]\nrequest = { send = \"node\", wthin = \"4s\" }");
        assert!(said.contains("line 4") && said.contains("wthin"), "{said}");
        let said = error("[[step]]\nrequest = { send = \"nod\" }");
        assert!(said.contains("nod") && said.contains("catalog"), "{said}");
    }

    #[test]
    fn a_time_without_a_unit_is_no_time() {
        let said = error("[[step]]\npause = \"4\"");
        assert!(said.contains("`4` is no time"), "{said}");
    }
}
