//! One service of the master is gone, the others work: each request finds its own way.

use standin::{OnLoss, Role, Switched, Verdict};
use standin_core::verdict::Unreached;
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage};

const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);
const PASSED_OVER: Verdict = Verdict::Unreached(Unreached::PassedOver);

#[tokio::test]
async fn within_one_run_the_replica_classifies_and_the_master_does_the_rest() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::NodeClassifier, Fault::Refuse).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    for errand in Errand::RUN {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!(answer.status, 200);
        if errand == Errand::Classification {
            assert_eq!((answer.by(), answer.served.role), (REPLICA, Role::Replica));
            assert_eq!(answer.failed(), [(MASTER, REFUSED)]);
            assert_eq!(answer.served.switched, Switched::No, "it never had another");
        } else {
            assert!(answer.is_untroubled(), "{errand:?}: {:?}", answer.served);
        }
    }
}

#[tokio::test]
async fn a_service_that_moved_is_asked_at_the_replica_from_then_on() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::NodeClassifier, Fault::Refuse).await;
    stage.ask(Errand::Classification).await.unwrap();
    let second = stage.ask(Errand::Classification).await.unwrap();
    assert_eq!((second.by(), second.failed()), (REPLICA, vec![]));
}

#[tokio::test]
async fn a_black_holed_puppetdb_is_passed_over() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetDb, Fault::BlackHole).await;
    for errand in [Errand::Command, Errand::Query] {
        let answer = stage.ask(errand).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
        assert_eq!(answer.failed(), [(MASTER, PASSED_OVER)], "{errand:?}");
        assert!(answer.took < SOON, "{:?}", answer.took);
    }
    assert_eq!(stage.lab.replica().store().commands().len(), 1);
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
}

#[tokio::test]
async fn commands_after_the_first_do_not_wait_again() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetDb, Fault::BlackHole).await;
    stage.ask(Errand::Command).await.unwrap();
    for _ in 0..3 {
        let answer = stage.ask(Errand::Command).await.unwrap();
        assert_eq!((answer.by(), answer.failed()), (REPLICA, vec![]));
    }
}

#[tokio::test]
async fn a_server_that_is_silent_before_tls_is_passed_over() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Silent).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert_eq!(answer.failed(), [(MASTER, PASSED_OVER)]);
    assert!(answer.took < SOON, "{:?}", answer.took);
}

#[tokio::test]
async fn when_the_whole_master_refuses_the_replica_does_a_whole_run() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    for errand in Errand::RUN {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
        assert!(answer.took < SOON, "{errand:?}: {:?}", answer.took);
    }
}

#[tokio::test]
async fn when_the_whole_master_is_black_holed_the_replica_does_a_whole_run() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::BlackHole).await;
    let run = stage.client.begin_run(OnLoss::Cross);
    for errand in Errand::RUN {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
        assert!(answer.took < SOON, "{errand:?}: {:?}", answer.took);
    }
}

#[tokio::test]
async fn a_service_that_was_lost_at_both_hosts_is_tried_at_both() {
    let stage = Stage::start().await;
    let _master = stage.fault(Service::PuppetDb, Fault::Refuse).await;
    let _replica = stage
        .fault_at(REPLICA, Service::PuppetDb, Fault::Refuse)
        .await;
    let error = stage.ask(Errand::Query).await.unwrap_err();
    assert_eq!(error.kind(), standin::ErrorKind::Exhausted);
    let tried = crate::harness::tried(&error);
    assert!(tried.contains(&(MASTER, REFUSED)), "{tried:?}");
    assert!(tried.contains(&(REPLICA, REFUSED)), "{tried:?}");
}
