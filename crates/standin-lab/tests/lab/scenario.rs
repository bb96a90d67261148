//! Scenarios, with clients that do not do what they should.

use std::path::PathBuf;

use standin_lab::scenario::{ClientCommand, Outcome, PlayError, Scenario};
use tempfile::TempDir;

/// A client in shell: what it does with each line that it reads, whose id is in `$id`.
fn client(answer: &str) -> ClientCommand {
    let script = format!(
        r#"read -r lab; echo '{{"ready":{{"client":"sh"}}}}'
           while read -r line; do
               id=$(echo "$line" | sed -E 's/.*"id":([0-9]+).*/\1/')
               {answer}
           done"#
    );
    ClientCommand {
        name: "sh".to_owned(),
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

fn scenario(steps: &str) -> Scenario {
    let dir = TempDir::new().expect("a directory");
    let file: PathBuf = dir.path().join("it.toml");
    let text = format!("title = \"t\"\nsource = \"s\"\n{steps}");
    std::fs::write(&file, text).expect("a file");
    Scenario::read(&file).expect("a scenario")
}

const ASK: &str =
    "[[step]]\nrequest = { send = \"node\", by = \"master.test\", within = \"100ms\" }";

async fn missed(client: &ClientCommand, steps: &str) -> Vec<String> {
    let report = scenario(steps).play(client).await.expect("a report");
    match report.outcome {
        Outcome::Failed(missed) => missed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_no_server_gave_is_not_believed() {
    let liar = client(r#"echo "{\"answered\":{\"id\":$id,\"status\":200}}""#);
    let steps = "[[step]]\nrequest = { send = \"node\", by = \"master.test\" }";
    assert_eq!(
        missed(&liar, steps).await,
        ["[1] node: answered by nobody of the lab instead of master.test"]
    );
}

#[tokio::test]
async fn a_failure_of_another_kind_is_not_the_one_that_is_wanted() {
    let client =
        client(r#"echo "{\"failed\":{\"id\":$id,\"kind\":\"exhausted\",\"error\":\"no\"}}""#);
    let steps = "[[step]]\nrequest = { send = \"node\", failed = \"untrusted\" }";
    assert_eq!(
        missed(&client, steps).await,
        ["[1] node: it failed as exhausted instead of untrusted"]
    );
    let steps = "[[step]]\nrequest = { send = \"node\" }";
    assert_eq!(missed(&client, steps).await, ["[1] node: it failed"]);
}

#[tokio::test]
async fn an_answer_is_no_failure() {
    let client = client(r#"echo "{\"answered\":{\"id\":$id,\"status\":200}}""#);
    let steps = "[[step]]\nrequest = { send = \"node\", failed = true }";
    let missed = missed(&client, steps).await;
    assert_eq!(
        missed,
        ["[1] node: answered 200 by somebody, and had to fail"]
    );
}

#[tokio::test]
async fn nobody_waits_for_a_client_that_says_nothing() {
    let silent = client("true");
    let missed = missed(&silent, ASK).await;
    assert!(
        missed[0].starts_with("[1] node: nothing came of it in 5."),
        "{missed:?}"
    );
}

#[tokio::test]
async fn a_client_that_ends_has_failed() {
    assert_eq!(
        missed(&client("exit 0"), ASK).await,
        ["[1] node: the client ended"]
    );
}

#[tokio::test]
async fn a_request_that_a_client_does_not_know_is_no_failure() {
    let client = client(r#"echo "{\"unable\":{\"id\":$id,\"why\":\"no such thing\"}}""#);
    let report = scenario(ASK).play(&client).await.expect("a report");
    assert_eq!(report.outcome, Outcome::Unfit("no such thing".to_owned()));
}

#[tokio::test]
async fn what_a_host_got_is_counted() {
    let client = client(r#"echo "{\"answered\":{\"id\":$id,\"status\":200}}""#);
    let steps = "[[step]]\nrequest = { send = \"report\" }\n\
                 [[step]]\nreceived = { host = \"master.test\", send = \"report\", exactly = 1 }\n\
                 [[step]]\nreceived = { host = \"master.test\", send = \"report\", least = 2 }";
    assert_eq!(
        missed(&client, steps).await,
        [
            "master.test got report 0 times whole, and not exactly 1",
            "master.test got report 0 times whole, and not at least 2",
        ]
    );
}

#[tokio::test]
async fn a_client_that_cannot_be_started_is_an_error_and_no_failure() {
    let nobody = ClientCommand::new("nobody", "/nonexistent/client").expect("a command");
    let error = scenario(ASK)
        .play(&nobody)
        .await
        .expect_err("there is none");
    assert!(matches!(error, PlayError::Client(_)), "{error:?}");
}
