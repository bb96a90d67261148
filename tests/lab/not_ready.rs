//! Servers that answer, but do not work: when to wait, when to move on, when it is an answer.

use std::time::Duration;

use standin::{Mood, Verdict};
use standin_core::verdict::Processed;
use standin_lab::{Fault, Service, State};

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage, tried};

const NOT_READY: Verdict = Verdict::NotReady(Processed::No);
const BROKEN: Verdict = Verdict::NotReady(Processed::Maybe);

#[tokio::test]
async fn unavailable_without_a_time_moves_to_the_replica_at_once() {
    let stage = Stage::start().await;
    let unavailable = Fault::Unavailable { retry_after: None };
    let _fault = stage.fault(Service::PuppetServer, unavailable).await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
    assert_eq!(answer.failed(), [(MASTER, NOT_READY)]);
    assert_eq!(answer.served.failed[0].status.unwrap(), 503);
    assert!(answer.took < SOON, "{:?}", answer.took);
}

#[tokio::test]
async fn a_puppetdb_that_is_starting_is_passed_over() {
    let stage = Stage::start().await;
    let starting = Fault::NotReady(State::Starting);
    let _fault = stage.fault(Service::PuppetDb, starting).await;
    for errand in [Errand::Query, Errand::Command] {
        let answer = stage.ask(errand).await.unwrap();
        assert_eq!(answer.by(), REPLICA);
        assert_eq!(answer.failed(), [(MASTER, NOT_READY)]);
    }
}

/// The master says that it is busy, and is not any more when it is asked again.
async fn waits_for_the_busy(retry_after: u32) {
    let stage = Stage::start().await;
    let busy = Fault::Unavailable {
        retry_after: Some(retry_after),
    };
    let fault = stage.fault(Service::PuppetServer, busy).await;
    let journal = stage.lab.journal();
    let lift = async {
        journal.wait_for(|receipt| receipt.answered.is_some()).await;
        fault.lift().await;
    };
    let (answer, ()) = tokio::join!(stage.ask(Errand::Catalog), lift);
    let answer = answer.unwrap();
    assert_eq!((answer.status.as_u16(), answer.by()), (200, MASTER));
    let asked_to_wait = Duration::from_secs(retry_after.into());
    assert_eq!(answer.failed(), [(MASTER, Verdict::Busy(asked_to_wait))]);
    assert!(answer.took >= asked_to_wait);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_busy_server_that_names_no_time_is_waited_for() {
    waits_for_the_busy(0).await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_said() {
    waits_for_the_busy(1).await;
}

#[tokio::test]
async fn a_busy_server_is_left_when_the_wait_would_pass_the_deadline() {
    let stage = Stage::start().await;
    let busy = Fault::Unavailable {
        retry_after: Some(60),
    };
    let _fault = stage.fault(Service::PuppetServer, busy).await;
    let answer = stage.ask_within(SOON, Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(
        answer.failed(),
        [(MASTER, Verdict::Busy(Duration::from_secs(60)))]
    );
}

#[tokio::test]
async fn without_its_database_puppetdb_still_gets_commands_and_no_queries() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetDb, Fault::DatabaseDown).await;
    for _ in 0..2 {
        assert!(stage.ask(Errand::Command).await.unwrap().is_untroubled());
        assert_eq!(stage.ask(Errand::Query).await.unwrap().by(), REPLICA);
    }
    let first_query = &stage.got(MASTER, Service::PuppetDb)[1];
    assert_eq!(first_query.answered.unwrap(), 500);
}

#[tokio::test]
async fn a_query_that_a_broken_database_cannot_answer_tells_so() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetDb, Fault::DatabaseDown).await;
    let answer = stage.ask(Errand::Query).await.unwrap();
    assert_eq!(answer.failed(), [(MASTER, BROKEN)]);
    assert_eq!(answer.served.failed[0].status.unwrap(), 500);
}

#[tokio::test]
async fn an_error_of_puppet_server_is_an_answer() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::InternalError)
        .await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(answer.is_untroubled(), "{:?}", answer.served);
    assert!(String::from_utf8_lossy(&answer.body).contains("PuppetServer failed"));
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn an_error_of_the_classifier_moves_reads_and_is_handed_back_for_edits() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::NodeClassifier, Fault::InternalError)
        .await;
    let read = stage.ask(Errand::Classification).await.unwrap();
    assert_eq!(
        (read.by(), read.failed()),
        (REPLICA, vec![(MASTER, BROKEN)])
    );
    let edit = stage.ask(Errand::ClassifierEdit).await.unwrap();
    assert_eq!((edit.status.as_u16(), edit.by()), (500, MASTER));
}

#[tokio::test]
async fn when_all_are_benched_all_are_tried_and_the_error_says_so() {
    let stage = Stage::start().await;
    let _faults = stage.fault_both(Fault::Refuse).await;
    let first = stage.ask(Errand::Node).await.unwrap_err();
    assert_eq!(first.mood(), Mood::Calm);
    let second = stage.ask(Errand::Node).await.unwrap_err();
    assert_eq!(second.mood(), Mood::Panic);
    let asked: Vec<&str> = tried(&second).iter().map(|(host, _)| *host).collect();
    assert_eq!(asked, [MASTER, REPLICA, MASTER, REPLICA]);
    assert!(
        second.to_string().contains("all were tried all the same"),
        "{second}"
    );
}

/// It was not processed, so it may go on though it may not be repeated.
#[tokio::test]
async fn a_harmful_write_that_was_declined_moves_on() {
    let stage = Stage::start().await;
    let unavailable = Fault::Unavailable { retry_after: None };
    let _fault = stage.fault(Service::PuppetServer, unavailable).await;
    let unknown = http::Request::post("/puppet/v3/unknown").body("once".into());
    let answer = stage.send(unknown.unwrap()).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(answer.failed(), [(MASTER, NOT_READY)]);
}

#[tokio::test]
async fn a_harmful_write_to_a_busy_master_is_sent_again_when_it_said() {
    let stage = Stage::start().await;
    let busy = Fault::Unavailable {
        retry_after: Some(1),
    };
    let fault = stage.fault(Service::CodeManager, busy).await;
    let journal = stage.lab.journal();
    let lift = async {
        journal.wait_for(|receipt| receipt.answered.is_some()).await;
        fault.lift().await;
    };
    let (answer, ()) = tokio::join!(stage.ask(Errand::CodeDeploy), lift);
    let answer = answer.unwrap();
    assert_eq!((answer.status.as_u16(), answer.by()), (200, MASTER));
    assert_eq!(answer.failed().len(), 1);
    assert_eq!(stage.lab.master().store().deploys().len(), 1);
}
