//! Our answers, in the form of `ask_ruby.rb`.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};
use standin_config::{
    Account, ClientCertificate, Defaults, FirstQueried, Overrides, PuppetConf, PuppetDbConf,
    Revocation, SettingsError, SrvRecords, Submission, UnchangedResources, WithoutCatalog,
    WriteFailure,
};
use standin_core::{Server, ServerList};

use crate::Answer;

pub(crate) fn puppet_conf(text: &str) -> Answer {
    let account = match directive(text, "account") {
        Some("user") => Account::User,
        _ => Account::Root,
    };
    let defaults = Defaults {
        account,
        home: "/home/agent".into(),
        hostname: "Agent1.example.com".into(),
    };
    let arguments = directive(text, "args").unwrap_or_default().split(' ');
    let arguments = arguments.filter(|argument| !argument.is_empty());
    let arguments = arguments.map(|argument| argument.split_once('=').unwrap_or((argument, "")));
    let environment = directive(text, "environment").unwrap_or_default();
    let variable = |name: &str| {
        let mut pairs = environment
            .split(' ')
            .filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
    };
    let overrides = Overrides::from_iter(arguments).with_environment(variable);
    match PuppetConf::parse(text, &defaults.confdir(), &defaults, &overrides) {
        Ok(conf) => values(of_puppet_conf(&conf)),
        Err(error) => refused(&error),
    }
}

fn of_puppet_conf(conf: &PuppetConf) -> Value {
    let is_set = |name| conf.origin(name).unwrap().is_set();
    // The domain that is asked, or else the one that would be.
    let (asked, domain) = match &conf.srv_records {
        SrvRecords::NotAsked => (false, None),
        SrvRecords::Of { domain } => (true, Some(domain.clone())),
    };
    let http = &conf.http;
    let headers = http.extra_headers.iter();
    let proxy = http.proxy.as_ref().map(|proxy| {
        let password = proxy.password.as_ref().map(|password| password.reveal());
        json!([proxy.host, proxy.port, proxy.user, password])
    });
    let authorities = HOSTS
        .iter()
        .flat_map(|host| PORTS.map(|port| (*host, port)));
    let direct = authorities
        .filter(|(host, port)| http.no_proxy.iter().any(|no| no.leaves_out(host, *port)))
        .map(|(host, port)| format!("{host}:{port}"));
    json!({
        "ca_server": conf.ca_server.to_string(),
        "ca_server_is_set": is_set("ca_server"),
        "certificate_revocation": match conf.revocation {
            Revocation::Chain => json!("chain"),
            Revocation::Leaf => json!("leaf"),
            Revocation::Off => json!(false),
        },
        "certname": conf.certname,
        "confdir": conf.dirs.confdir,
        "environment": conf.environment,
        "hostcert": conf.ssl.cert,
        "hostcrl": conf.ssl.crl,
        "hostprivkey": conf.ssl.key,
        "http_connect_timeout": conf.times.connect.as_secs(),
        "http_extra_headers": headers
            .map(|header| [header.name.as_str(), header.value.reveal()])
            .collect::<Vec<_>>(),
        "http_keepalive_timeout": conf.times.keepalive.as_secs(),
        "http_read_timeout": conf.times.read.as_secs(),
        "http_user_agent": http.user_agent,
        "localcacert": conf.ssl.ca,
        "no_proxy": direct.collect::<Vec<_>>(),
        "passfile": conf.ssl.passphrase,
        "proxy": proxy,
        "report_server": conf.report_server.to_string(),
        "report_server_is_set": is_set("report_server"),
        "runinterval": conf.times.runinterval.as_secs(),
        "runtimeout": conf.times.runtimeout.unwrap_or_default().as_secs(),
        "server": conf.server.to_string(),
        "server_list": conf.server_list.as_ref().map_or(Vec::new(), listed),
        "splaylimit": conf.times.splaylimit.as_secs(),
        "srv_domain": domain,
        "ssl_trust_store": conf.ssl.trust_store,
        "ssldir": conf.dirs.ssldir,
        "statedir": conf.dirs.statedir,
        "use_srv_records": asked,
        "usecacheonfailure": conf.without_catalog == WithoutCatalog::UsesTheLast,
        "vardir": conf.dirs.vardir,
    })
}

/// As in `ask_ruby.rb`.
const HOSTS: [&str; 10] = [
    "localhost",
    "127.0.0.1",
    "a.example.com",
    "x.b.example.com",
    "b.example.com",
    "x.c.example.com",
    "d",
    "xd",
    "10.0.0.1",
    "y.example.org",
];
const PORTS: [u16; 2] = [8140, 8081];

pub(crate) fn puppetdb_conf(text: &str) -> Answer {
    match PuppetDbConf::parse(text, Path::new("/c")) {
        Ok(conf) => values(of_puppetdb_conf(&conf)),
        Err(error) => refused(&error),
    }
}

fn of_puppetdb_conf(conf: &PuppetDbConf) -> Value {
    let (broadcast, least) = match conf.submission {
        Submission::First => (false, 1),
        Submission::Broadcast { least } => (true, least),
    };
    let submit_only = conf.submit_only.iter().map(Server::to_string);
    json!({
        "command_broadcast": broadcast,
        "include_unchanged_resources": conf.unchanged_resources == UnchangedResources::Included,
        "min_successful_submissions": least,
        "server_url_timeout": conf.timeout.unwrap_or_default().as_secs(),
        "server_urls": listed(&conf.servers),
        "soft_write_failure": conf.write_failure == WriteFailure::IsLogged,
        "sticky_read_failover": conf.first_queried == FirstQueried::LastGood,
        "submit_only_server_urls": submit_only.collect::<Vec<_>>(),
        "verify_client_certificate": conf.client_certificate == ClientCertificate::Shown,
    })
}

fn listed(list: &ServerList) -> Vec<String> {
    list.servers().map(Server::to_string).collect()
}

fn values(value: Value) -> Answer {
    Answer::Values(serde_json::from_value(value).unwrap())
}

fn refused(error: &SettingsError) -> Answer {
    let source = error.source().map(|source| format!(": {source}"));
    Answer::Refused(format!("{error}{}", source.unwrap_or_default()))
}

/// What a comment in the first line says of how the file is read.
fn directive<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().next()?.strip_prefix('#')?;
    line.strip_prefix(name)?.strip_prefix(": ")
}
