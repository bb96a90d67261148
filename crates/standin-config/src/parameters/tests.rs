use super::*;
use crate::SettingsFault;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Parameters, SettingsError> {
    Parameters::parse(text, Path::new("/p/common.yaml"))
}

fn read(text: &str) -> Parameters {
    parse(text).unwrap()
}

fn refused(text: &str) -> SettingsError {
    parse(text).unwrap_err()
}

fn said(list: Option<&ServerList>) -> String {
    list.map(ToString::to_string).unwrap_or_default()
}

/// Facts 5.5.
const HIERA: &str = r#"
puppet_enterprise::profile::agent::server_list:     ["primary.example.com:8140", "replica.example.com:8140"]
puppet_enterprise::profile::agent::pcp_broker_list: ["primary.example.com:8142", "replica.example.com:8142"]
"#;

#[test]
fn hieras_flat_names_are_read() {
    let found = read(HIERA);
    assert_eq!(
        said(found.server_list.as_ref()),
        "primary.example.com:8140,replica.example.com:8140"
    );
    assert_eq!(
        said(found.brokers.as_ref()),
        "primary.example.com:8142,replica.example.com:8142"
    );
    let origin = found.origin("pcp_broker_list").unwrap();
    assert_eq!(origin.to_string(), "/p/common.yaml:3");
}

/// Facts 5.5.
const CLASSES: &str = r#"{"classes": {"puppet_enterprise::profile::agent": {
   "manage_puppet_conf": true,
   "server_list":     ["primary.example.com:8140", "replica.example.com:8140"],
   "pcp_broker_list": ["primary.example.com:8142", "replica.example.com:8142"],
   "primary_uris":    ["primary.example.com:8140", "replica.example.com:8140"],
   "pcp_broker_ws_uris": []
}}}"#;

#[test]
fn classes_of_the_classifier_are_read_from_json_and_from_yaml() {
    for path in ["/p/node.json", "/p/node.yaml"] {
        let found = Parameters::parse(CLASSES, Path::new(path)).unwrap();
        assert_eq!(
            said(found.primaries.as_ref()),
            "primary.example.com:8140,replica.example.com:8140"
        );
        assert_eq!(
            said(found.brokers.as_ref()),
            "primary.example.com:8142,replica.example.com:8142",
            "an empty pcp_broker_ws_uris names none"
        );
        let origin = found.origin("server_list").unwrap();
        assert_eq!(origin.to_string(), format!("{path}:3"));
    }
}

#[test]
fn a_list_of_groups_is_read() {
    let found = read(
        "- name: PE Infrastructure\n  classes:\n    puppet_enterprise:\n      ha_enabled_replicas: [Replica.example.com.]\n      puppetdb_host: [m, r]\n      puppetdb_port: ['8081', 8082]\n- name: PE HA Master\n  classes:\n    puppet_enterprise::profile::master: {replication_mode: source}\n    puppet_enterprise::profile::console: {replication_mode: source}\n",
    );
    assert_eq!(
        found.enabled_replicas,
        Some(vec!["replica.example.com".to_owned()])
    );
    assert_eq!(said(found.puppetdbs.as_ref()), "m:8081,r:8082");
    let modes: Vec<ReplicationMode> = found.replication.iter().map(|one| one.mode).collect();
    assert_eq!(modes, [ReplicationMode::Source; 2]);
}

#[test]
fn names_may_be_bare_and_ports_strings_or_integers() {
    for port in ["4433", "'4433'", "[4433]", "['4433', 4433]"] {
        let found = read(&format!(
            "classifier_host: [m, r]\nclassifier_port: {port}\n"
        ));
        assert_eq!(said(found.classifiers.as_ref()), "m:4433,r:4433", "{port}");
    }
    let found = read("puppetdb_host: m\nclassifier_host: m");
    assert_eq!(said(found.puppetdbs.as_ref()), "m:8081");
    assert_eq!(said(found.classifiers.as_ref()), "m:4433");
}

#[test]
fn entries_may_be_urls_of_the_scheme_of_their_list() {
    let found = read("server_list: [https://m:8140, r]\npcp_broker_ws_uris: [wss://m:8142/pcp2/]");
    assert_eq!(said(found.server_list.as_ref()), "m:8140,r:8140");
    assert_eq!(said(found.brokers.as_ref()), "m:8142");
    for text in ["server_list: [http://m]", "pcp_broker_list: [https://m]"] {
        assert!(
            matches!(refused(text).fault(), SettingsFault::Scheme { .. }),
            "{text}"
        );
    }
}

