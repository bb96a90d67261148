//! Certificates that are not accepted, theirs or ours.

use standin::{ErrorKind, Verdict};
use standin_lab::{Fault, Flaw};

use crate::harness::{Errand, MASTER, REPLICA, Stage, tried};

async fn is_left_for_the_replica(flaw: Flaw) {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Untrusted(flaw)).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
    assert_eq!(answer.failed(), [(MASTER, Verdict::Untrusted)]);
    assert!(stage.got_any(MASTER).is_empty());
}

#[tokio::test]
async fn a_master_with_an_expired_certificate_is_left_for_the_replica() {
    is_left_for_the_replica(Flaw::Expired).await;
}

#[tokio::test]
async fn a_master_with_anothers_name_is_left_for_the_replica() {
    is_left_for_the_replica(Flaw::WrongName).await;
}

#[tokio::test]
async fn a_master_of_an_unknown_authority_is_left_for_the_replica() {
    is_left_for_the_replica(Flaw::UnknownIssuer).await;
}

#[tokio::test]
async fn when_nobody_can_be_trusted_the_error_says_so_and_nothing_is_sent() {
    let stage = Stage::start().await;
    let _faults = stage
        .fault_both(Fault::Untrusted(Flaw::UnknownIssuer))
        .await;
    let error = stage.ask(Errand::Node).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    let both = [(MASTER, Verdict::Untrusted), (REPLICA, Verdict::Untrusted)];
    assert_eq!(tried(&error), both);
    assert!(stage.lab.journal().entries().is_empty());
}

#[tokio::test]
async fn a_write_for_an_untrusted_master_was_not_processed() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault_host(MASTER, Fault::Untrusted(Flaw::Expired))
        .await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert_eq!(tried(&error), [(MASTER, Verdict::Untrusted)]);
}

#[tokio::test]
async fn an_agent_that_no_server_trusts_is_told_so() {
    let stage = Stage::start().await;
    stage.lab.revoke(crate::harness::AGENT).unwrap();
    let error = stage.ask(Errand::Node).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{}", error.report());
}

#[tokio::test]
async fn a_write_that_was_refused_for_our_certificate_was_not_processed() {
    let stage = Stage::start().await;
    stage.lab.revoke(crate::harness::AGENT).unwrap();
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{}", error.report());
    assert!(stage.lab.journal().entries().is_empty());
}
