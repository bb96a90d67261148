use super::*;
use crate::{Account, SettingsFault};
use proptest::prelude::*;
use standin_core::{InvalidServerList, Role};

fn parse(text: &str) -> Result<PxpAgentConf, SettingsError> {
    let defaults = Defaults {
        account: Account::Root,
        home: "/home/agent".into(),
        hostname: "agent".into(),
    };
    PxpAgentConf::parse(text, Path::new("/p/pxp-agent.conf"), &defaults)
}

fn read(keys: &str) -> PxpAgentConf {
    parse(&format!("{{{keys}}}")).unwrap()
}

fn refused(keys: &str) -> SettingsError {
    parse(&format!("{{{keys}}}")).unwrap_err()
}

fn brokers(conf: &PxpAgentConf) -> String {
    conf.brokers.as_ref().unwrap().to_string()
}

/// Facts 5.4.
const IN_THE_WILD: &str = r#"{
  "broker-ws-uris": ["wss://primary.example.com:8142/pcp2/", "wss://replica.example.com:8142/pcp2/"],
  "master-uris": ["https://primary.example.com:8140", "https://replica.example.com:8140"],
  "pcp-version": "2",
  "ping-interval": 120,
  "ssl-ca-cert": "/etc/puppetlabs/puppet/ssl/certs/ca.pem",
  "ssl-cert": "/etc/puppetlabs/puppet/ssl/certs/agent1.pem",
  "ssl-key": "/etc/puppetlabs/puppet/ssl/private_keys/agent1.pem",
  "loglevel": "info"
}
"#;

#[test]
fn a_file_in_the_wild_is_read() {
    let conf = parse(IN_THE_WILD).unwrap();
    assert_eq!(
        brokers(&conf),
        "primary.example.com:8142,replica.example.com:8142"
    );
    assert_eq!(
        conf.brokers.as_ref().unwrap().entries()[1].role,
        Role::Replica
    );
    assert_eq!(conf.broker_uris[0].path, "/pcp2/");
    assert_eq!(
        conf.primaries.as_ref().unwrap().to_string(),
        "primary.example.com:8140,replica.example.com:8140"
    );
    assert_eq!(conf.pcp_version, PcpVersion::V2);
    assert_eq!(
        conf.key.as_deref().unwrap(),
        Path::new("/etc/puppetlabs/puppet/ssl/private_keys/agent1.pem")
    );
    assert_eq!(conf.crl, None);
    assert_eq!(
        conf.origin("pcp-version").unwrap().to_string(),
        "/p/pxp-agent.conf:4"
    );
}

#[test]
fn without_keys_everything_is_pxp_agents_default() {
    let conf = read("");
    assert_eq!((conf.brokers, conf.primaries, conf.ca), (None, None, None));
    assert_eq!(conf.pcp_version, PcpVersion::V1);
    assert_eq!(conf.ping_interval, Duration::from_secs(120));
    assert_eq!(conf.connection_timeout, Duration::from_secs(5));
}

