//! `standin lab`: what it prints, draws and refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::bench::{Said, said, standin};

async fn lab(args: &[&str]) -> Said {
    said(standin(&[&["lab"], args].concat())).await
}

fn scenario(dir: &Path, steps: &str) -> PathBuf {
    let file = dir.join("it.toml");
    let text = format!("title = \"It works\"\nsource = \"a test\"\n{steps}");
    fs::write(&file, text).unwrap();
    file
}

const PASSES: &str = "[[step]]\n\
    fault = { host = \"master.test\", what = \"refuse\" }\n\
    [[step]]\n\
    request = { send = \"node\", by = \"replica.test\" }\n";

const FAILS: &str = "[[step]]\nrequest = { send = \"node\", by = \"replica.test\" }\n";

#[tokio::test]
async fn one_scenario_is_told_as_a_timeline() {
    let dir = tempfile::tempdir().unwrap();
    let file = scenario(dir.path(), PASSES);
    let said = lab(&["run", file.to_str().unwrap()]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for words in [
        "It works\n(a test)\n",
        "fault 1: refuse at master.test\n",
        "[1] node\n",
        "[1] 200 by replica.test after ",
        "\n1 scenarios: standin 1 passed, 0 failed\n",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[tokio::test]
async fn what_was_missed_is_told_and_ends_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = scenario(dir.path(), FAILS);
    let said = lab(&["run", file.to_str().unwrap()]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let missed = "MISSED: [1] node: answered by master.test instead of replica.test";
    assert!(said.out.contains(missed), "{}", said.out);
    assert!(
        said.out
            .ends_with("1 scenarios: standin 0 passed, 1 failed\n")
    );
}

#[tokio::test]
async fn json_has_the_outcome_and_the_timeline() {
    let dir = tempfile::tempdir().unwrap();
    let file = scenario(dir.path(), FAILS);
    let said = lab(&["run", "--json", file.to_str().unwrap()]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["title"], "It works");
    assert_eq!(report["outcome"]["failed"].as_array().unwrap().len(), 1);
    let timeline = report["timeline"].as_array().unwrap();
    let events: Vec<&str> = timeline
        .iter()
        .map(|entry| entry["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["asked", "answered", "missed"]);
}

#[tokio::test]
async fn a_report_is_drawn_with_a_lane_for_each_server_of_a_service() {
    let dir = tempfile::tempdir().unwrap();
    let (file, picture) = (scenario(dir.path(), PASSES), dir.path().join("it.svg"));
    let svg = picture.to_str().unwrap();
    let said = lab(&["run", file.to_str().unwrap(), "--report", svg]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let svg = fs::read_to_string(&picture).unwrap();
    for words in [
        "<svg ",
        "It works",
        "master.test puppet-server",
        "replica.test puppet-server",
        ">refuse<",
        "[1] node: 200",
    ] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
}

#[tokio::test]
async fn a_comparison_is_a_table_whose_last_line_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = scenario(dir.path(), PASSES);
    let deaf = "nobody=/bin/false";
    let said = lab(&["compare", file.to_str().unwrap(), "--client", deaf]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("nobody"), "{said:?}");

    let said = lab(&["compare", file.to_str().unwrap()]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with(
        "| scenario | source | standin |\n|---|---|---|\n| It works | a test | passed, "
    ));
    assert!(
        said.out
            .ends_with("\n1 scenarios: standin 1 passed, 0 failed\n")
    );
}

#[tokio::test]
async fn a_file_that_is_no_scenario_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = scenario(dir.path(), "[[step]]\npromote = \"nobody.test\"\n");
    let said = lab(&["run", file.to_str().unwrap()]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.err
            .contains("it.toml is no scenario: line 3: no host is called nobody.test"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_directory_without_scenarios_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let said = lab(&["run", dir.path().to_str().unwrap()]).await;
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("no .toml file"), "{said:?}");
}

#[tokio::test]
async fn a_served_lab_says_where_it_is_and_ends_with_its_input() {
    let mut serving = Command::from(standin(&["lab", "serve"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let place: Value = serde_json::from_str(&first).unwrap();
    let control = place["control"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    tokio::net::TcpStream::connect(control).await.unwrap();
    let settings = Path::new(place["confdir"].as_str().unwrap()).join("puppet.conf");
    assert!(settings.exists());
    drop(serving.stdin.take());
    let status = serving.wait().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!settings.exists(), "the lab has left its files");
}
