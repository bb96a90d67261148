use super::*;
use crate::settings::tests::{defaults, settings, with_parameters};
use crate::{Overrides, Settings};

fn said(settings: &Settings, setting: &str) -> Vec<String> {
    let explanations = settings.explain(setting);
    explanations.iter().map(ToString::to_string).collect()
}

/// The same with these overrides.
fn overridden(text: &str, overrides: &Overrides) -> Settings {
    let mut all = settings(text, "", "", "");
    all.puppet = PuppetConf::parse(text, Path::new("/c"), &defaults(), overrides).unwrap();
    all
}

#[test]
fn the_section_that_was_chosen_is_said_and_what_it_hides() {
    let text =
        "server_list = a\n[agent]\nserver_list = b,c\nserver_list = d\n[server]\nserver_list = e\n";
    assert_eq!(
        said(&settings(text, "", "", ""), "server_list"),
        [
            "server_list is b,c. /c/puppet.conf:3 sets it in [agent], which comes before [main]. \
             /c/puppet.conf:1 has no effect: [agent] comes before [main]. \
             /c/puppet.conf:4 has no effect: the first of two in one section counts. \
             /c/puppet.conf:6 has no effect: its section is for other commands than the agent."
        ]
    );
    assert_eq!(
        said(&settings("server = a", "", "", ""), "server"),
        ["server is a. /c/puppet.conf:1 sets it in [main], and [agent] does not."]
    );
}

#[test]
fn a_default_is_explained_as_puppet_writes_it() {
    let nothing = settings("", "", "", "");
    assert_eq!(
        said(&nothing, "localcacert"),
        [
            "localcacert is /c/ssl/certs/ca.pem, written as $certdir/ca.pem. Nobody sets it; \
             the default is $certdir/ca.pem."
        ]
    );
    assert_eq!(
        said(&nothing, "ca_server"),
        ["ca_server is puppet, written as $server. Nobody sets it; the default is $server."]
    );
    assert_eq!(
        said(&nothing, "server_list"),
        ["server_list is nothing. Nobody sets it; the default is nothing."]
    );
}

#[test]
fn what_a_list_makes_of_other_servers_is_said() {
    let all = settings(
        "server = a\nca_server = b\n[agent]\nserver_list = c,d\n",
        "",
        "",
        "",
    );
    let last = |setting| {
        let said = said(&all, setting).remove(0);
        said.rsplit_once(". ").unwrap().1.to_owned()
    };
    assert_eq!(
        last("server"),
        "It is not used, for server_list comes before it."
    );
    assert_eq!(
        last("ca_server"),
        "Requests to the certificate authority do not follow server_list."
    );
    assert_eq!(last("report_server"), "Reports follow server_list.");
    let alone = settings("server = a", "", "", "");
    assert_eq!(alone.explain("server")[0].consequence, None);
}

#[test]
fn the_command_line_and_the_environment_come_before_the_file() {
    let overrides = Overrides::new()
        .with("server", "b")
        .with_environment(|name| (name == "http_proxy").then(|| "http://u:pw@p:1".to_owned()));
    let all = overridden("server = a\nhttp_proxy_host = q\n", &overrides);
    assert_eq!(
        said(&all, "server"),
        [
            "server is b. The command line sets it, which comes before any file. \
             /c/puppet.conf:1 has no effect: the command line comes before the file."
        ]
    );
    assert_eq!(
        said(&all, "http_proxy_host"),
        [
            "http_proxy_host is p. The environment: http_proxy sets it, which comes before any \
             file. /c/puppet.conf:2 has no effect: the environment comes before it."
        ]
    );
}

