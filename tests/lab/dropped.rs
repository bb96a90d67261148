//! Callers who do not wait: what their connections still show.

use std::time::Duration;

use futures_util::future::join_all;
use standin::State;
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, Stage, eventually};

/// Above the head start, and below the time at which the replica is taken.
const SHORT: Duration = Duration::from_millis(150);

fn state(stage: &Stage) -> State {
    let class = stage.client.snapshot().classes.remove(0);
    class.entries[0].server_state
}

async fn give_up_after(stage: &Stage, span: Duration) {
    let asked = tokio::time::timeout(span, stage.ask(Errand::Node)).await;
    assert!(asked.is_err(), "it was answered");
}

#[tokio::test]
async fn a_connection_that_was_slow_for_a_caller_who_left_raises_doubt() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::BlackHole).await;
    give_up_after(&stage, SHORT).await;
    assert_eq!(state(&stage), State::Suspect);
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert!(
        answer.took < Duration::from_millis(250),
        "{:?}",
        answer.took
    );
}

#[tokio::test]
async fn a_caller_who_leaves_within_the_head_start_shows_nothing() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::BlackHole).await;
    give_up_after(&stage, Duration::from_millis(10)).await;
    assert_eq!(state(&stage), State::Ready);
}

#[tokio::test]
async fn what_was_begun_is_finished_and_benches_a_dead_server() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::BlackHole).await;
    for _ in 0..3 {
        give_up_after(&stage, Duration::from_millis(10)).await;
    }
    // One connection a server, so three callers count as one.
    eventually(async || (state(&stage) != State::Ready).then_some(())).await;
    assert_eq!(state(&stage), State::Suspect);
}

#[tokio::test]
async fn a_connection_that_stands_after_all_is_kept_for_the_next() {
    let stage = Stage::start().await;
    let fault = stage.fault(Service::PuppetServer, Fault::BlackHole).await;
    let given_up = join_all((0..4).map(|_| give_up_after(&stage, SHORT)));
    given_up.await;
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
}

#[tokio::test]
async fn a_caller_who_leaves_while_he_waits_for_an_answer_shows_nothing() {
    let stage = Stage::start().await;
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
    let _fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    give_up_after(&stage, SHORT).await;
    assert_eq!(state(&stage), State::Ready);
}
