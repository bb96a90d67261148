//! Requests that are answered.

use std::fs;
use std::process::Stdio;

use standin_lab::{Fault, Service};

use crate::bench::Bench;
use crate::installation::assert_golden;
use crate::steady::steady;

const NODE: [&str; 4] = [
    "request",
    "puppet-server",
    "GET",
    "/puppet/v3/node/agent.test?environment=production",
];
const CLASSES: [&str; 6] = [
    "request",
    "classifier",
    "POST",
    "/classifier-api/v1/classified/nodes/agent.test",
    "-d",
    "{}",
];
const COMMAND: &str = "/pdb/cmd/v1?command=replace_facts&version=5&certname=agent.test\
                       &producer-timestamp=2026-11-23T00:00:00.000Z";

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_on_standard_output_and_nothing_else_is() {
    let bench = Bench::new().await;
    let said = bench.run(&NODE).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let node: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(node["name"], "agent.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_master_cannot_serve_the_replica_does() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    let said = bench.run(&[&["-v"], &CLASSES[..]].concat()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let tried = said.err.find("tried master.test:4433 (master): refused");
    let served = said
        .err
        .find("served by replica.test:4433 (replica): 200 OK after 0.");
    assert!(tried.is_some() && tried < served, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_assumed_of_settings_is_said_if_asked_for() {
    let bench = Bench::new().await;
    let said = bench.run(&[&NODE[..], &["-v"]].concat()).await;
    let note = "puppet.conf:11: taken to be master.test:8140 master, replica.test:8140 replica\n";
    assert!(said.err.contains(note), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_beat_settings_as_they_do_with_puppet() {
    let bench = Bench::new().await;
    let list = ["-v", "--server_list", "replica.test,master.test:8140"];
    let said = bench.run(&[&NODE[..], &list].concat()).await;
    assert!(said.err.contains("served by replica.test:8140"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_goes_to_a_file_if_told() {
    let bench = Bench::new().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.json");
    fs::write(&file, "longer than the answer ".repeat(1000)).unwrap();
    let said = bench
        .run(&[&NODE[..], &["-o", file.to_str().unwrap()]].concat())
        .await;
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    let node: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(node["name"], "agent.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_come_from_a_file_or_from_standard_input() {
    let bench = Bench::new().await;
    let file = bench.lab.conf_dir().join("facts.json");
    let facts = r#"{"certname":"agent.test","environment":"production","values":{"a":"ü"},
        "producer_timestamp":"2026-11-23T00:00:00.000Z","producer":"agent.test"}"#;
    fs::write(&file, facts).unwrap();
    let from_file = format!("@{}", file.display());
    let args = |data| ["request", "puppetdb", "POST", COMMAND, "-d", data];
    let said = bench.run(&args(&from_file)).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = bench.run_with_input(&args("@-"), &file).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let taken = bench.lab.master().store().commands();
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|command| command.body == facts.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_no_service_goes_where_the_service_is() {
    let bench = Bench::new().await;
    let path = "/status/v1/simple/puppetdb-status";
    let said = bench.run(&["request", "puppetdb", "get", path]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "running"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_is_no_failure() {
    let bench = Bench::new().await;
    let mut child = bench
        .command(&NODE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let left = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let left = left.await.unwrap();
    assert_eq!(left.status.code(), Some(0));
    assert!(left.stderr.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_is_shown_as_curl_shows_its_own() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    let secret = ["-v", "-H", "X-Authentication: secret"];
    let said = bench.run(&[&CLASSES[..], &secret].concat()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let confdir = bench.lab.conf_dir().display().to_string();
    let steps: Vec<&str> = said.err.lines().collect();
    let (dates, steps): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .partition(|line| line.starts_with("< date: "));
    assert_eq!(dates.len(), 1, "{said:?}");
    let steps = steps.join("\n").replace(&confdir, "CONFDIR") + "\n";
    assert_golden("request-steps.txt", &steady(&steps));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_preferred_is_asked_first_and_that_is_not_remembered() {
    let bench = Bench::new().await;
    for preferred in ["replica", "REPLICA.test"] {
        let prefer = ["-v", "--prefer", preferred];
        let said = bench.run(&[&NODE[..], &prefer].concat()).await;
        assert!(said.err.contains("served by replica.test:8140"), "{said:?}");
    }
    let said = bench.run(&[&NODE[..], &["-v"]].concat()).await;
    assert!(said.err.contains("served by master.test:8140"), "{said:?}");
    let said = bench
        .run(&[&NODE[..], &["--prefer", "other.test"]].concat())
        .await;
    assert_eq!(said.code, Some(2), "{said:?}");
    let known = "master.test:8140 (master), replica.test:8140 (replica)";
    assert!(said.err.contains(known), "{said:?}");
}
