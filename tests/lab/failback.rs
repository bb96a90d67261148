//! The master is back: when work returns to it.

use std::time::Duration;

use standin::policy::{Failback, Hysteresis};
use standin::{OnLoss, Policy};
use standin_lab::{Fault, Service};
use tokio::time::Instant;

use crate::harness::{Errand, MASTER, REPLICA, Stage, eventually, policy, returning, terms};

#[tokio::test]
async fn each_service_returns_for_itself() {
    let stage = Stage::with(returning(Duration::ZERO)).await;
    let _puppet_server = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let classifier = stage.fault(Service::NodeClassifier, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    assert_eq!(
        stage.ask(Errand::Classification).await.unwrap().by(),
        REPLICA
    );
    classifier.lift().await;
    stage
        .ask_until(Errand::Classification, |answer| answer.by() == MASTER)
        .await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
}

#[tokio::test]
async fn work_returns_after_silence_too() {
    let stage = Stage::with(returning(Duration::ZERO)).await;
    let fault = stage
        .fault(Service::PuppetServer, Fault::SilentAfterTls)
        .await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
}

#[tokio::test]
async fn work_does_not_return_before_the_master_was_good_for_the_dwell() {
    let dwell = Duration::from_millis(600);
    let stage = Stage::with(returning(dwell)).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    let back = Instant::now();
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
    assert!(back.elapsed() >= dwell, "{:?}", back.elapsed());
}

#[tokio::test]
async fn a_single_good_answer_is_not_enough_where_two_are_asked_for() {
    let twice = Policy {
        failback: Failback::Hysteresis(Hysteresis {
            good: 2,
            ..terms(Duration::ZERO)
        }),
        ..returning(Duration::ZERO)
    };
    let stage = Stage::with(twice).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
    assert!(stage.status_asked(MASTER) >= 2);
}

#[tokio::test]
async fn one_good_status_is_enough_to_return_at_once() {
    let immediate = Policy {
        failback: Failback::Immediate,
        ..returning(Duration::ZERO)
    };
    let stage = Stage::with(immediate).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
    assert_eq!(stage.status_asked(MASTER), 1);
}

#[tokio::test]
async fn work_stays_with_the_replica_where_it_is_never_to_return() {
    let never = Policy {
        failback: Failback::Never,
        ..returning(Duration::ZERO)
    };
    let stage = Stage::with(never).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    for _ in 0..10 {
        assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    }
    assert_eq!(
        stage.status_asked(MASTER),
        0,
        "nobody asks how the master is"
    );
}

#[tokio::test]
async fn even_then_the_master_serves_when_the_replica_fails() {
    let never = Policy {
        failback: Failback::Never,
        ..policy()
    };
    let stage = Stage::with(never).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    let _fault = stage
        .fault_at(REPLICA, Service::PuppetServer, Fault::Refuse)
        .await;
    for _ in 0..2 {
        assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), MASTER);
    }
}

#[tokio::test]
async fn work_returns_where_a_run_begins_when_that_is_the_rule() {
    let next_run = Policy {
        failback: Failback::NextRun(terms(Duration::ZERO)),
        ..returning(Duration::ZERO)
    };
    let stage = Stage::with(next_run).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    // Without a new run it stays, however often the master was found well.
    eventually(async || {
        assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
        (stage.status_asked(MASTER) >= 2).then_some(())
    })
    .await;
    let run = stage.client.begin_run(OnLoss::Cross);
    assert!(
        stage
            .ask_in(&run, Errand::Node)
            .await
            .unwrap()
            .is_untroubled()
    );
}

#[tokio::test]
async fn the_snapshot_shows_who_holds_what() {
    let stage = Stage::with(returning(Duration::ZERO)).await;
    let holder = |class: &str| {
        let classes = stage.client.snapshot().classes;
        let found = classes.into_iter().find(|each| each.class == class);
        found.unwrap().holder.host().to_owned()
    };
    let fault = stage.fault(Service::PuppetDb, Fault::DatabaseDown).await;
    stage.ask(Errand::Query).await.unwrap();
    stage.ask(Errand::Command).await.unwrap();
    assert_eq!(holder("puppetdb"), REPLICA);
    assert_eq!(holder("puppetdb commands"), MASTER);
    fault.lift().await;
    stage
        .ask_until(Errand::Query, |answer| answer.by() == MASTER)
        .await;
    assert_eq!(holder("puppetdb"), MASTER);
}