#[test]
fn a_secret_is_explained_and_not_shown() {
    let text = "http_proxy_host = p\nhttp_proxy_user = u\nhttp_proxy_password = hunter2\n\
                http_extra_headers = X-Token:hunter2\n";
    let overrides = Overrides::new()
        .with_environment(|name| (name == "http_proxy").then(|| "http://e:hunter2@p".to_owned()));
    for (all, sets) in [
        (
            settings(text, "", "", ""),
            "/c/puppet.conf:3 sets it in [main], and [agent] does not.",
        ),
        (
            overridden(text, &overrides),
            "The environment: http_proxy sets it, which comes before any file. \
             /c/puppet.conf:3 has no effect: the environment comes before it.",
        ),
    ] {
        assert_eq!(
            said(&all, "http_proxy_password"),
            [format!("http_proxy_password is (secret). {sets}")]
        );
        let everything = format!("{:?} {all:?}", all.explanations());
        assert!(!everything.contains("hunter2"), "{everything}");
    }
    assert!(!format!("{overrides:?}").contains("hunter2"));
    let error = PuppetConf::parse(
        "http_proxy_password = hunter2@\n",
        Path::new("/c"),
        &defaults(),
        &Overrides::new(),
    )
    .unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn every_file_explains_its_own() {
    let all = with_parameters(
        settings(
            "server = a",
            "[main]\nserver_url_timeout = 2m\nserver_url_timeout = 3m\n",
            "- {server: m}\n- {server: r, port: 4433}\n",
            r#"{"primary-uris": ["a"], "master-uris": ["b"], "ping-interval": 30}"#,
        ),
        "puppetdb_host: m",
    );
    assert_eq!(
        said(&all, "server_url_timeout"),
        [
            "server_url_timeout is 3, written as 3m. /c/puppetdb.conf:3 sets it. \
             /c/puppetdb.conf:2 has no effect: the last of two in this file counts."
        ]
    );
    assert_eq!(
        said(&all, "port"),
        [
            "port is 1262. Nobody sets it; the default is 1262.",
            "port is 4433. /c/classifier.yaml:2 sets it."
        ]
    );
    assert_eq!(
        said(&all, "primary-uris"),
        ["primary-uris is a. /c/pxp-agent.conf:1 sets it, which comes before master-uris."]
    );
    assert_eq!(
        said(&all, "master-uris"),
        ["master-uris is b. /c/pxp-agent.conf:1 sets it in vain: primary-uris comes before it."]
    );
    assert_eq!(
        said(&all, "connection-timeout"),
        ["connection-timeout is 5. Nobody sets it; the default is 5."]
    );
    assert_eq!(
        said(&all, "puppetdb_host"),
        ["puppetdb_host is m:8081. /c/common.yaml:1 sets it."]
    );
    let server = all.explain("server");
    let files: Vec<&str> = server.iter().map(|one| one.file.as_str()).collect();
    assert_eq!(files, ["puppet.conf", "classifier.yaml", "classifier.yaml"]);
}

#[test]
fn a_name_that_nothing_is_called_has_no_explanation() {
    assert!(said(&settings("", "", "", ""), "sever").is_empty());
}

#[test]
fn every_setting_that_is_read_is_explained_defaults_too() {
    let all = settings("", "[main]\n", "- {}", "{}");
    let names: Vec<String> = all
        .explanations()
        .into_iter()
        .map(|one| one.setting)
        .collect();
    for name in [
        "ca_port",
        "ca_server",
        "certificate_revocation",
        "certname",
        "confdir",
        "environment",
        "hostcert",
        "hostcrl",
        "hostprivkey",
        "http_connect_timeout",
        "http_extra_headers",
        "http_keepalive_timeout",
        "http_proxy_host",
        "http_proxy_password",
        "http_proxy_port",
        "http_proxy_user",
        "http_read_timeout",
        "http_user_agent",
        "localcacert",
        "masterport",
        "no_proxy",
        "passfile",
        "report_port",
        "report_server",
        "runinterval",
        "runtimeout",
        "server",
        "server_list",
        "serverport",
        "splaylimit",
        "srv_domain",
        "ssl_trust_store",
        "ssldir",
        "statedir",
        "use_srv_records",
        "usecacheonfailure",
        "vardir",
        "command_broadcast",
        "include_unchanged_resources",
        "min_successful_submissions",
        "server_url_timeout",
        "server_urls",
        "soft_write_failure",
        "sticky_read_failover",
        "submit_only_server_urls",
        "verify_client_certificate",
        "prefix",
        "allowed-keepalive-timeouts",
        "association-request-ttl",
        "association-timeout",
        "broker-ws-proxy",
        "broker-ws-uri",
        "broker-ws-uris",
        "connection-timeout",
        "master-proxy",
        "master-uris",
        "max-message-size",
        "pcp-message-ttl",
        "pcp-version",
        "ping-interval",
        "primary-uris",
        "ssl-ca-cert",
        "ssl-cert",
        "ssl-crl",
        "ssl-key",
        "task-download-connect-timeout",
        "task-download-timeout",
    ] {
        assert!(names.iter().any(|other| other == name), "{name}");
    }
}
