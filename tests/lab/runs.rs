//! Runs keep to one server, and say when they could not.

use std::time::Duration;

use standin::policy::Connect;
use standin::{ErrorKind, OnLoss, Policy, Switched};
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, Stage, policy, returning};

#[tokio::test]
async fn after_a_loss_every_later_answer_says_that_the_run_switched() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    let first = stage.ask_in(&run, Errand::Node).await.unwrap();
    assert_eq!((first.by(), first.served.switched), (MASTER, Switched::No));
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    for errand in [Errand::Metadata, Errand::Catalog] {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!(
            (answer.by(), answer.served.switched),
            (REPLICA, Switched::Yes)
        );
    }
    fault.lift().await;
    let last = stage.ask_in(&run, Errand::Report).await.unwrap();
    assert_eq!((last.by(), last.served.switched), (REPLICA, Switched::Yes));
}

#[tokio::test]
async fn a_run_that_begins_at_the_replica_did_not_switch() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    for errand in [Errand::Node, Errand::Catalog, Errand::Report] {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!(
            (answer.by(), answer.served.switched),
            (REPLICA, Switched::No)
        );
    }
}

#[tokio::test]
async fn a_run_whose_server_others_have_found_dead_says_that_it_switched() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    let first = stage.ask_in(&run, Errand::Node).await.unwrap();
    assert_eq!(first.by(), MASTER);
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let other = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(other.by(), REPLICA);
    let moved = stage.ask_in(&run, Errand::Node).await.unwrap();
    assert_eq!(
        (moved.by(), moved.served.switched),
        (REPLICA, Switched::Yes)
    );
}

#[tokio::test]
async fn a_run_that_must_not_cross_does_not_when_its_server_is_busy_for_too_long() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Restart);
    stage.ask_in(&run, Errand::Node).await.unwrap();
    let busy = Fault::Unavailable {
        retry_after: Some(3600),
    };
    let _fault = stage.fault(Service::PuppetServer, busy).await;
    let error = stage.ask_in(&run, Errand::Node).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupBroken);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_switch_of_one_service_is_none_of_another() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    stage.ask_in(&run, Errand::Classification).await.unwrap();
    let _fault = stage.fault(Service::NodeClassifier, Fault::Refuse).await;
    let moved = stage.ask_in(&run, Errand::Classification).await.unwrap();
    assert_eq!(moved.served.switched, Switched::Yes);
    let other = stage.ask_in(&run, Errand::Node).await.unwrap();
    assert_eq!((other.by(), other.served.switched), (MASTER, Switched::No));
}

/// The run pins the master, which is then struck; the next request must not cross.
async fn breaks_when_the_master(fault: Fault) {
    breaks_on(Stage::start().await, fault).await;
}

/// The same where each request needs a connection of its own, for which both hosts race.
async fn breaks_without_a_connection_when_the_master(fault: Fault) {
    let keeps_nothing = Policy {
        connect: Connect {
            keep_alive: Duration::ZERO,
            ..policy().connect
        },
        ..policy()
    };
    breaks_on(Stage::with(keeps_nothing).await, fault).await;
}

async fn breaks_on(stage: Stage, fault: Fault) {
    let run = stage.client.begin_run(OnLoss::Restart);
    assert!(
        stage
            .ask_in(&run, Errand::Node)
            .await
            .unwrap()
            .is_untroubled()
    );
    let _fault = stage.fault(Service::PuppetServer, fault).await;
    for errand in [Errand::Metadata, Errand::Catalog] {
        let error = stage.ask_in(&run, errand).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::GroupBroken);
        assert!(error.to_string().contains("begin the run again"), "{error}");
    }
    assert!(stage.got(REPLICA, Service::PuppetServer).is_empty());
    let again = stage.client.begin_run(OnLoss::Restart);
    let answer = stage.ask_in(&again, Errand::Node).await.unwrap();
    assert_eq!(
        (answer.by(), answer.served.switched),
        (REPLICA, Switched::No)
    );
}

#[tokio::test]
async fn a_run_that_must_not_cross_breaks_when_its_server_refuses() {
    breaks_when_the_master(Fault::Refuse).await;
}

#[tokio::test]
async fn a_run_that_must_not_cross_breaks_when_its_server_falls_silent() {
    breaks_when_the_master(Fault::SilentAfterTls).await;
}

#[tokio::test]
async fn a_run_that_must_not_cross_breaks_when_its_server_is_not_ready() {
    breaks_when_the_master(Fault::Unavailable { retry_after: None }).await;
}

#[tokio::test]
async fn a_run_that_must_not_cross_does_not_when_a_new_connection_is_refused() {
    breaks_without_a_connection_when_the_master(Fault::Refuse).await;
}

#[tokio::test]
async fn a_run_that_must_not_cross_does_not_when_its_server_is_black_holed() {
    breaks_without_a_connection_when_the_master(Fault::BlackHole).await;
}

#[tokio::test]
async fn a_run_keeps_to_the_replica_while_new_runs_return_to_the_master() {
    let stage = Stage::with(returning(Duration::ZERO)).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    assert_eq!(
        stage.ask_in(&run, Errand::Node).await.unwrap().by(),
        REPLICA
    );
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
    let old = stage.ask_in(&run, Errand::Catalog).await.unwrap();
    assert_eq!((old.by(), old.served.switched), (REPLICA, Switched::No));
    let new = stage.client.begin_run(OnLoss::Cross);
    assert!(
        stage
            .ask_in(&new, Errand::Catalog)
            .await
            .unwrap()
            .is_untroubled()
    );
}
