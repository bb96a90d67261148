//! Requests whose connection broke after they were received: who may get them once more.

use standin::policy::Repeats;
use standin::{ErrorKind, Policy, Verdict};
use standin_core::verdict::Loss;
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, Stage, policy, tried, whole};

const RESET: Verdict = Verdict::Lost(Loss::Reset);

#[tokio::test]
async fn a_catalog_is_asked_for_again_at_the_replica() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::ResetRequest)
        .await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
    assert_eq!(answer.failed(), [(MASTER, RESET)]);
    assert_eq!(whole(&stage.got(MASTER, Service::PuppetServer)), 1);
    assert_eq!(whole(&stage.got(REPLICA, Service::PuppetServer)), 1);
}

#[tokio::test]
async fn reports_and_commands_are_sent_again_to_the_replica() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::ResetRequest).await;
    for errand in [Errand::Report, Errand::Command] {
        let answer = stage.ask(errand).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
        assert_eq!(answer.failed(), [(MASTER, RESET)]);
    }
    assert_eq!(stage.lab.replica().store().reports().len(), 1);
    assert_eq!(stage.lab.replica().store().commands().len(), 1);
}

#[tokio::test]
async fn an_undated_command_is_dated_once_and_sent_again_with_that_date() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::ResetRequest).await;
    let undated =
        http::Request::post("/pdb/cmd/v1?command=deactivate_node&version=3&certname=a.test")
            .body(r#"{"certname":"a.test"}"#.into())
            .unwrap();
    let answer = stage.send(undated).await.unwrap();
    assert_eq!(
        (answer.by(), answer.failed()),
        (REPLICA, vec![(MASTER, RESET)])
    );
    let [first] = &stage.got(MASTER, Service::PuppetDb)[..] else {
        panic!("the master did not get it once");
    };
    let [second] = &stage.got(REPLICA, Service::PuppetDb)[..] else {
        panic!("the replica did not get it once");
    };
    assert_eq!(first.path_and_query, second.path_and_query);
    let [stored] = &stage.lab.replica().store().commands()[..] else {
        panic!("the replica has not one command");
    };
    let payload: serde_json::Value = serde_json::from_slice(&stored.body).unwrap();
    assert_eq!(payload["producer_timestamp"], *stored.producer_timestamp);
}

#[tokio::test]
async fn a_classifier_edit_is_never_sent_again() {
    let stage = Stage::start().await;
    let fault = stage
        .fault(Service::NodeClassifier, Fault::ResetRequest)
        .await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(tried(&error), [(MASTER, RESET)]);
    fault.lift().await;
    // Whatever the client might still do in the background comes before a read on the same port.
    stage.ask(Errand::Classification).await.unwrap();
    let edits = |host| {
        let mut got = stage.got(host, Service::NodeClassifier);
        got.retain(|receipt| receipt.path_and_query.ends_with("/groups"));
        got
    };
    assert_eq!(whole(&edits(MASTER)), 1);
    assert!(edits(REPLICA).is_empty());
}

#[tokio::test]
async fn the_error_of_a_lost_edit_says_to_look_first() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::NodeClassifier, Fault::ResetRequest)
        .await;
    let text = stage
        .ask(Errand::ClassifierEdit)
        .await
        .unwrap_err()
        .to_string();
    for part in [
        "classifier",
        "may have been processed",
        "look before you repeat it",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[tokio::test]
async fn a_lost_edit_was_sent_on_a_warm_connection_too_only_once() {
    let stage = Stage::start().await;
    stage.ask(Errand::Classification).await.unwrap();
    let _fault = stage
        .fault(Service::NodeClassifier, Fault::ResetRequest)
        .await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    // The read before it, and the edit.
    assert_eq!(stage.got(MASTER, Service::NodeClassifier).len(), 2);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_post_that_nobody_knows_moves_as_long_as_it_was_not_sent() {
    let stage = Stage::start().await;
    let unknown = || {
        http::Request::post("/puppet/v3/unknown")
            .body("once".into())
            .unwrap()
    };
    let refuse = stage.fault_host(MASTER, Fault::Refuse).await;
    assert_eq!(stage.send(unknown()).await.unwrap().by(), REPLICA);
    refuse.lift().await;
    let _fault = stage
        .fault_at(REPLICA, Service::PuppetServer, Fault::ResetRequest)
        .await;
    let error = stage.send(unknown()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert!(stage.got_any(MASTER).is_empty());
}

#[tokio::test]
async fn repeats_end_when_the_budget_is_spent() {
    let two_repeats = Policy {
        repeats: Repeats {
            percent: 0,
            reserve: 2,
            ..Repeats::default()
        },
        ..policy()
    };
    let stage = Stage::with(two_repeats).await;
    let _faults = stage.fault_both(Fault::ResetRequest).await;
    let kinds = [
        stage.ask(Errand::Node).await.unwrap_err().kind(),
        stage.ask(Errand::Node).await.unwrap_err().kind(),
    ];
    // The first pays for two repeats, the second finds nothing left.
    assert_eq!(kinds, [ErrorKind::Exhausted, ErrorKind::OverBudget]);
    let sent = stage.got_any(MASTER).len() + stage.got_any(REPLICA).len();
    assert_eq!(sent, 4);
}
