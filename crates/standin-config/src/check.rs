//! A check of settings: what will hurt in an outage, where it stands, and what to write instead.
//!
//! Nothing is read or asked here. What the settings themselves cannot say, like the dates of
//! certificates or the addresses of names, is handed in as [`Facts`], and what was not asked is
//! not judged.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use standin_config::check::{self, Facts, Limits, Lookup, Rule};
//! # use standin_config::{Account, Defaults, Sources, Survey};
//!
//! # let dir = tempfile::tempdir()?;
//! # let text = "[agent]\nserver_list = master.example.com,replica.example.com\n";
//! # std::fs::write(dir.path().join("puppet.conf"), text)?;
//! # let (account, home) = (Account::Root, "/root".into());
//! # let defaults = Defaults { account, home, hostname: "agent1.example.com".into() };
//! # let sources = Sources::new(dir.path(), defaults);
//! let survey = Survey::read(&sources)?;
//! let mut facts = Facts::at(UNIX_EPOCH + Duration::from_secs(1_795_000_000));
//! for host in check::hosts(&survey.settings) {
//!     facts.addresses.insert(host, Lookup::Nothing("no such name".to_owned()));
//! }
//! let report = check::check(&survey, &facts, &Limits::default());
//! assert_eq!(report.findings()[0].rule, Rule::UnresolvableName);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! - `rule`, `finding`: what is looked for, and what is found.
//! - `facts`: what is handed in.
//! - `named`: the lists of the settings, each with the setting that names it.
//! - `topology`, `detours`, `names`, `times`, `failover`, `puppetdb`, `brokers`, `ssl`, `visits`: the
//!   rules, by what they look at.

mod brokers;
mod detours;
mod facts;
mod failover;
mod finding;
mod named;
mod names;
mod puppetdb;
mod rule;
mod ssl;
mod times;
mod topology;
mod visits;

use std::time::Duration;

use standin_core::{Policy, Server};

pub use facts::{Facts, Lookup, Outcome, SslFact, Visit};
pub use finding::{Finding, Report};
pub use rule::{Rule, Severity};

use crate::note::Note;
use crate::{Place, Settings, SettingsError, Survey};
use named::Lists;

/// What the settings are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long the load balancer before the compile masters waits. Default 4 min, which is the
    /// least that the high availability overview asks for.
    pub load_balancer: Duration,
    /// By what this library fails over. Default as everywhere.
    pub policy: Policy,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            load_balancer: Duration::from_secs(240),
            policy: Policy::default(),
        }
    }
}

/// Checks the settings.
#[must_use]
pub fn check(survey: &Survey, facts: &Facts, limits: &Limits) -> Report {
    let settings = &survey.settings;
    let lists = Lists::of(settings);
    let mut findings: Vec<Finding> = survey.faults.iter().map(fault).collect();
    findings.extend(settings.notes().iter().filter_map(note));
    if let Err(error) = settings.lists() {
        findings.push(fault(&error));
    }
    topology::check(&lists, settings, &mut findings);
    detours::check(&lists, settings, &mut findings);
    names::check(&lists, facts, &mut findings);
    times::check(&lists, settings, limits, &mut findings);
    puppetdb::check(settings, limits, &mut findings);
    failover::check(settings, limits, &mut findings);
    brokers::check(settings, &mut findings);
    ssl::check(&facts.ssl, facts.now, &mut findings);
    visits::check(&lists, facts, &mut findings);
    Report::new(findings)
}

/// The report when the settings cannot be read at all.
#[must_use]
pub fn unreadable(error: &SettingsError) -> Report {
    Report::new(vec![fault(error)])
}

/// The hosts that the settings name, each once, in the order of the settings: those to look up for
/// [`Facts::addresses`]. Addresses are not among them.
#[must_use]
pub fn hosts(settings: &Settings) -> Vec<String> {
    let lists = Lists::of(settings);
    let hosts = lists.first_mentions().map(|(server, _)| server.host());
    let names = hosts.filter(|host| !named::is_address(host));
    names.map(str::to_owned).collect()
}

/// The servers that the settings name, each once, in the order of the settings: those to connect
/// to for [`Facts::visits`].
#[must_use]
pub fn servers(settings: &Settings) -> Vec<Server> {
    let lists = Lists::of(settings);
    let mut servers: Vec<Server> = Vec::new();
    for (server, _) in lists.mentions() {
        if !servers.contains(server) {
            servers.push(server.clone());
        }
    }
    servers
}

fn fault(error: &SettingsError) -> Finding {
    let setting = error
        .setting()
        .map_or_else(String::new, |name| format!("{name}: "));
    let what = format!("{setting}{}.", chain(error.fault()));
    let fix = "Mend the line, and run this again: what depends on it was not checked.";
    Finding::new(Rule::UnusableSettings, error.place().clone(), what, fix)
}

/// What was noted when the settings were read, but for what `topology` and `puppetdb` judge.
fn note(note: &Note) -> Option<Finding> {
    let finding = match note {
        Note::NoPuppetConf { path } => Finding::new(
            Rule::NoPuppetConf,
            Place::Whole(path.clone()),
            "There is no such file, so that Puppet's defaults hold.",
            "Write server_list = MASTER:8140,REPLICA:8140 into its section [agent], or name \
             Puppet's confdir.",
        ),
        Note::ServerNotUsed {
            server,
            server_list,
        } => Finding::new(
            Rule::ServerNotUsed,
            server,
            format!("server is not used, for {server_list} sets server_list."),
            "Take server out.",
        ),
        Note::OtherPrefix { prefix, origin } => Finding::new(
            Rule::PrefixNotUsed,
            origin,
            format!("The prefix {prefix:?} is not used."),
            "Write prefix: /classifier-api.",
        ),
        Note::Retired { origin } => Finding::new(
            Rule::RetiredSetting,
            origin,
            "server and port are not heeded any more.",
            "Write server_urls = https://MASTER:8081,https://REPLICA:8081 instead.",
        ),
        Note::RolesAssumed { .. } | Note::NotEnabled { .. } | Note::CutShort(_) => return None,
    };
    Some(finding)
}

/// An error and all that is beneath it, in a line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
