use super::*;
use crate::Hosts;
use crate::settings::tests::{settings, with_parameters};
use standin_core::{Class, Server};

/// `host:port role` of each server.
fn servers(settings: &Settings, service: Service) -> Vec<String> {
    let installation = settings.installation().unwrap();
    let list = installation.list(service).unwrap();
    let entries = list.entries().iter();
    entries
        .map(|entry| format!("{} {}", entry.server, entry.role))
        .collect()
}

const PUPPET: &str = "server_list = m,r";
const PUPPETDB: &str = "[main]\nserver_urls = https://m:8081,https://r:8081\n";
const CLASSIFIER: &str = "- {server: m, port: 4433}\n- {server: r, port: 4433}\n";
const PXP: &str = r#"{"broker-ws-uris": ["wss://m:8142/pcp2/", "wss://r:8142/pcp2/"]}"#;

#[test]
fn the_files_of_a_pair_describe_the_pair() {
    let pair = Installation::of_hosts("m", Some("r")).unwrap();
    let all = settings(PUPPET, PUPPETDB, CLASSIFIER, PXP);
    assert_eq!(all.installation().unwrap(), pair);
}

#[test]
fn a_server_list_alone_describes_the_pair_too() {
    let pair = Installation::of_hosts("m", Some("r")).unwrap();
    assert_eq!(settings(PUPPET, "", "", "").installation().unwrap(), pair);
}

#[test]
fn without_a_list_the_server_stands_alone() {
    let alone = settings("server = s\nca_port = 1", "", "", "");
    assert_eq!(servers(&alone, Service::PuppetServer), ["s:8140 pool"]);
    assert_eq!(servers(&alone, Service::CertificateAuthority), ["s:1 pool"]);
    assert_eq!(servers(&alone, Service::Rbac), ["s:4433 pool"]);
    let nothing = settings("", "", "", "");
    assert_eq!(
        servers(&nothing, Service::PuppetServer),
        ["puppet:8140 pool"]
    );
}

#[test]
fn a_ca_server_that_is_set_does_not_follow_the_list() {
    let set = settings(
        "server_list = m,r\nca_server = m\nca_port = 8150",
        "",
        "",
        "",
    );
    assert_eq!(
        servers(&set, Service::CertificateAuthority),
        ["m:8150 master"]
    );
    let follows = settings("server_list = m,r\nca_port = 8150", "", "", "");
    assert_eq!(
        servers(&follows, Service::CertificateAuthority),
        ["m:8140 master", "r:8140 replica"]
    );
}

#[test]
fn a_report_server_changes_no_list() {
    let set = settings("server_list = m,r\nreport_server = x", "", "", "");
    assert_eq!(
        servers(&set, Service::PuppetServer),
        ["m:8140 master", "r:8140 replica"]
    );
}

#[test]
fn a_host_has_one_role_whatever_its_place() {
    let puppetdb = "[main]\nserver_urls = https://r:8081,https://m:8081\n";
    let classifier = "- {server: r, port: 4433}\n- {server: m, port: 4433}\n";
    let turned = settings(PUPPET, puppetdb, classifier, "");
    assert_eq!(
        servers(&turned, Service::PuppetDb),
        ["r:8081 replica", "m:8081 master"]
    );
    assert_eq!(
        servers(&turned, Service::Rbac),
        ["r:4433 replica", "m:4433 master"]
    );
}

#[test]
fn the_classifiers_tell_master_and_replica_in_a_longer_list() {
    let longer = settings("server_list = m,r,c", "", CLASSIFIER, "");
    assert_eq!(
        servers(&longer, Service::PuppetServer),
        ["m:8140 master", "r:8140 replica", "c:8140 pool"]
    );
    assert_eq!(
        servers(&longer, Service::Orchestrator),
        ["m:8143 master", "r:8143 replica"]
    );
    assert_eq!(
        servers(&longer, Service::PcpBroker),
        ["m:8142 master", "r:8142 replica", "c:8142 pool"]
    );
}

