use super::*;

fn with_classifier(hosts: &[&str]) -> Setup {
    let mut setup = Setup::healthy();
    setup.classifier = classifier(hosts);
    setup
}

#[test]
fn a_server_alone_is_mentioned() {
    let (place, what) = found(Rule::SingleServer, Setup::agent("server = m.test"));
    assert_eq!(
        (place.as_str(), what.as_str()),
        ("/c/puppet.conf:1", "server names m.test alone.")
    );
    found(Rule::SingleServer, Setup::agent("server_list = m.test"));
}

#[test]
fn a_load_balancer_before_an_authority_of_its_own_is_not_alone() {
    silent(
        Rule::SingleServer,
        Setup::agent("server_list = lb.test\nca_server = m.test"),
    );
    silent(Rule::SingleServer, Setup::healthy());
}

#[test]
fn the_roles_of_a_pair_are_mentioned() {
    let (place, what) = found(Rule::RolesAssumed, Setup::healthy());
    assert_eq!(place, "/c/puppet.conf:2");
    assert!(
        what.starts_with("m.test was taken for the master and r.test for its replica"),
        "{what}"
    );
    silent(
        Rule::RolesAssumed,
        Setup::agent("server_list = a.test,b.test,c.test"),
    );
}

#[test]
fn three_hosts_of_which_nothing_is_known_are_doubtful() {
    let (_, what) = found(
        Rule::RolesDoubtful,
        Setup::agent("server_list = a.test,b.test,c.test"),
    );
    assert!(
        what.starts_with("a.test, b.test, c.test were all taken"),
        "{what}"
    );
    silent(
        Rule::RolesDoubtful,
        Setup::agent("server_list = a.test,b.test,c.test\nca_server = m.test"),
    );
}

#[test]
fn two_compile_masters_that_look_like_a_pair_are_doubtful() {
    let setup = |more: &str| {
        let mut setup = Setup::healthy();
        setup.puppet = format!("[agent]\nserver_list = c1.test,c2.test\n{more}\n");
        setup
    };
    let (_, what) = found(Rule::RolesDoubtful, setup(""));
    assert!(
        what.contains("classifier.yaml names m.test and r.test as such"),
        "{what}"
    );
    silent(Rule::RolesDoubtful, setup("ca_server = m.test"));
    silent(Rule::RolesDoubtful, Setup::healthy());
}

fn with_enabled(replicas: &str) -> Setup {
    let mut setup = Setup::healthy();
    setup.parameters = format!("puppet_enterprise::ha_enabled_replicas: {replicas}\n");
    setup
}

#[test]
fn another_replica_than_the_classifiers_is_doubtful() {
    let mut setup = Setup::healthy();
    setup.puppet = "server_list = m.test,x.test\n".to_owned();
    let (_, what) = found(Rule::RolesDoubtful, setup);
    assert!(what.contains("x.test for its replica, but"), "{what}");
}

#[test]
fn a_replica_that_is_not_enabled_is_told_where_it_is_named() {
    let (place, what) = found(Rule::ReplicaNotEnabled, with_enabled("[]"));
    assert_eq!(place, "/c/classifier.yaml:3");
    assert_eq!(
        what,
        "classifier.yaml names r.test as the replica, and ha_enabled_replicas at /c/hiera.yaml:1 \
         names none."
    );
    found(Rule::ReplicaNotEnabled, with_enabled("[s.test]"));
}

#[test]
fn an_enabled_replica_is_neither_told_nor_assumed() {
    let report = with_enabled("[r.test]").report();
    assert_eq!(report.findings(), []);
}

#[test]
fn two_enabled_replicas_are_told() {
    let (place, what) = found(Rule::SeveralReplicas, with_enabled("[r.test, s.test]"));
    assert_eq!(place, "/c/hiera.yaml:1");
    assert_eq!(what, "ha_enabled_replicas names r.test, s.test.");
    silent(Rule::SeveralReplicas, with_enabled("[r.test]"));
}

#[test]
fn an_enabled_replica_beside_compile_masters_is_told() {
    let setup = |list: &str| {
        let mut setup = Setup::agent(&format!("server_list = {list}\n"));
        setup.parameters = "ha_enabled_replicas: [r.test]\n".to_owned();
        setup
    };
    let (_, what) = found(
        Rule::ReplicaAmongCompileMasters,
        setup("c1.test,c2.test,r.test"),
    );
    assert_eq!(
        what,
        "server_list names r.test, the replica, beside c1.test, c2.test."
    );
    silent(Rule::ReplicaAmongCompileMasters, setup("m.test,r.test"));
}

