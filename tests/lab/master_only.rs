//! What only a master may do, while the master is away.

use std::time::Duration;

use futures_util::future::join_all;
use standin::policy::Deadline;
use standin::{ErrorKind, Policy, Verdict};
use standin_core::verdict::Unreached;
use standin_lab::{Fault, Service};
use tokio::time::Instant;

use crate::harness::{Errand, MASTER, REPLICA, SOON, Stage, policy, tried};

async fn fails_when_the_master(fault: Fault, shown: Verdict) {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, fault).await;
    let begun = Instant::now();
    let asked = Errand::MASTER_ONLY.map(|errand| stage.ask(errand));
    for (errand, answer) in Errand::MASTER_ONLY.into_iter().zip(join_all(asked).await) {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotDuringFailover, "{errand:?}");
        assert_eq!(tried(&error), [(MASTER, shown)], "{errand:?}");
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn it_fails_at_once_when_the_master_refuses() {
    fails_when_the_master(Fault::Refuse, Verdict::Unreached(Unreached::Refused)).await;
}

#[tokio::test]
async fn it_fails_within_a_connects_limit_when_the_master_is_black_holed() {
    fails_when_the_master(Fault::BlackHole, Verdict::Unreached(Unreached::TimedOut)).await;
}

#[tokio::test]
async fn the_error_names_service_server_and_rule_and_says_what_to_do() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let services = [
        "write of ca",
        "write of classifier",
        "write of code-manager",
    ];
    for (errand, service) in Errand::MASTER_ONLY.into_iter().zip(services) {
        let text = stage.ask(errand).await.unwrap_err().report();
        for part in [
            service,
            &format!("{MASTER}:{}", errand.service().port()),
            "refused",
            "does not work during failover",
            "try again when the master is back",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
    }
}

#[tokio::test]
async fn the_report_has_a_line_for_each_attempt() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let error = stage.ask(Errand::CodeDeploy).await.unwrap_err();
    let report = error.report();
    let is_attempt = |line: &&str| line.starts_with("  tried");
    let lines: Vec<&str> = report.lines().filter(is_attempt).collect();
    assert_eq!(lines.len(), error.attempts().len());
    assert!(
        lines[0].starts_with("  tried master.test:8170 (master): refused after "),
        "{report}"
    );
}

#[tokio::test]
async fn the_operation_is_told_to_programs_too() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let error = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    let operation = error.operation().unwrap();
    assert_eq!(operation.service, standin::Service::NodeClassifier);
    assert_eq!(operation.effect, standin::Effect::Write);
}

#[tokio::test]
async fn a_dead_classifier_stops_edits_and_not_deploys() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::NodeClassifier, Fault::Refuse).await;
    let edit = stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(edit.kind(), ErrorKind::NotDuringFailover);
    assert!(stage.ask(Errand::CodeDeploy).await.unwrap().is_untroubled());
    assert!(
        stage
            .ask(Errand::CertificateRequest)
            .await
            .unwrap()
            .is_untroubled()
    );
}

#[tokio::test]
async fn it_works_again_as_soon_as_the_master_is_back() {
    let stage = Stage::start().await;
    let fault = stage.fault_host(MASTER, Fault::Refuse).await;
    stage.ask(Errand::ClassifierEdit).await.unwrap_err();
    fault.lift().await;
    assert!(
        stage
            .ask(Errand::ClassifierEdit)
            .await
            .unwrap()
            .is_untroubled()
    );
}

fn graceful() -> Policy {
    Policy {
        deadline: Deadline {
            grace: SOON * 4,
            ..policy().deadline
        },
        ..policy()
    }
}

#[tokio::test]
async fn with_a_grace_it_outlives_a_reload_of_the_master() {
    let stage = Stage::with(graceful()).await;
    let reload = stage.fault_host(MASTER, Fault::Refuse).await;
    let asking = stage.ask(Errand::CertificateRequest);
    let reloaded = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        reload.lift().await;
    };
    let (answer, ()) = tokio::join!(asking, reloaded);
    let answer = answer.unwrap();
    assert_eq!(answer.by(), MASTER);
    assert!(answer.failed().len() > 1, "{:?}", answer.served);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_grace_is_not_for_what_a_replica_may_serve() {
    let stage = Stage::with(graceful()).await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert!(answer.took < SOON, "{:?}", answer.took);
}