#[test]
fn beside_a_ca_server_of_its_own_the_list_is_of_compile_masters() {
    let compile = settings("server_list = c,d\nca_server = m", PUPPETDB, CLASSIFIER, "");
    assert_eq!(
        servers(&compile, Service::PuppetServer),
        ["c:8140 pool", "d:8140 pool"]
    );
    assert_eq!(
        servers(&compile, Service::CertificateAuthority),
        ["m:8140 master"]
    );
    assert_eq!(
        servers(&compile, Service::PuppetDb),
        ["m:8081 master", "r:8081 replica"]
    );
    assert_eq!(
        servers(&compile, Service::CodeManager),
        ["m:8170 master", "r:8170 replica"]
    );
    let agent = settings("server_list = c,d\nca_server = m", "", "", "");
    assert_eq!(servers(&agent, Service::Rbac), ["m:4433 master"]);
}

#[test]
fn a_compile_master_that_names_its_own_puppetdb_first_makes_nobody_a_replica() {
    let puppetdb = "[main]\nserver_urls = https://c:8081,https://m:8081\n";
    let compile = settings("server_list = m", puppetdb, "", "");
    assert_eq!(
        servers(&compile, Service::CertificateAuthority),
        ["m:8140 pool"]
    );
}

#[test]
fn a_master_alone_in_its_own_list_does_not_hide_its_replica() {
    let own = settings("server = m", "", CLASSIFIER, "");
    assert_eq!(servers(&own, Service::PuppetServer), ["m:8140 master"]);
    assert_eq!(
        servers(&own, Service::Orchestrator),
        ["m:8143 master", "r:8143 replica"]
    );
}

#[test]
fn a_load_balancer_stands_for_everything() {
    let balanced = settings("server_list = lb", "", "", "");
    for service in Service::ALL {
        let expected = format!("lb:{} pool", service.port());
        assert_eq!(servers(&balanced, service), [expected]);
    }
}

#[test]
fn a_host_with_two_ports_is_one_host() {
    let ports = settings("server_list = m:1,m:2", "", "", "");
    assert_eq!(
        servers(&ports, Service::PuppetServer),
        ["m:1 pool", "m:2 pool"]
    );
    assert_eq!(servers(&ports, Service::PuppetDb), ["m:8081 pool"]);
}

#[test]
fn a_puppetdb_conf_without_urls_is_puppetdbs_default() {
    let found = settings(PUPPET, "[main]\n", "", "");
    assert_eq!(servers(&found, Service::PuppetDb), ["puppetdb:8081 pool"]);
}

