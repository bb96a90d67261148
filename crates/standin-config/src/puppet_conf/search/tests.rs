use super::*;
use crate::Account;
use proptest::prelude::*;

fn found(text: &str, overrides: &Overrides, name: &str) -> Result<Found, SettingsError> {
    let document = Document::parse(text, &Path::new("/c/puppet.conf").into())?;
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: "Agent1.example.com".into(),
    };
    Search::new(&document, overrides, &defaults, Path::new("/c"))?.value(name)
}

fn value(text: &str, name: &str) -> String {
    found(text, &Overrides::new(), name).unwrap().text
}

fn refused(text: &str, name: &str) -> SettingsError {
    found(text, &Overrides::new(), name).unwrap_err()
}

#[test]
fn agent_beats_main_wherever_it_stands() {
    let text = "[agent]\nserver = a\n[main]\nserver = b\n";
    assert_eq!(value(text, "server"), "a");
}

#[test]
fn an_override_beats_both() {
    let overrides = Overrides::new().with("server", "c");
    let found = found("[agent]\nserver = a\n", &overrides, "server").unwrap();
    assert_eq!((found.text.as_str(), found.origin), ("c", Origin::Override));
}

#[test]
fn sections_of_other_commands_do_not_count() {
    let text = "[server]\nserver = a\n[master]\nserver = b\n[user]\nserver = c\n";
    assert_eq!(value(text, "server"), "puppet");
}

#[test]
fn a_value_knows_its_line() {
    let found = found("\n[agent]\nserver = a\n", &Overrides::new(), "server").unwrap();
    assert_eq!(found.origin.to_string(), "/c/puppet.conf:3");
}

#[test]
fn a_default_knows_how_puppet_writes_it() {
    let found = found("", &Overrides::new(), "hostcert").unwrap();
    assert_eq!(found.text, "/c/ssl/certs/agent1.example.com.pem");
    assert_eq!(found.origin, Origin::Default("$certdir/$certname.pem"));
}

#[test]
fn both_forms_of_a_variable_are_replaced() {
    let text = "vardir = /v\nssldir = $vardir/ssl\ncertdir = ${ssldir}s/$certname/x\n";
    assert_eq!(value(text, "certdir"), "/v/ssls/agent1.example.com/x");
}

#[test]
fn a_variable_has_the_value_that_the_agent_sees() {
    let text = "[main]\nvardir = /m\nssldir = $vardir/ssl\n[agent]\nvardir = /a\n";
    assert_eq!(value(text, "ssldir"), "/a/ssl");
}

#[test]
fn a_variable_may_be_a_setting_that_is_not_read_here() {
    assert_eq!(
        value("libdir = /l\nssldir = $libdir/ssl", "ssldir"),
        "/l/ssl"
    );
    assert_eq!(
        value("ssldir = $logdir/ssl", "ssldir"),
        "/var/log/puppetlabs/puppet/ssl"
    );
}

#[test]
fn the_run_mode_is_agent() {
    assert_eq!(value("ssldir = /$run_mode/ssl", "ssldir"), "/agent/ssl");
}

#[test]
fn the_environment_is_left_as_it_stands() {
    let text = "environment = x\nssldir = /$environment/${environment}";
    assert_eq!(value(text, "ssldir"), "/$environment/${environment}");
}

#[test]
fn a_dollar_without_a_name_is_itself() {
    assert_eq!(value("ssldir = /a$/$-b/${/${c", "ssldir"), "/a$/$-b/${/${c");
}

#[test]
fn a_variable_without_a_value_is_refused_where_it_stands() {
    let error = refused("\nssldir = $nothing/ssl\n", "certdir");
    assert_eq!(
        error.to_string(),
        "/c/puppet.conf:2: ssldir: $nothing has no value; set nothing or write the value itself"
    );
}

#[test]
fn a_variable_that_needs_itself_is_refused() {
    for text in [
        "ssldir = $ssldir/a",
        "ssldir = $certdir",
        "confdir = $hostcrl",
    ] {
        let error = refused(text, "ssldir");
        assert!(
            matches!(error.fault(), SettingsFault::EndlessVariable { .. }),
            "{text}"
        );
    }
}

#[test]
fn a_value_that_grows_without_end_is_refused() {
    let mut text = String::from("s0 = x\n");
    for i in 1..40 {
        let one_less = i - 1;
        text.push_str(&format!("s{i} = $s{one_less}$s{one_less}\n"));
    }
    text.push_str("ssldir = $s39\n");
    let error = refused(&text, "ssldir");
    assert!(matches!(
        error.fault(),
        SettingsFault::EndlessVariable { .. }
    ));
}

#[test]
fn serverport_is_masterport_unless_it_is_set() {
    assert_eq!(value("", "serverport"), "8140");
    assert_eq!(value("masterport = 1", "serverport"), "1");
    assert_eq!(
        value(
            "[main]\nserverport = 2\n[agent]\nmasterport = 1\n",
            "serverport"
        ),
        "2"
    );
    assert_eq!(value("serverport = 2", "ca_port"), "2");
}

#[test]
fn an_override_of_a_setting_that_is_not_read_is_refused() {
    let error = found("", &Overrides::new().with("--sever", "a"), "server").unwrap_err();
    assert_eq!(
        error.to_string(),
        "override: sever: no such setting is read here; leave the override out"
    );
}

#[test]
fn every_default_has_a_value() {
    for (name, _) in DEFAULTS {
        value("", name);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "((ssldir|vardir|a|b) = ([$/{}ab]|\\$ssldir|\\$vardir|\\PC){0,12}\n){0,6}") {
        let _ = found(&text, &Overrides::new(), "ssldir");
        let _ = found(&text, &Overrides::new(), "hostcert");
    }
}
