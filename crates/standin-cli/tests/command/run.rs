//! One agent's whole run.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;
use standin_lab::{Fault, Service, Target};

use crate::bench::{Bench, Said, said};
use crate::installation::assert_golden;
use crate::steady::steady;

async fn run(bench: &Bench, more: &[&str]) -> Said {
    let facts = bench.lab.conf_dir().join("facts.json");
    fs::write(
        &facts,
        r#"{"kernel":"Linux","os":{"name":"a blank & more"}}"#,
    )
    .unwrap();
    let args = ["run", "--facts", facts.to_str().unwrap()];
    bench.run(&[&args, more].concat()).await
}

/// What is the same in every run.
fn told(said: &Said) -> String {
    let version = |word: &str| match word.parse::<u64>() {
        Ok(_) if word.len() == 10 => "VERSION".to_owned(),
        _ => word.to_owned(),
    };
    let lines = said.out.lines();
    let lines = lines.map(|line| line.split(' ').map(version).collect::<Vec<_>>().join(" "));
    steady(&(lines.collect::<Vec<_>>().join("\n") + "\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_served_by_the_master_and_changes_nothing() {
    let bench = Bench::new().await;
    let said = run(&bench, &[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_golden("run-healthy.txt", &told(&said));
    assert!(bench.lab.master().store().reports().is_empty());
    let work = bench
        .lab
        .journal()
        .work("master.test", Service::PuppetServer);
    let paths: Vec<&str> = work
        .iter()
        .map(|receipt| receipt.path_and_query.split('?').next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "/puppet/v3/node/agent.test",
            "/puppet/v3/file_metadatas/pluginfacts",
            "/puppet/v3/file_metadatas/plugins",
            "/puppet/v3/catalog/agent.test",
            "/puppet/v3/file_metadata/modules/demo/a.txt",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_master_is_gone_is_served_by_the_replica() {
    let bench = Bench::new().await;
    let master = Target::Host("master.test");
    let _fault = bench.lab.fault(master, Fault::Refuse).await.unwrap();
    let said = run(&bench, &["--report"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_golden("run-broken.txt", &told(&said));
    assert_eq!(bench.lab.replica().store().reports().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_told_with_its_cause_and_sets_the_code() {
    let bench = Bench::new().await;
    let said = run(&bench, &["--environment", "nowhere"]).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.out.contains("Could not find environment 'nowhere'"),
        "{said:?}"
    );
    let _faults = bench.fail_everywhere(Fault::Refuse).await;
    let said = run(&bench, &["--deadline", "5"]).await;
    assert_eq!(said.code, Some(14), "{said:?}");
    assert!(
        said.out
            .contains("tried replica.test:8140 (replica): refused"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_the_same() {
    let bench = Bench::new().await;
    let said = run(&bench, &["--json"]).await;
    let story: Value = serde_json::from_str(&said.out).expect(&said.err);
    let steps = story["steps"].as_array().unwrap();
    let names: Vec<&str> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["node", "pluginfacts", "plugins", "catalog", "files"]
    );
    assert_eq!(steps[4]["what"], "puppet:///modules/demo/a.txt");
    assert!(
        steps
            .iter()
            .all(|step| step["served"]["server"] == "master.test:8140")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_come_from_facter_if_no_file_is_named() {
    let bench = Bench::new().await;
    let bin = tempfile::tempdir().unwrap();
    let facter = bin.path().join("facter");
    let script = "#!/bin/sh\n: > \"${0%/*}/asked\"\nprintf '{\"kernel\":\"Linux\"}'\n";
    fs::write(&facter, script).unwrap();
    fs::set_permissions(&facter, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = bench.command(&["run"]);
    command.env("PATH", bin.path());
    let told = said(command).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(bin.path().join("asked").exists());

    fs::write(&facter, "#!/bin/sh\necho no memory >&2\nexit 3\n").unwrap();
    let mut command = bench.command(&["run"]);
    command.env("PATH", bin.path());
    let told = said(command).await;
    assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{told:?}");
    for word in ["no memory", "--facts"] {
        assert!(told.err.contains(word), "{word}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_are_not_there_are_said_before_anything_is_sent() {
    let bench = Bench::new().await;
    let said = bench.run(&["run", "--facts", "/nonexistent.json"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("--facts /nonexistent.json"), "{said:?}");
    assert!(bench.lab.journal().entries().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_lost_in_mid_run_is_part_of_the_story() {
    let bench = Bench::new().await;
    let slow = Fault::WorkDelay(Duration::from_secs(1));
    let _slow = bench.fail(Service::PuppetServer, slow).await;
    let facts = bench.lab.conf_dir().join("facts.json");
    fs::write(&facts, "{}").unwrap();
    let mut command = bench.command(&["run", "--facts", facts.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut lines, mut story) = tokio::task::spawn_blocking(move || until_plugins(lines))
        .await
        .unwrap();
    // The catalog is being compiled now.
    let _gone = bench.fail(Service::PuppetServer, Fault::Refuse).await;
    let ended = tokio::task::spawn_blocking(move || {
        story.extend(lines.by_ref().map(Result::unwrap));
        (child.wait().unwrap(), story)
    });
    let (status, story) = ended.await.unwrap();
    let story = story.join("\n");
    assert!(status.success(), "{story}");
    assert!(
        story.contains("tried master.test:8140 (master): "),
        "{story}"
    );
    let catalog = story
        .lines()
        .find(|line| line.starts_with("catalog"))
        .unwrap();
    assert!(catalog.contains("replica.test:8140"), "{story}");
    assert!(
        catalog.ends_with(", moved from the server before"),
        "{story}"
    );
    let moral =
        "The whole run was served by master.test:8140 (master), then replica.test:8140 (replica).";
    assert!(story.ends_with(moral), "{story}");
}

type Story = Lines<BufReader<ChildStdout>>;

fn until_plugins(mut lines: Story) -> (Story, Vec<String>) {
    let mut story = Vec::new();
    for line in lines.by_ref().map(Result::unwrap) {
        let is_last = line.starts_with("plugins");
        story.push(line);
        if is_last {
            break;
        }
    }
    (lines, story)
}
