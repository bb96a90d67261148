//! One deadline a request, whatever happens.

use std::time::Duration;

use standin::policy::{Connect, Deadline as Deadlines, Patience};
use standin::{Error, ErrorKind, Policy};
use standin_lab::{Fault, FaultGuard};
use tokio::time::Instant;

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage, policy, tried};

const DEADLINE: Duration = Duration::from_millis(600);

/// Nothing but the deadline ends a request here.
fn endless() -> Policy {
    let long = Duration::from_secs(60);
    Policy {
        connect: Connect {
            limit: long,
            limit_benched: long,
            ..policy().connect
        },
        patience: Patience {
            after: long,
            ..policy().patience
        },
        ..policy()
    }
}

async fn runs_out_of_time(fault: Fault, errand: Errand) -> (Error, Stage, [FaultGuard; 2]) {
    let stage = Stage::with(endless()).await;
    let faults = stage.fault_both(fault).await;
    let begun = Instant::now();
    let error = stage.ask_within(DEADLINE, errand).await.unwrap_err();
    assert!(begun.elapsed() >= DEADLINE);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    (error, stage, faults)
}

#[tokio::test]
async fn a_request_ends_with_its_deadline_when_both_hosts_are_silent_after_tls() {
    let (error, ..) = runs_out_of_time(Fault::SilentAfterTls, Errand::Node).await;
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    let hosts: Vec<&str> = tried(&error).into_iter().map(|(host, _)| host).collect();
    assert_eq!(hosts, [MASTER, REPLICA], "each had its share of the time");
}

#[tokio::test]
async fn a_request_ends_with_its_deadline_when_both_hosts_are_silent_before_tls() {
    let (error, ..) = runs_out_of_time(Fault::Silent, Errand::Catalog).await;
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert!(!error.attempts().is_empty());
}

#[tokio::test]
async fn a_request_ends_with_its_deadline_when_both_hosts_are_black_holed() {
    let (error, ..) = runs_out_of_time(Fault::BlackHole, Errand::Query).await;
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert!(
        error.to_string().contains("the time for it ran out"),
        "{error}"
    );
}

#[tokio::test]
async fn a_write_that_was_not_sent_in_time_was_not_processed() {
    let (error, stage, _faults) = runs_out_of_time(Fault::BlackHole, Errand::ClassifierEdit).await;
    assert_eq!(error.kind(), ErrorKind::NotDuringFailover);
    assert!(stage.lab.journal().entries().is_empty());
}

#[tokio::test]
async fn a_deadline_that_has_passed_lets_nothing_be_sent() {
    let stage = Stage::start().await;
    let error = stage
        .ask_within(Duration::ZERO, Errand::Node)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert!(error.attempts().is_empty());
    assert!(stage.lab.journal().entries().is_empty());
}

#[tokio::test]
async fn a_requests_deadline_does_not_lengthen_the_policys() {
    let short = Policy {
        deadline: Deadlines {
            cheap: DEADLINE,
            ..policy().deadline
        },
        ..endless()
    };
    let stage = Stage::with(short).await;
    let _faults = stage.fault_both(Fault::SilentAfterTls).await;
    let begun = Instant::now();
    let error = stage
        .ask_within(Duration::from_secs(3600), Errand::Node)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_busy_master_that_alone_may_do_it_is_not_waited_for_past_the_deadline() {
    let stage = Stage::start().await;
    let busy = Fault::Unavailable {
        retry_after: Some(60),
    };
    let _fault = stage.fault_host(MASTER, busy).await;
    let begun = Instant::now();
    let error = stage
        .ask_within(SOON, Errand::CodeDeploy)
        .await
        .unwrap_err();
    assert!(begun.elapsed() < SOON);
    // It answers, so this is no failover.
    assert_eq!(error.kind(), ErrorKind::Exhausted);
}

#[tokio::test]
async fn a_deadline_shorter_than_a_connect_is_no_evidence() {
    let stage = Stage::start().await;
    let faults = stage.fault_both(Fault::Silent).await;
    for _ in 0..3 {
        let hasty = stage.ask_within(Duration::from_millis(10), Errand::Node);
        let error = hasty.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
    }
    for fault in faults {
        fault.lift().await;
    }
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert!(answer.by() == MASTER && answer.is_untroubled());
}

#[tokio::test]
async fn a_request_that_is_dropped_is_no_evidence() {
    let stage = Stage::start().await;
    let fault = stage.fault_both(Fault::SilentAfterTls).await;
    let waiting = stage.ask(Errand::Node);
    let journal = stage.lab.journal();
    tokio::select! {
        answer = waiting => panic!("{answer:?}"),
        _ = journal.wait_for(|receipt| receipt.answered.is_none()) => {}
    }
    for fault in fault {
        fault.lift().await;
    }
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
}