#[test]
fn brokers_come_from_pxp_agent_if_it_names_any() {
    let named = settings(PUPPET, "", "", r#"{"broker-ws-uri": "wss://b:1/pcp2/"}"#);
    assert_eq!(servers(&named, Service::PcpBroker), ["b:1 pool"]);
    let silent = settings(PUPPET, "", "", "{}");
    assert_eq!(
        servers(&silent, Service::PcpBroker),
        ["m:8142 master", "r:8142 replica"]
    );
}

#[test]
fn a_list_knows_what_named_it() {
    let all = settings(PUPPET, PUPPETDB, CLASSIFIER, PXP);
    let named = |service: Service| {
        let lists = all.lists().unwrap();
        let found = lists.into_iter().find(|found| found.service == service);
        found.unwrap().origin.to_string()
    };
    assert_eq!(named(Service::PuppetServer), "/c/puppet.conf:1");
    assert_eq!(named(Service::CertificateAuthority), "/c/puppet.conf:1");
    assert_eq!(named(Service::PuppetDb), "/c/puppetdb.conf:2");
    assert_eq!(named(Service::Activity), "/c/classifier.yaml:1");
    assert_eq!(named(Service::PcpBroker), "/c/pxp-agent.conf:1");
    assert_eq!(
        named(Service::Orchestrator),
        "default: the master and its replica"
    );
}

#[test]
fn parameters_count_where_the_files_say_nothing() {
    let text = "server_list: [m, r]\npcp_broker_list: ['b:8142']\n\
                classifier_host: [m, r]\npuppetdb_host: [p]\nha_enabled_replicas: [r]\n";
    let all = with_parameters(settings("server = s", "", "", ""), text);
    assert_eq!(
        servers(&all, Service::PuppetServer),
        ["m:8140 master", "r:8140 replica"]
    );
    assert_eq!(
        servers(&all, Service::Activity),
        ["m:4433 master", "r:4433 replica"]
    );
    assert_eq!(servers(&all, Service::PuppetDb), ["p:8081 pool"]);
    assert_eq!(servers(&all, Service::PcpBroker), ["b:8142 pool"]);
    let lists = all.lists().unwrap();
    let named = |service: Service| {
        let found = lists.iter().find(|found| found.service == service);
        found.unwrap().origin.to_string()
    };
    assert_eq!(named(Service::PuppetServer), "/c/common.yaml:1");
    assert_eq!(named(Service::PcpBroker), "/c/common.yaml:2");

    let own = with_parameters(
        settings(PUPPET, PUPPETDB, CLASSIFIER, PXP),
        "server_list: [x]",
    );
    let pair = Installation::of_hosts("m", Some("r")).unwrap();
    assert_eq!(own.installation().unwrap(), pair);
}

#[test]
fn the_first_of_two_files_of_parameters_counts() {
    let two = with_parameters(
        with_parameters(settings("", "", "", ""), "server_list: [a]"),
        "server_list: [b]\npuppetdb_host: p",
    );
    assert_eq!(servers(&two, Service::PuppetServer), ["a:8140 pool"]);
    assert_eq!(servers(&two, Service::PuppetDb), ["p:8081 pool"]);
}

#[test]
fn enabled_replicas_are_replicas_wherever_they_stand() {
    let turned = with_parameters(
        settings("server_list = r,m", "", "", ""),
        "ha_enabled_replicas: [r]",
    );
    assert_eq!(
        servers(&turned, Service::PuppetServer),
        ["r:8140 replica", "m:8140 master"]
    );
    let compile = with_parameters(
        settings("server_list = c,d", "", CLASSIFIER, ""),
        "ha_enabled_replicas: [r]",
    );
    assert_eq!(
        servers(&compile, Service::PuppetServer),
        ["c:8140 pool", "d:8140 pool"]
    );
    assert_eq!(
        servers(&compile, Service::Orchestrator),
        ["m:8143 master", "r:8143 replica"]
    );
}

#[test]
fn a_replica_that_is_not_enabled_is_in_no_list_and_that_is_said() {
    let all = with_parameters(
        settings(PUPPET, PUPPETDB, CLASSIFIER, PXP),
        "ha_enabled_replicas: []",
    );
    for service in Service::ALL {
        let expected = format!("m:{} master", service.port());
        assert_eq!(servers(&all, service), [expected]);
    }
    let notes: Vec<String> = all.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes[1],
        "/c/common.yaml:1: r is no enabled replica and is not used; enable it, or take it out of \
         the lists"
    );
}

#[test]
fn replication_tells_what_this_host_is() {
    let of = |parameters: &str| {
        let text = "certname = m\nserver_list = m,c,d";
        let all = with_parameters(settings(text, "", "", ""), parameters);
        servers(&all, Service::PuppetServer)
    };
    let source = of("replication_mode: source");
    assert_eq!(source, ["m:8140 master", "c:8140 pool", "d:8140 pool"]);
    let replica = of("replication_mode: replica");
    assert_eq!(replica, ["m:8140 replica", "c:8140 pool", "d:8140 pool"]);
    let enabled = of("replication_mode: replica\nha_enabled_replicas: [m]");
    assert_eq!(enabled[0], "m:8140 replica");
    let provisioned = of("replication_mode: replica\nha_enabled_replicas: []");
    assert_eq!(provisioned, ["c:8140 pool", "d:8140 pool"]);
    let several = "puppet_enterprise::a::replication_mode: source\n\
                   puppet_enterprise::b::replication_mode: replica";
    assert_eq!(of(several)[0], "m:8140 pool");
}

