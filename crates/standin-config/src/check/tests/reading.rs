use super::*;
use crate::ClassifierYaml;
use std::path::Path;

#[test]
fn a_file_that_cannot_be_used_is_told_with_all_causes() {
    let mut setup = Setup::healthy();
    let fault = ClassifierYaml::parse("server: a b", Path::new("/c")).unwrap_err();
    setup.classifier = String::new();
    setup.faults = vec![fault];
    let (place, what) = found(Rule::UnusableSettings, setup);
    assert_eq!(place, "/c/classifier.yaml:1:9");
    assert!(
        what.starts_with("server: the value names no server: "),
        "{what}"
    );
    silent(Rule::UnusableSettings, Setup::healthy());
}

#[test]
fn a_missing_puppet_conf_is_told() {
    assert_eq!(
        found(Rule::NoPuppetConf, Setup::agent("")).0,
        "/c/puppet.conf"
    );
    silent(Rule::NoPuppetConf, Setup::healthy());
}

#[test]
fn a_server_beside_a_list_is_told() {
    let (place, what) = found(Rule::ServerNotUsed, Setup::with_line("server = m.test"));
    assert_eq!(place, "/c/puppet.conf:4");
    assert!(what.contains("/c/puppet.conf:2"), "{what}");
    silent(Rule::ServerNotUsed, Setup::agent("server = m.test"));
}

#[test]
fn a_retired_setting_is_told() {
    assert_eq!(
        found(
            Rule::RetiredSetting,
            Setup::with_puppetdb_line("server = m.test")
        )
        .0,
        "/c/puppetdb.conf:5"
    );
    silent(Rule::RetiredSetting, Setup::healthy());
}

#[test]
fn a_prefix_that_is_not_used_is_told() {
    let with_prefix = |prefix: &str| {
        let mut setup = Setup::healthy();
        setup.classifier = format!("{}  prefix: {prefix}\n", setup.classifier);
        setup
    };
    assert_eq!(
        found(Rule::PrefixNotUsed, with_prefix("/nc")).0,
        "/c/classifier.yaml:3"
    );
    silent(Rule::PrefixNotUsed, with_prefix("/classifier-api"));
}
