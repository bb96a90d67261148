//! The exit codes of requests, and what is said with them.

use std::fs;

use standin_lab::{Fault, Flaw, Service};

use crate::bench::{Bench, Said};

const NODE: &str = "/puppet/v3/node/agent.test?environment=production";
const EDIT: [&str; 6] = [
    "request",
    "classifier",
    "POST",
    "/classifier-api/v1/groups",
    "-d",
    r#"{"name":"a","parent":"00000000-0000-4000-8000-000000000000","classes":{}}"#,
];

async fn get(bench: &Bench, path: &str, more: &[&str]) -> Said {
    let args = ["request", "puppet-server", "GET", path];
    bench.run(&[&args, more].concat()).await
}

/// How many edits arrived at any host.
fn edits(bench: &Bench) -> usize {
    let journal = bench.lab.journal();
    journal
        .matching(|receipt| receipt.path_and_query == EDIT[3])
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_answer() {
    let bench = Bench::new().await;
    let said = get(&bench, "/puppet/v3/node/other.test", &[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(4), ""));
    assert!(said.out.contains("Forbidden"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_application_is_an_answer() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::InternalError).await;
    let said = get(&bench, NODE, &[]).await;
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(!said.out.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_waits_for_the_master() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    let said = bench.run(&EDIT).await;
    assert_eq!((said.code, said.out.as_str()), (Some(10), ""), "{said:?}");
    let story = "standin: write of classifier: a replica serves only reads of classifier";
    assert!(said.err.starts_with(story), "{said:?}");
    assert!(
        said.err.contains("master.test:4433 (master): refused"),
        "{said:?}"
    );
    assert_eq!(edits(&bench), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_was_lost_is_not_repeated() {
    let bench = Bench::new().await;
    let _fault = bench
        .fail(Service::NodeClassifier, Fault::ResetRequest)
        .await;
    let said = bench.run(&EDIT).await;
    assert_eq!(said.code, Some(11), "{said:?}");
    assert!(said.err.contains("look before you repeat it"), "{said:?}");
    assert_eq!(edits(&bench), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_not_accepted_are_said() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::Untrusted(Flaw::Expired)).await;
    let said = get(&bench, NODE, &[]).await;
    assert_eq!(said.code, Some(12), "{said:?}");
    assert!(said.err.contains("tried master.test:8140"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_holds() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::SilentAfterTls).await;
    let said = get(&bench, NODE, &["--deadline", "0.5"]).await;
    assert_eq!(said.code, Some(13), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_whose_time_ran_out_may_have_been_processed() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::WorkSilent).await;
    let said = bench
        .run(&[&EDIT[..], &["--deadline", "0.5"]].concat())
        .await;
    assert_eq!(said.code, Some(11), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_file_stays_as_it_was() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::Refuse).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.json");
    fs::write(&file, "before").unwrap();
    let output = ["-o", file.to_str().unwrap(), "--deadline", "5"];
    let said = get(&bench, NODE, &output).await;
    assert_eq!(said.code, Some(14), "{said:?}");
    assert!(
        said.err
            .contains("tried replica.test:8140 (replica): refused"),
        "{said:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let bench = Bench::new().await;
    let fault = Fault::ResetBody { after: 5 };
    let _fault = bench.fail(Service::PuppetServer, fault).await;
    let said = get(&bench, NODE, &[]).await;
    assert_eq!((said.code, said.out.len()), (Some(14), 5), "{said:?}");
    assert!(said.err.contains("broke off"), "{said:?}");
    assert!(
        said.err.contains("master.test:8140 (master), 200 OK"),
        "{said:?}"
    );
}
