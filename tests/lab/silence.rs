//! Servers that fall silent with the request in their hands.

use std::time::Duration;

use futures_util::future::join_all;
use standin::policy::Patience;
use standin::{ErrorKind, Policy, Verdict};
use standin_core::verdict::Loss;
use standin_lab::{Fault, Purpose, Service};

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage, policy, tried, whole};

const SILENT: Verdict = Verdict::Lost(Loss::Silent);
const TIMED_OUT: Verdict = Verdict::Lost(Loss::TimedOut);

/// The master takes a request on a warm connection and falls silent.
async fn falls_silent(fault: Fault) {
    let stage = Stage::start().await;
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
    let _fault = stage.fault(Service::PuppetServer, fault).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(answer.failed(), [(MASTER, SILENT)]);
    assert!(answer.took < SOON, "{:?}", answer.took);
}

#[tokio::test]
async fn a_server_silent_after_tls_is_given_up_for_the_replica() {
    falls_silent(Fault::SilentAfterTls).await;
}

#[tokio::test]
async fn a_host_that_vanished_under_a_warm_connection_is_given_up_for_the_replica() {
    falls_silent(Fault::BlackHole).await;
}

#[tokio::test]
async fn a_frozen_host_is_given_up_for_the_replica() {
    falls_silent(Fault::Silent).await;
}

#[tokio::test]
async fn a_catalog_too() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::SilentAfterTls)
        .await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(answer.failed(), [(MASTER, SILENT)]);
    assert!(answer.took < SOON, "{:?}", answer.took);
}

#[tokio::test]
async fn an_edit_in_the_hands_of_a_silent_server_may_have_been_processed() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::NodeClassifier, Fault::SilentAfterTls)
        .await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(tried(&error), [(MASTER, SILENT)]);
    assert_eq!(whole(&stage.got(MASTER, Service::NodeClassifier)), 1);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn silent_work_is_not_cut_short_while_the_status_is_good() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    // Half of it is the reserve for the replica, and patience with a silent server would have
    // ended long before the other half.
    let deadline = Duration::from_millis(2400);
    let answer = stage.ask_within(deadline, Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(answer.failed(), [(MASTER, TIMED_OUT)]);
    let attempt = &answer.served.failed[0];
    assert!(attempt.took >= deadline * 2 / 5, "{:?}", attempt.took);
    assert!(stage.status_asked(MASTER) > 1);
}

#[tokio::test]
async fn an_edit_whose_work_is_silent_waits_for_its_deadline_and_may_have_been_processed() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::NodeClassifier, Fault::WorkSilent)
        .await;
    let deadline = Duration::from_millis(1200);
    let error = stage
        .ask_within(deadline, Errand::ClassifierEdit)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(tried(&error), [(MASTER, TIMED_OUT)]);
    assert!(error.attempts()[0].took >= deadline * 4 / 5);
}

#[tokio::test]
async fn a_lifted_silence_lets_the_first_server_answer() {
    let stage = Stage::start().await;
    let fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    let journal = stage.lab.journal();
    let lift = async {
        journal
            .wait_for(|receipt| receipt.purpose == Purpose::Status)
            .await;
        fault.lift().await;
    };
    let (answer, ()) = tokio::join!(stage.ask(Errand::Node), lift);
    assert!(answer.unwrap().is_untroubled());
}

#[tokio::test]
async fn many_requests_awaiting_one_server_ask_its_status_once() {
    let patient = Policy {
        patience: Patience {
            probe_limit: SOON,
            ..policy().patience
        },
        ..policy()
    };
    let stage = Stage::with(patient).await;
    // The status too, so that the first question lasts until the work is answered.
    let slow = Fault::Delay(Duration::from_secs(1));
    let _fault = stage.fault(Service::PuppetServer, slow).await;
    let requests = (0..20).map(|_| stage.ask(Errand::Node));
    for answer in join_all(requests).await {
        assert!(answer.unwrap().is_untroubled());
    }
    assert_eq!(stage.status_asked(MASTER), 1);
}