#[test]
fn parameters_are_lists_like_others() {
    let mut setup = Setup::agent("");
    setup.parameters =
        "server_list: [m.test, r.test]\npcp_broker_list: [r.test:8142, m.test:8142]\n".to_owned();
    let (place, what) = found(Rule::OrderDiffers, setup);
    assert_eq!(place, "/c/hiera.yaml:2");
    assert_eq!(
        what,
        "pcp_broker_list names r.test before m.test, and server_list the other way round."
    );
}

#[test]
fn a_third_classifier_is_told() {
    let (place, what) = found(
        Rule::SeveralReplicas,
        with_classifier(&["m.test", "r.test", "s.test"]),
    );
    assert_eq!(place, "/c/classifier.yaml:5");
    assert!(what.contains("3 node classifiers"), "{what}");
    silent(Rule::SeveralReplicas, Setup::healthy());
}

#[test]
fn a_replica_beside_a_load_balancer_is_told() {
    let mut setup = Setup::healthy();
    setup.puppet = "[agent]\nserver_list = lb.test,r.test\n".to_owned();
    let (place, what) = found(Rule::ReplicaAmongCompileMasters, setup);
    assert_eq!(place, "/c/puppet.conf:2");
    assert_eq!(
        what,
        "server_list names r.test, the replica, beside lb.test."
    );
}

#[test]
fn a_replica_beside_its_master_is_where_it_belongs() {
    silent(Rule::ReplicaAmongCompileMasters, Setup::healthy());
    let mut setup = Setup::healthy();
    setup.puppet = "[agent]\nserver_list = lb1.test,lb2.test\n".to_owned();
    silent(Rule::ReplicaAmongCompileMasters, setup);
}

#[test]
fn a_list_without_the_replica_is_told() {
    let mut setup = Setup::healthy();
    setup.pxp = brokers(&["m.test:8142"]);
    let (place, what) = found(Rule::ReplicaMissing, setup);
    assert_eq!(place, "/c/pxp-agent.conf:2");
    assert!(
        what.starts_with("broker-ws-uris names m.test and not r.test"),
        "{what}"
    );
    silent(Rule::ReplicaMissing, Setup::healthy());
}

#[test]
fn an_agent_of_the_master_alone_is_told_of_the_list() {
    let mut setup = Setup::healthy();
    setup.puppet = "server = m.test\n".to_owned();
    let report = setup.report();
    let missing = report
        .findings()
        .iter()
        .find(|found| found.rule == Rule::ReplicaMissing);
    assert_eq!(
        missing.unwrap().fix,
        "Write server_list = m.test:8140,r.test:8140 instead."
    );
}

#[test]
fn brokers_in_another_order_are_told() {
    let mut setup = Setup::healthy();
    setup.pxp = brokers(&["r.test:8142", "m.test:8142"]);
    let (place, what) = found(Rule::OrderDiffers, setup);
    assert_eq!(place, "/c/pxp-agent.conf:2");
    assert_eq!(
        what,
        "broker-ws-uris names r.test before m.test, and server_list the other way round."
    );
}

#[test]
fn a_compile_master_may_name_its_own_puppetdb_first() {
    let mut setup = Setup::healthy();
    setup.puppetdb = setup
        .puppetdb
        .replace("= https://m", "= https://c.test:8081,https://m");
    silent(Rule::OrderDiffers, setup);
    silent(Rule::OrderDiffers, Setup::healthy());
}

#[test]
fn a_split_installation_is_told() {
    let setup = |puppetdb: &str| {
        let mut setup = Setup::agent("server = m.test\n");
        setup.classifier = classifier(&["console.test"]);
        setup.puppetdb = format!("[main]\nserver_urls = https://{puppetdb}:8081\n");
        setup
    };
    let (place, what) = found(Rule::SplitInstallation, setup("database.test"));
    assert_eq!(place, "/c/puppetdb.conf:2");
    assert!(what.contains("no host in common"), "{what}");
    silent(Rule::SplitInstallation, setup("console.test"));
}

#[test]
fn a_console_apart_from_the_authority_is_split_too() {
    let mut setup = Setup::agent("server = lb.test\nca_server = m.test\n");
    setup.classifier = classifier(&["console.test"]);
    assert_eq!(found(Rule::SplitInstallation, setup).0, "/c/puppet.conf:2");
}

#[test]
fn a_compile_master_with_a_puppetdb_of_its_own_is_not_split() {
    let mut setup = Setup::healthy();
    setup.puppet = format!("certname = c.test\n{}", setup.puppet);
    setup.puppetdb = "[main]\nserver_urls = https://c.test:8081\n".to_owned();
    silent(Rule::SplitInstallation, setup);
    silent(Rule::SplitInstallation, Setup::healthy());
}
