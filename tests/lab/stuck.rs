//! A server whose status is good while its work is silent.

use std::time::Duration;

use standin::policy::Patience;
use standin::{OnLoss, Policy, Verdict};
use standin_core::verdict::Loss;
use standin_lab::{Fault, Received, Service};

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage, policy, returning};

const STUCK: Verdict = Verdict::Lost(Loss::Stuck);

fn impatient(policy: Policy) -> Policy {
    Policy {
        patience: Patience {
            stuck: Duration::from_millis(1000),
            stuck_long: Duration::from_millis(1500),
            // What is usual on a busy machine must not add to it.
            stuck_factor: 0,
            ..policy.patience
        },
        ..policy
    }
}

/// A stage on which each errand was answered once, so that its usual time is known.
async fn with_history(policy: Policy) -> Stage {
    let stage = Stage::with(impatient(policy)).await;
    for errand in Errand::RUN {
        assert!(stage.ask(errand).await.unwrap().is_untroubled());
    }
    stage
}

#[tokio::test]
async fn a_look_up_is_taken_to_the_replica() {
    let stage = with_history(policy()).await;
    let _fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(
        (answer.by(), answer.failed()),
        (REPLICA, vec![(MASTER, STUCK)])
    );
    assert!(answer.took < SOON, "{:?}", answer.took);
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!(
        (answer.by(), answer.failed()),
        (REPLICA, vec![]),
        "known by now"
    );
}

#[tokio::test]
async fn a_catalog_takes_longer_to_be_given_up() {
    let stage = with_history(policy()).await;
    let _fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert_eq!(
        (answer.by(), answer.failed()),
        (REPLICA, vec![(MASTER, STUCK)])
    );
    assert!(
        answer.took >= Duration::from_millis(1500),
        "{:?}",
        answer.took
    );
}

#[tokio::test]
async fn its_other_services_stay() {
    let stage = with_history(policy()).await;
    let _fault = stage.fault(Service::PuppetDb, Fault::WorkSilent).await;
    assert_eq!(stage.ask(Errand::Query).await.unwrap().by(), REPLICA);
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
}

#[tokio::test]
async fn without_history_a_long_compile_is_not_cut() {
    let stage = Stage::with(impatient(policy())).await;
    let compile = Fault::WorkDelay(Duration::from_secs(3));
    let _fault = stage.fault(Service::PuppetServer, compile).await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert!(answer.is_untroubled(), "{:?}", answer.served);
}

#[tokio::test]
async fn a_run_leaves_silent_work_once() {
    let stage = with_history(policy()).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    let _server = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    let slow = Fault::WorkDelay(Duration::from_secs(3));
    let _puppetdb = stage.fault(Service::PuppetDb, slow).await;
    let answer = stage.ask_in(&run, Errand::Node).await.unwrap();
    assert_eq!(answer.failed(), [(MASTER, STUCK)]);
    let answer = stage.ask_in(&run, Errand::Query).await.unwrap();
    assert!(answer.is_untroubled(), "waited for: {:?}", answer.served);
}

#[tokio::test]
async fn what_may_not_be_repeated_is_waited_for() {
    let stage = with_history(policy()).await;
    let slow = Fault::WorkDelay(Duration::from_secs(3));
    let _fault = stage.fault(Service::NodeClassifier, slow).await;
    let answer = stage.ask(Errand::ClassifierEdit).await.unwrap();
    assert!(answer.is_untroubled(), "{:?}", answer.served);
}

#[tokio::test]
async fn a_good_status_does_not_bring_it_back_and_work_does() {
    let stage = with_history(returning(Duration::ZERO)).await;
    let fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    // A copy of a look-up is all that it is asked, while its status is good all along.
    let asked = stage.status_asked(MASTER);
    let before = stage.got(MASTER, Service::PuppetServer).len();
    crate::harness::eventually(async || {
        assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
        let copies = stage.got(MASTER, Service::PuppetServer).len() - before;
        (copies >= 2).then_some(())
    })
    .await;
    assert_eq!(stage.status_asked(MASTER), asked);
    fault.lift().await;
    stage
        .ask_until(Errand::Node, |answer| answer.by() == MASTER)
        .await;
}

#[tokio::test]
async fn nobody_waits_for_the_copy() {
    let stage = with_history(returning(Duration::ZERO)).await;
    let _fault = stage.fault(Service::PuppetServer, Fault::WorkSilent).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    let before = stage.got(MASTER, Service::PuppetServer).len();
    crate::harness::eventually(async || {
        let answer = stage.ask(Errand::Node).await.unwrap();
        assert_eq!((answer.by(), answer.failed()), (REPLICA, vec![]));
        assert!(
            answer.took < Duration::from_millis(1000),
            "{:?}",
            answer.took
        );
        let copies = &stage.got(MASTER, Service::PuppetServer)[before..];
        let whole = copies.iter().any(|copy| copy.received == Received::Whole);
        whole.then_some(())
    })
    .await;
}
