//! Each rule on settings that it is about, and on settings that are nearly so.

mod brokers;
mod detours;
mod failover;
mod names;
mod puppetdb;
mod reading;
mod ssl;
mod times;
mod topology;
mod visits;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::Parameters;
use crate::settings::tests::settings;

/// Settings and all that is handed in beside them.
struct Setup {
    puppet: String,
    puppetdb: String,
    classifier: String,
    pxp: String,
    parameters: String,
    faults: Vec<SettingsError>,
    facts: Facts,
    limits: Limits,
}

impl Setup {
    /// A master and its replica, as nothing has to be said of.
    fn healthy() -> Self {
        Self {
            puppet: "[agent]\nserver_list = m.test:8140,r.test:8140\nhttp_connect_timeout = 10s\n"
                .to_owned(),
            puppetdb: "[main]\nserver_urls = https://m.test:8081,https://r.test:8081\n\
                       sticky_read_failover = true\ncommand_broadcast = true\n"
                .to_owned(),
            classifier: classifier(&["m.test", "r.test"]),
            pxp: brokers(&["m.test:8142", "r.test:8142"]),
            parameters: String::new(),
            faults: Vec::new(),
            facts: Facts::at(now()),
            limits: Limits::default(),
        }
    }

    /// Nothing but an agent's `puppet.conf`.
    fn agent(puppet: &str) -> Self {
        Self {
            puppet: puppet.to_owned(),
            puppetdb: String::new(),
            classifier: String::new(),
            pxp: String::new(),
            ..Self::healthy()
        }
    }

    /// The healthy one with one more line in `puppet.conf`.
    fn with_line(line: &str) -> Self {
        let mut setup = Self::healthy();
        setup.puppet = format!("{}{line}\n", setup.puppet);
        setup
    }

    /// The healthy one with one more line in `puppetdb.conf`.
    fn with_puppetdb_line(line: &str) -> Self {
        let mut setup = Self::healthy();
        setup.puppetdb = format!("{}{line}\n", setup.puppetdb);
        setup
    }

    fn report(self) -> Report {
        let (puppet, puppetdb) = (&self.puppet, &self.puppetdb);
        let mut settings = settings(puppet, puppetdb, &self.classifier, &self.pxp);
        if !self.parameters.is_empty() {
            let read = Parameters::parse(&self.parameters, Path::new("/c/hiera.yaml"));
            settings.parameters.push(read.unwrap());
        }
        let survey = Survey {
            settings,
            faults: self.faults,
        };
        check(&survey, &self.facts, &self.limits)
    }
}

/// The healthy one with one more line in `pxp-agent.conf`.
fn with_pxp(line: &str) -> Setup {
    let mut setup = Setup::healthy();
    setup.pxp = setup.pxp.replacen("{\n", &format!("{{\n{line},\n"), 1);
    setup
}

/// The only finding of this rule.
#[track_caller]
fn found(rule: Rule, setup: Setup) -> (String, String) {
    let report = setup.report();
    let mut of_rule = report.findings().iter().filter(|found| found.rule == rule);
    let (first, more) = (of_rule.next(), of_rule.count());
    assert_eq!(more, 0, "{report:#?}");
    let first = first.unwrap_or_else(|| panic!("no {rule} in {report:#?}"));
    (first.place.to_string(), first.what.clone())
}

#[track_caller]
fn silent(rule: Rule, setup: Setup) {
    let report = setup.report();
    assert!(
        report.findings().iter().all(|found| found.rule != rule),
        "{report:#?}"
    );
}

fn classifier(hosts: &[&str]) -> String {
    let items = hosts
        .iter()
        .map(|host| format!("- server: {host}\n  port: 4433\n"));
    items.collect()
}

fn brokers(servers: &[&str]) -> String {
    let uris: Vec<String> = servers
        .iter()
        .map(|server| format!("\"wss://{server}/pcp2/\""))
        .collect();
    format!("{{\n\"broker-ws-uris\": [{}]\n}}\n", uris.join(",\n"))
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

#[test]
fn of_a_healthy_pair_only_its_roles_are_mentioned() {
    let report = Setup::healthy().report();
    let rules: Vec<Rule> = report.findings().iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::RolesAssumed]);
}

#[test]
fn the_worst_comes_first_and_then_the_order_of_the_file() {
    let mut setup =
        Setup::agent("server = m.test\nserver_list = 10.0.0.1,r.test\nruninterval = 30\n");
    setup.facts.addresses.insert(
        "r.test".to_owned(),
        Lookup::Nothing("no such name".to_owned()),
    );
    let report = setup.report();
    let rules: Vec<Rule> = report.findings().iter().map(|found| found.rule).collect();
    assert_eq!(
        rules,
        [
            Rule::UnresolvableName,
            Rule::ReadOtherwise,
            Rule::SlowConnectTimeout,
            Rule::ServerNotUsed,
            Rule::AddressInsteadOfName,
            Rule::RolesAssumed,
        ]
    );
    assert_eq!(report.count(Severity::Error), 2);
    assert_eq!(report.count(Severity::Warning), 3);
    assert_eq!(report.count(Severity::Note), 1);
}

#[test]
fn programs_get_the_place_in_parts() {
    let report = Setup::with_line("server = m.test").report();
    let found = &report.findings()[0];
    let json = serde_json::to_value(found).unwrap();
    assert_eq!(json["rule"], "server-not-used");
    assert_eq!(json["severity"], "warning");
    assert_eq!(json["file"], "/c/puppet.conf");
    assert_eq!(json["line"], 4);
    for part in ["what", "why", "fix"] {
        assert!(json[part].as_str().unwrap().ends_with('.'), "{json}");
    }
}

#[test]
fn hosts_and_servers_are_told_once_in_the_order_of_the_settings() {
    let setup = Setup::healthy();
    let settings = settings(
        &setup.puppet,
        &setup.puppetdb,
        "",
        &brokers(&["10.0.0.1:8142"]),
    );
    assert_eq!(hosts(&settings), ["m.test", "r.test"]);
    let servers: Vec<String> = servers(&settings).iter().map(ToString::to_string).collect();
    assert_eq!(
        servers,
        [
            "m.test:8140",
            "r.test:8140",
            "m.test:8081",
            "r.test:8081",
            "10.0.0.1:8142"
        ]
    );
}