#[test]
fn a_compile_master_keeps_its_own_puppetdb_when_no_replica_is_enabled() {
    let puppetdb = "[main]\nserver_urls = https://c:8081,https://m:8081\n";
    let compile = with_parameters(
        settings("server_list = m", puppetdb, "", ""),
        "ha_enabled_replicas: []",
    );
    assert_eq!(
        servers(&compile, Service::PuppetDb),
        ["c:8081 pool", "m:8081 pool"]
    );
}

#[test]
fn a_list_of_nothing_but_a_replica_that_is_not_enabled_is_kept() {
    let pxp = r#"{"broker-ws-uri": "wss://r/pcp2/"}"#;
    let all = with_parameters(settings(PUPPET, "", "", pxp), "ha_enabled_replicas: []");
    assert_eq!(servers(&all, Service::PcpBroker), ["r:8142 pool"]);
}

#[test]
fn reports_leave_the_list_only_for_a_report_server_that_is_set() {
    let reports = |puppet: &str| match settings(puppet, "", "", "").reports() {
        Reports::WithTheRest => None,
        Reports::To(server) => Some(server.clone()),
    };
    let server = |text| Some(Server::parse(text, 8140).unwrap());
    assert_eq!(reports("server_list = m,r"), None);
    assert_eq!(
        reports("server_list = m,r\nserver = s\nreport_port = 9"),
        None
    );
    assert_eq!(reports("server_list = m,r\nreport_server = x"), server("x"));
    assert_eq!(reports("server_list = m,r\nreport_server = m"), server("m"));
    assert_eq!(reports("server = s"), None);
    assert_eq!(reports("server = s\nreport_port = 9"), server("s:9"));
    let told = with_parameters(settings("report_port = 9", "", "", ""), "server_list: [m]");
    assert_eq!(told.reports(), Reports::WithTheRest);
}

#[test]
fn servers_that_are_only_submitted_to_are_told_with_the_installation() {
    let conf = "[main]\nserver_urls = https://m:8081\nsubmit_only_server_urls = https://x:9091\n";
    let installation = settings(PUPPET, conf, "", "").installation().unwrap();
    let list = |class| installation.list_of(class).unwrap().to_string();
    assert_eq!(list(Class::Commands), "m:8081,x:9091");
    assert_eq!(list(Class::Service(Service::PuppetDb)), "m:8081");
}

#[test]
fn hosts_of_the_caller_stand_for_all_that_files_say_of_servers() {
    let puppet = "server_list = a,b\nca_server = c\nreport_server = d";
    let puppetdb = "[main]\nserver_urls = https://e:8081";
    let mut all = settings(
        puppet,
        puppetdb,
        "",
        r#"{"broker-ws-uri": "wss://f/pcp2/"}"#,
    );
    let host = |text| Server::parse(text, 8140).unwrap();
    all.hosts = Some(Hosts {
        master: host("m:18140"),
        replica: Some(host("r")),
    });
    let expected = |service: Service| match service.port() {
        8140 => ["m:18140 master".to_owned(), "r:8140 replica".to_owned()],
        port => [format!("m:{port} master"), format!("r:{port} replica")],
    };
    for service in Service::ALL {
        assert_eq!(servers(&all, service), expected(service), "{service}");
    }
    assert_eq!(all.reports(), Reports::WithTheRest);
    assert_eq!(all.notes(), []);
    all.hosts = Some(Hosts {
        master: host("m"),
        replica: None,
    });
    assert_eq!(
        servers(&all, Service::CertificateAuthority),
        ["m:8140 master"]
    );
}
