//! Debian's PuppetDB terminus on the lab's PuppetDB.

use serde_json::{Value, json};
use standin_lab::{Fault, FaultGuard, Host, Lab, Service, State, Target};

use crate::ruby;

async fn lab() -> Lab {
    Lab::builder().start().await.unwrap()
}

async fn fault(lab: &Lab, fault: Fault) -> FaultGuard {
    let target = Target::Service("master.test", Service::PuppetDb);
    lab.fault(target, fault).await.unwrap()
}

/// What the script said, and what each of its steps brought.
async fn steps(lab: &Lab) -> (String, Value) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real_agent/terminus.rb");
    let output = ruby::run(lab, "ruby", &[script]).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let line = said
        .lines()
        .find(|line| line.starts_with('{'))
        .expect(&said);
    let brought = serde_json::from_str(line).expect(line);
    (said, brought)
}

/// Facts and a report are stored, and what was stored is found.
async fn session(lab: &Lab) -> String {
    let (said, brought) = steps(lab).await;
    assert_eq!(brought["found"]["role"], "web", "{said}");
    assert_eq!(brought["found"]["os"]["name"], "Debian", "{said}");
    assert_eq!(
        brought["facts"],
        json!([{"certname": "web.test", "environment": "production", "name": "role", "value": "web"}])
    );
    assert_eq!(
        brought["nodes"],
        json!([{"certname": "web.test"}]),
        "{said}"
    );
    let nobody = brought["nobody"].as_str().expect(&said);
    assert!(
        nobody.starts_with("Puppet::Util::Puppetdb::NotFoundError: "),
        "{said}"
    );
    assert_eq!(brought["nonsense"], 400, "{said}");
    said
}

fn commands(host: &Host) -> Vec<String> {
    let commands = host.store().commands();
    let name = |command: &standin_lab::Command| format!("{} {}", command.command, command.version);
    commands.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminus_stores_at_the_master_and_finds_it_there() {
    let lab = lab().await;
    let said = session(&lab).await;
    assert!(!said.contains("Warning"), "{said}");
    assert_eq!(
        commands(lab.master()),
        ["replace_facts 5", "store_report 8"]
    );
    assert_eq!(commands(lab.replica()), [""; 0]);
    let facts = lab.master().store().facts("web.test").unwrap();
    assert_eq!(facts["role"], "web");
    // Only that nobody.test is unknown is asked of both.
    let asked = lab.journal().work("replica.test", Service::PuppetDb);
    let paths: Vec<_> = asked
        .iter()
        .map(|receipt| receipt.path_and_query.as_str())
        .collect();
    assert_eq!(paths, ["/pdb/query/v4/nodes/nobody.test"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminus_moves_on_from_a_refused_puppetdb_and_from_one_in_maintenance() {
    for broken in [Fault::Refuse, Fault::NotReady(State::Unknown)] {
        let lab = lab().await;
        let _broken = fault(&lab, broken).await;
        let said = session(&lab).await;
        assert!(
            said.contains("Failing over to the next PuppetDB server_url in the 'server_urls' list"),
            "{said}"
        );
        assert_eq!(commands(lab.master()), [""; 0]);
        assert_eq!(
            commands(lab.replica()),
            ["replace_facts 5", "store_report 8"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminus_leaves_commands_with_a_puppetdb_that_lost_its_database() {
    let lab = lab().await;
    let _broken = fault(&lab, Fault::DatabaseDown).await;
    let (said, brought) = steps(&lab).await;
    // What the master queued nobody can read yet: the replica, which is asked next, knows nothing of it.
    assert_eq!(brought["found"], json!({}), "{said}");
    assert_eq!(
        commands(lab.master()),
        ["replace_facts 5", "store_report 8"]
    );
    assert_eq!(commands(lab.replica()), [""; 0]);
}