#[test]
fn older_names_count_where_the_newer_say_nothing() {
    let found = read("agent-server-urls: [a]\nmaster_uris: [https://b]\npcp_broker_list: [c]");
    assert_eq!(said(found.server_list.as_ref()), "a:8140");
    assert_eq!(said(found.primaries.as_ref()), "b:8140");
    let found =
        read("server_list: [d]\nagent-server-urls: [a]\nprimary_uris: [e]\nmaster_uris: [b]");
    assert_eq!(said(found.server_list.as_ref()), "d:8140");
    assert_eq!(said(found.primaries.as_ref()), "e:8140");
}

#[test]
fn a_port_left_out_is_told() {
    let found = read("pcp_broker_list: [m, 'r:8142', '[::1]']");
    let ports: Vec<WrittenPort> = found.written.iter().map(|one| one.port).collect();
    assert_eq!(
        ports,
        [
            WrittenPort::Assumed,
            WrittenPort::Written,
            WrittenPort::Assumed
        ]
    );
    assert_eq!(found.written[1].text, "r:8142");
    assert_eq!(found.written[1].parameter, "pcp_broker_list");
}

#[test]
fn parameters_of_other_modules_do_not_count() {
    let found = read("mine::server_list: [a]\nmine: {server_list: [b]}\nother: {server_list: [c]}");
    assert_eq!(found.server_list, None);
    assert_eq!(found.origin("server_list"), None);
}

#[test]
fn what_is_said_twice_has_to_be_said_alike() {
    let twice = |one: &str, other: &str| {
        format!(
            "puppet_enterprise::a::puppetdb_port: {one}\npuppet_enterprise::puppetdb_port: {other}"
        )
    };
    assert!(parse(&twice("8081", "'8081'")).is_ok());
    let error = refused(&twice("8081", "8082"));
    assert_eq!(
        error.to_string(),
        "/p/common.yaml:2: puppetdb_port: /p/common.yaml:1 says something else; \
         leave in what is meant for this host"
    );
}

#[test]
fn values_that_cannot_be_used_are_refused_where_they_stand() {
    for (text, line) in [
        ("server_list:\n- a\n- 2001:db8::1", 3),
        ("server_list:\n- {a: b}", 2),
        ("puppetdb_port: x", 1),
        ("puppetdb_port: [1, 65536]", 1),
        ("\nreplication_mode: both", 2),
        ("server_list:\n- a\n- b\n- A.", 4),
        ("ha_enabled_replicas: ['a b']", 1),
        ("pcp_broker_list: ['user:secret@a']", 1),
    ] {
        let error = refused(text);
        assert_eq!(error.line(), Some(line), "{text}: {error}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[test]
fn what_is_no_mapping_is_refused() {
    for text in ["server_list", "1"] {
        assert!(
            matches!(refused(text).fault(), SettingsFault::Parameters),
            "{text}"
        );
    }
    for text in ["a: b: c", "[", "{"] {
        assert!(
            matches!(refused(text).fault(), SettingsFault::Yaml(_)),
            "{text}"
        );
    }
    assert!(read("").server_list.is_none());
}

#[test]
fn json_that_names_a_key_twice_is_refused_with_its_line() {
    let text = "{\"classes\": {\n\"server_list\": [],\n\"server_list\": []}}";
    let error = Parameters::parse(text, Path::new("/p/a.json")).unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::Twice { .. }));
    assert_eq!(error.line(), Some(3));
}

#[test]
fn values_nested_without_end_are_refused() {
    let text = "[".repeat(100_000) + &"]".repeat(100_000);
    let error = Parameters::parse(&text, Path::new("/p/a.json")).unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::Depth));
    assert!(parse(&text).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "(server_list: |puppetdb_port: |puppet_enterprise::a::|classes: |- |[\\[\\]{}&*!|>'\"%@,:#a-z0-9\n ]|\\PC){0,30}"
    ) {
        let _ = parse(&text);
        let _ = Parameters::parse(&text, Path::new("/p/a.json"));
    }
}
