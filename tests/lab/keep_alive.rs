//! Kept connections that the server closes, and how fresh a connection has to be.

use std::time::Duration;

use standin::Policy;
use standin::policy::Connect;

use crate::harness::{Errand, REPLICA, Stage, policy};
use crate::relay::Relay;

async fn asks_twice_with_a_close_between(errand: Errand) -> (Relay, Stage) {
    let (relay, stage) = Relay::on_stage(policy()).await;
    for connections in 1..=2 {
        let answer = stage.ask(errand).await.unwrap();
        assert!(answer.is_untroubled(), "{:?}", answer.served);
        assert_eq!(relay.connections(), connections);
        relay.hang_up().await;
    }
    (relay, stage)
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_made_anew_and_is_no_failure() {
    let (_relay, stage) = asks_twice_with_a_close_between(Errand::Node).await;
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn nor_is_it_for_a_request_that_may_not_be_repeated() {
    let (_relay, stage) = asks_twice_with_a_close_between(Errand::CertificateRequest).await;
    assert_eq!(stage.lab.master().store().csrs().len(), 2);
}

#[tokio::test]
async fn a_request_that_may_not_be_repeated_takes_no_connection_that_idled_for_long() {
    let nothing_is_fresh = Policy {
        connect: Connect {
            fresh: Duration::ZERO,
            ..policy().connect
        },
        ..policy()
    };
    let (relay, stage) = Relay::on_stage(nothing_is_fresh).await;
    stage.ask(Errand::Node).await.unwrap();
    stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!(relay.connections(), 1);
    stage.ask(Errand::CertificateRequest).await.unwrap();
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_connection_idle_for_longer_than_the_keep_alive_is_not_used() {
    let keeps_nothing = Policy {
        connect: Connect {
            keep_alive: Duration::ZERO,
            ..policy().connect
        },
        ..policy()
    };
    let (relay, stage) = Relay::on_stage(keeps_nothing).await;
    stage.ask(Errand::Node).await.unwrap();
    stage.ask(Errand::Node).await.unwrap();
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_request_into_a_connection_that_is_being_closed_is_answered_all_the_same() {
    let (relay, stage) = Relay::on_stage(policy()).await;
    stage.ask(Errand::Node).await.unwrap();
    let _broken = relay.hang_up_on_request().await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    // Nobody can tell whether it was received, so it may have been repeated elsewhere.
    assert_eq!(answer.status, 200);
}
