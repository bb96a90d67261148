//! What one process leaves to the next.

use std::time::Duration;

use standin::{Client, OnLoss, Verdict};
use standin_core::verdict::Unreached;
use standin_lab::{Fault, Service};

use crate::harness::{AGENT, Errand, MASTER, REPLICA, Stage, client, names, policy, returning};

/// The next process of the same agent.
fn next(stage: Stage) -> Stage {
    next_with(stage, policy())
}

fn next_with(stage: Stage, policy: standin::Policy) -> Stage {
    let Stage {
        lab,
        client: before,
    } = stage;
    drop(before);
    let client = client(&lab, policy, names(&lab));
    Stage { lab, client }
}

async fn leave(client: &Client) {
    client.remember().await.unwrap();
}

#[tokio::test]
async fn the_next_process_goes_to_the_replica_without_a_detour() {
    let stage = Stage::start().await;
    let fault = stage.fault_host(MASTER, Fault::BlackHole).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    let passed_over = Verdict::Unreached(Unreached::PassedOver);
    assert_eq!(answer.failed(), [(MASTER, passed_over)]);
    leave(&stage.client).await;
    let stage = next(stage);
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!((answer.by(), answer.failed()), (REPLICA, vec![]));
    drop(fault);
}

#[tokio::test]
async fn a_failover_is_written_down_as_it_happens() {
    let stage = Stage::start().await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    let file = stage.lab.conf_dir().join("cache/state/standin.json");
    crate::harness::eventually(async || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.contains(REPLICA).then_some(())
    })
    .await;
    drop(fault);
}

#[tokio::test]
async fn the_process_after_a_good_question_returns_to_the_master() {
    let stage = Stage::with(returning(Duration::from_millis(100))).await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    leave(&stage.client).await;
    fault.lift().await;
    let never_in_a_run = || returning(Duration::from_secs(3600));
    let stage = next_with(stage, never_in_a_run());
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    crate::harness::eventually(async || {
        let classes = stage.client.snapshot().classes;
        classes[0].entries[0].good_for.map(drop)
    })
    .await;
    leave(&stage.client).await;
    // Good for more than the dwell by now, which the asking took.
    tokio::time::sleep(Duration::from_millis(150)).await;
    let stage = next_with(stage, returning(Duration::from_millis(100)));
    assert!(stage.ask(Errand::Node).await.unwrap().by() == MASTER);
}

#[tokio::test]
async fn a_process_without_a_memory_begins_anew() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    leave(&stage.client).await;
    let settings = standin::config::Settings::read(&crate::harness::sources(&stage.lab)).unwrap();
    let builder = Client::from_settings(&settings).unwrap();
    let builder = builder.names(names(&stage.lab)).policy(policy());
    let client = builder.without_memory().build().unwrap();
    assert_eq!(client.snapshot().classes[0].holder.host(), MASTER);
}

#[tokio::test]
async fn two_clients_of_one_machine_share_it() {
    let stage = Stage::start().await;
    let other = client(&stage.lab, policy(), names(&stage.lab));
    let _server = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let _puppetdb = stage.fault(Service::PuppetDb, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    let query = other.request(Errand::Query.request()).await.unwrap();
    drop(query);
    let (one, two) = tokio::join!(stage.client.remember(), other.remember());
    one.and(two).unwrap();
    let stage = next(stage);
    for class in stage.client.snapshot().classes {
        let moved = matches!(class.class.as_str(), "puppet-server" | "puppetdb");
        let holder = if moved { REPLICA } else { MASTER };
        assert_eq!(class.holder.host(), holder, "{}", class.class);
    }
}

#[tokio::test]
async fn a_memory_that_cannot_be_written_is_an_error_that_names_the_file() {
    let stage = Stage::start().await;
    let state = stage.lab.conf_dir().join("cache/state");
    std::fs::remove_dir_all(&state).unwrap();
    let error = stage.client.remember().await.unwrap_err();
    assert!(error.to_string().contains("standin.json"), "{error}");
    assert!(
        stage.ask(Errand::Node).await.unwrap().is_untroubled(),
        "work goes on"
    );
}

#[tokio::test]
async fn a_run_that_begins_leaves_the_usual_times() {
    let stage = Stage::start().await;
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
    let run = stage.client.begin_run(OnLoss::Cross);
    let file = stage.lab.conf_dir().join("cache/state/standin.json");
    crate::harness::eventually(async || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.contains("cheap read of puppet-server").then_some(())
    })
    .await;
    assert!(std::fs::read_to_string(&file).unwrap().contains(AGENT));
    drop(run);
}
