//! Watching servers by their status, without a request.

use std::time::Duration;

use standin::policy::Probing;
use standin::{ErrorKind, Policy};
use standin_core::health::Mode;
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, Stage, eventually, returning};

fn watching() -> Policy {
    Policy {
        probing: Probing::Every(Duration::from_millis(500)),
        ..returning(Duration::ZERO)
    }
}

fn mode(stage: &Stage, host: &str) -> Mode {
    let snapshot = stage.client.snapshot();
    let known = snapshot.hosts.iter().find(|known| known.host == host);
    known.expect("a host").replication
}

async fn until_mode(stage: &Stage, host: &str, wanted: Mode) {
    eventually(async || (mode(stage, host) == wanted).then_some(())).await;
}

#[tokio::test]
async fn who_is_the_source_and_who_follows_is_known() {
    let stage = Stage::with(watching()).await;
    until_mode(&stage, MASTER, Mode::Source).await;
    until_mode(&stage, REPLICA, Mode::Replica).await;
}

#[tokio::test]
async fn a_promoted_replica_takes_the_masters_writes_without_a_restart() {
    let stage = Stage::with(watching()).await;
    until_mode(&stage, REPLICA, Mode::Replica).await;
    let _gone = stage.fault_host(MASTER, Fault::Refuse).await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotDuringFailover);
    stage.lab.promote(REPLICA).await.unwrap();
    until_mode(&stage, REPLICA, Mode::Source).await;
    let answer = stage.ask(Errand::ClassifierEdit).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
}

#[tokio::test]
async fn with_two_masters_a_write_that_may_not_be_repeated_is_refused_by_name() {
    let stage = Stage::with(watching()).await;
    stage.lab.promote(REPLICA).await.unwrap();
    until_mode(&stage, MASTER, Mode::Source).await;
    until_mode(&stage, REPLICA, Mode::Source).await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TwoMasters);
    let beneath = std::error::Error::source(&error).expect("who they are");
    for host in [MASTER, REPLICA] {
        assert!(beneath.to_string().contains(host), "{beneath}");
        assert!(
            stage.got(host, Service::NodeClassifier).is_empty(),
            "{host}"
        );
    }
    assert!(
        stage.ask(Errand::Classification).await.is_ok(),
        "reads go on"
    );
}

#[tokio::test]
async fn a_master_that_is_gone_is_no_second_master() {
    let stage = Stage::with(watching()).await;
    until_mode(&stage, MASTER, Mode::Source).await;
    let _gone = stage.fault_host(MASTER, Fault::Refuse).await;
    stage.lab.promote(REPLICA).await.unwrap();
    until_mode(&stage, MASTER, Mode::Unknown).await;
    until_mode(&stage, REPLICA, Mode::Source).await;
    assert!(stage.ask(Errand::ClassifierEdit).await.is_ok());
}

#[tokio::test]
async fn work_returns_though_nothing_was_asked_meanwhile() {
    let stage = Stage::with(watching()).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    fault.lift().await;
    eventually(async || {
        let classes = stage.client.snapshot().classes;
        (classes[0].holder.host() == MASTER).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_dies_is_known_before_anything_is_asked_of_it() {
    let stage = Stage::with(watching()).await;
    until_mode(&stage, MASTER, Mode::Source).await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let mut health = stage.client.watch();
    eventually(async || {
        let entry = &health.borrow_and_update().classes[0].entries[0];
        (entry.server_state != standin::State::Ready).then_some(())
    })
    .await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!((answer.by(), answer.failed()), (REPLICA, vec![]));
}

#[tokio::test]
async fn a_client_that_is_gone_asks_no_more() {
    let stage = Stage::with(watching()).await;
    until_mode(&stage, MASTER, Mode::Source).await;
    let Stage { lab, client } = stage;
    drop(client);
    // A round that was under way may still end.
    tokio::time::sleep(Duration::from_millis(700)).await;
    lab.journal().clear();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(lab.journal().entries().is_empty());
}

#[tokio::test]
async fn it_is_off_unless_it_is_wanted() {
    let stage = Stage::start().await;
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(stage.status_asked(MASTER), 0);
}
