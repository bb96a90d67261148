//! The matrix can fail: clients that do wrong are caught, each by its own count, where standin is not.

use standin_lab::{Fault, Judgement};

use crate::client::{Clients, Vice};
use crate::round::{Phase, Round, Stage};
use crate::strike::Whom;

/// What the oracle says of a wrong client in a round in which standin does well.
async fn caught(vice: Vice, fault: Fault) -> Judgement {
    let stage = Stage::start().await;
    let round = Round {
        fault,
        phase: Phase::BeforeConnecting,
        whom: Whom::Master,
    };
    let well = stage.play(&round, Clients::standin).await;
    assert!(well.judgement.is_clean(), "{well:?}");
    let wrong = |clients: &Clients| clients.wrong(vice);
    stage.play(&round, wrong).await.judgement
}

#[tokio::test(start_paused = true)]
async fn who_sends_on_what_may_have_been_done_doubles() {
    let caught = caught(Vice::SendsOn, Fault::ResetRequest).await;
    assert!(!caught.doubled.is_empty(), "{caught}");
    assert!(caught.lost.is_empty() && caught.late.is_empty(), "{caught}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_on_what_a_replica_may_not_take_misdirects() {
    let caught = caught(Vice::SendsOn, Fault::Refuse).await;
    assert!(!caught.misdirected.is_empty(), "{caught}");
    assert!(
        caught.doubled.is_empty() && caught.lost.is_empty(),
        "{caught}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_says_that_it_is_done_when_it_is_not_loses() {
    let caught = caught(Vice::Forgets, Fault::Refuse).await;
    assert!(!caught.lost.is_empty(), "{caught}");
    assert!(
        caught.doubled.is_empty() && caught.misdirected.is_empty(),
        "{caught}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_knows_no_deadline_is_late() {
    let caught = caught(Vice::Dawdles, Fault::WorkSilent).await;
    assert!(!caught.late.is_empty(), "{caught}");
    assert!(
        caught.doubled.is_empty() && caught.misdirected.is_empty(),
        "{caught}"
    );
}