#[test]
fn one_broker_may_stand_alone() {
    let conf = read(r#""broker-ws-uri": "wss://a/pcp""#);
    assert_eq!(brokers(&conf), "a:8142");
    assert_eq!(conf.broker_uris[0].path, "/pcp");
    assert!(conf.origin("broker-ws-uri").is_some());
}

#[test]
fn one_broker_and_a_list_are_refused() {
    let error = refused("\"broker-ws-uris\": [\"wss://a\"],\n\"broker-ws-uri\": \"wss://a\"");
    assert!(matches!(error.fault(), SettingsFault::TwoBrokerSettings));
    assert_eq!(
        (error.line(), error.setting()),
        (Some(2), Some("broker-ws-uri"))
    );
}

#[test]
fn an_empty_list_of_brokers_is_refused_unless_there_is_one_broker() {
    let error = refused(r#""broker-ws-uris": []"#);
    assert!(matches!(
        error.fault(),
        SettingsFault::Servers(InvalidServerList::Empty)
    ));
    let conf = read(r#""broker-ws-uris": [], "broker-ws-uri": "wss://a""#);
    assert_eq!(brokers(&conf), "a:8142");
}

#[test]
fn brokers_speak_wss_only() {
    for uri in ["ws://a:8142", "https://a:8142", "a:8142", "WSS://a", ""] {
        let error = refused(&format!("\"broker-ws-uris\": [\"wss://b\",\n\"{uri}\"]"));
        assert!(
            matches!(error.fault(), SettingsFault::Scheme { .. }),
            "{uri}"
        );
        assert_eq!(error.line(), Some(2), "{uri}");
    }
}

#[test]
fn a_broker_that_is_no_server_is_refused_where_it_stands() {
    for uri in ["wss://", "wss://a:0/pcp", "wss://::1/pcp", "wss:///pcp2/"] {
        let error = refused(&format!("\n\"broker-ws-uri\": \"{uri}\""));
        assert!(matches!(error.fault(), SettingsFault::Server(_)), "{uri}");
        assert_eq!(error.line(), Some(2), "{uri}");
    }
}

#[test]
fn a_broker_named_again_is_refused_where_it_stands() {
    let error = refused("\"broker-ws-uris\": [\n\"wss://a/pcp2/\",\n\"wss://A:8142/pcp/\"]");
    assert_eq!(error.line(), Some(3));
    assert_eq!(error.setting(), Some("broker-ws-uris"));
}

#[test]
fn primaries_are_https_and_may_leave_scheme_and_port_out() {
    let conf = read(r#""primary-uris": ["a", "b:1", "https://c:2"]"#);
    assert_eq!(
        conf.primaries.as_ref().unwrap().to_string(),
        "a:8140,b:1,c:2"
    );
    let error = refused(r#""primary-uris": ["http://a"]"#);
    assert!(matches!(error.fault(), SettingsFault::Scheme { .. }));
}

#[test]
fn primary_uris_beat_master_uris_unless_they_name_none() {
    let conf = read(r#""master-uris": ["a"], "primary-uris": ["b"]"#);
    assert_eq!(conf.primaries.as_ref().unwrap().to_string(), "b:8140");
    let conf = read(r#""master-uris": ["a"], "primary-uris": []"#);
    assert_eq!(conf.primaries.as_ref().unwrap().to_string(), "a:8140");
}

#[test]
fn numbers_may_be_quoted_and_the_version_need_not_be() {
    let conf = read(r#""ping-interval": "30", "connection-timeout": 7, "pcp-version": 2"#);
    assert_eq!(conf.ping_interval, Duration::from_secs(30));
    assert_eq!(conf.connection_timeout, Duration::from_secs(7));
    assert_eq!(conf.pcp_version, PcpVersion::V2);
}

#[test]
fn a_time_is_whole_seconds_above_0() {
    for value in ["0", "-1", "1.5", "\"2m\"", "true"] {
        let error = refused(&format!("\"ping-interval\": {value}"));
        assert!(
            matches!(error.fault(), SettingsFault::Number { .. }),
            "{value}"
        );
    }
}

#[test]
fn another_version_is_refused() {
    assert!(matches!(
        refused(r#""pcp-version": "3""#).fault(),
        SettingsFault::Word { .. }
    ));
}

#[test]
fn an_empty_path_and_a_null_are_none() {
    let conf = read(r#""ssl-crl": "", "ssl-ca-cert": null, "ssl-key": "~/k.pem""#);
    assert_eq!((conf.crl, conf.ca), (None, None));
    assert_eq!(conf.key.as_deref().unwrap(), Path::new("/home/agent/k.pem"));
}

#[test]
fn a_value_of_another_type_is_refused_where_it_stands() {
    for keys in [
        "\"broker-ws-uris\": \"wss://a\"",
        "\"broker-ws-uris\": [1]",
        "\"broker-ws-uri\": [\"wss://a\"]",
        "\"ssl-cert\": 1",
    ] {
        let error = refused(&format!("\n\n{keys}"));
        assert!(
            matches!(error.fault(), SettingsFault::Type { .. }),
            "{keys}"
        );
        assert_eq!(error.line(), Some(3), "{keys}");
    }
}

#[test]
fn another_value_than_an_object_is_refused() {
    for text in ["[]", "1", "null"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "(\"broker-ws-uris\": |\"wss://|\"ping-interval\": |[\\[\\]{}\",:/a0\n]|\\PC){0,20}"
    ) {
        let _ = parse(&text);
        let _ = parse(&format!("{{{text}}}"));
        let _ = parse(&format!("{{\"broker-ws-uri\": \"wss://{text}\"}}"));
    }
}
