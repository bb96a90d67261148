//! What is remembered from one command to the next.

use standin_lab::{Fault, Service};

use crate::bench::Bench;
use crate::installation::assert_golden;
use crate::steady::steady;

const CLASSES: [&str; 6] = [
    "request",
    "classifier",
    "POST",
    "/classifier-api/v1/classified/nodes/agent.test",
    "-d",
    "{}",
];

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_what_is_shown_and_can_be_forgotten() {
    let bench = Bench::new().await;
    let fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    assert_eq!(bench.run(&CLASSES).await.code, Some(0));
    let shown = bench.run(&["memory", "show"]).await;
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""), "{shown:?}");
    let confdir = bench.lab.conf_dir().display().to_string();
    let text = shown.out.replace(&confdir, "CONFDIR");
    assert_golden("memory.txt", &steady(&text));

    fault.lift().await;
    let with_steps = [&CLASSES[..], &["-v"]].concat();
    let held = bench.run(&with_steps).await;
    assert!(held.err.contains("served by replica.test"), "{held:?}");
    let cleared = bench.run(&["memory", "clear"]).await;
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    assert!(cleared.out.contains("nothing is remembered"), "{cleared:?}");
    let held = bench.run(&with_steps).await;
    assert!(held.err.contains("served by master.test"), "{held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_what_is_remembered() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    assert_eq!(bench.run(&CLASSES).await.code, Some(0));
    let shown = bench.run(&["memory", "show", "--json"]).await;
    let memory: serde_json::Value = serde_json::from_str(&shown.out).expect(&shown.err);
    let agent = &memory["agents"]["agent.test"];
    assert_eq!(
        agent["classes"]["classifier"]["holder"],
        "replica.test:4433"
    );
    assert_eq!(agent["servers"]["master.test:4433"]["doubted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_memory_that_is_said() {
    let bench = Bench::new().await;
    let shown = bench.run(&["memory", "show"]).await;
    assert_eq!(shown.code, Some(0));
    assert!(
        shown.out.ends_with("standin.json: nothing is remembered\n"),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_cannot_be_used_is_a_failure_that_says_what_to_do() {
    let bench = Bench::new().await;
    assert_eq!(bench.run(&CLASSES).await.code, Some(0));
    let shown = bench.run(&["memory", "show"]).await;
    let file = shown.out.lines().next().unwrap();
    std::fs::write(file, "{").unwrap();
    let shown = bench.run(&["memory", "show"]).await;
    assert_eq!((shown.code, shown.out.as_str()), (Some(2), ""), "{shown:?}");
    assert!(shown.err.contains("remove it"), "{shown:?}");
    assert_eq!(bench.run(&["memory", "clear"]).await.code, Some(0));
}
