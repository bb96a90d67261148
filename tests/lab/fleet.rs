//! Many requests at once while the master is killed.

use std::time::Duration;

use futures_util::future::join_all;
use http::Request;
use standin::policy::{Connect, Patience, Repeats};
use standin::{Body, Error, ErrorKind, Policy};
use standin_lab::Fault;

use crate::harness::{Answer, Errand, MASTER, REPLICA, SOON, Stage, eventually, policy, whole};

const FLEET: usize = 50;

/// Every fifth is an edit, which may not be repeated; no two are alike.
fn request(number: usize) -> Request<Body> {
    if is_edit(number) {
        let group = Body::from(r#"{"name":"Group"}"#);
        return Request::put(edit(number)).body(group).unwrap();
    }
    Errand::RUN[number % Errand::RUN.len()].request()
}

fn is_edit(number: usize) -> bool {
    number.is_multiple_of(5)
}

fn edit(number: usize) -> String {
    format!("/classifier-api/v1/groups/00000000-0000-4000-8000-{number:012}")
}

/// Sends the fleet to a slow master and strikes it when half of the requests are there.
async fn struck(policy: Policy, fault: Fault) -> (Stage, Vec<Result<Answer, Error>>) {
    let stage = Stage::with(policy).await;
    let slow = Fault::WorkDelay(Duration::from_millis(500));
    stage.fault_host(MASTER, slow).await.forget();
    let strike = async {
        eventually(async || (stage.got_any(MASTER).len() >= FLEET / 2).then_some(())).await;
        stage.fault_host(MASTER, fault).await.forget();
    };
    let fleet = join_all((0..FLEET).map(|number| stage.send(request(number))));
    let (answers, ()) = tokio::join!(fleet, strike);
    (stage, answers)
}

/// So many repeats, and time enough for fifty handshakes on a busy machine.
fn repeating(reserve: u16) -> Policy {
    Policy {
        connect: Connect {
            limit: SOON,
            limit_benched: SOON,
            ..policy().connect
        },
        patience: Patience {
            probe_limit: Duration::from_millis(500),
            ..policy().patience
        },
        repeats: Repeats {
            percent: 0,
            reserve,
            ..Repeats::default()
        },
        ..policy()
    }
}

async fn loses_nothing_and_repeats_no_edit(fault: Fault) {
    let (stage, answers) = struck(repeating(100), fault).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Ok(answer) => assert_eq!(answer.status.as_u16() / 100, 2, "{number}"),
            Err(error) => {
                assert!(is_edit(number), "{number}: {}", error.report());
                let honest = [ErrorKind::NotDuringFailover, ErrorKind::MaybeProcessed];
                assert!(
                    honest.contains(&error.kind()),
                    "{number}: {}",
                    error.report()
                );
            }
        }
    }
    for number in (0..FLEET).filter(|number| is_edit(*number)) {
        let path = edit(number);
        let journal = stage.lab.journal();
        let got = |host| journal.matching(|r| &*r.host == host && r.path_and_query == path);
        assert!(whole(&got(MASTER)) <= 1, "{number}");
        assert!(got(REPLICA).is_empty(), "{number}");
        if let Err(error) = &answers[number]
            && error.kind() == ErrorKind::NotDuringFailover
        {
            assert!(
                got(MASTER).is_empty(),
                "{number} was said not to be processed"
            );
        }
    }
}

#[tokio::test]
async fn a_fleet_whose_master_is_killed_loses_nothing_and_repeats_no_edit() {
    loses_nothing_and_repeats_no_edit(Fault::Refuse).await;
}

#[tokio::test]
async fn a_fleet_whose_master_vanishes_loses_nothing_and_repeats_no_edit() {
    loses_nothing_and_repeats_no_edit(Fault::BlackHole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_one_on_several_threads() {
    loses_nothing_and_repeats_no_edit(Fault::Refuse).await;
}

#[tokio::test]
async fn an_outage_is_not_multiplied_beyond_the_budget() {
    let (_stage, answers) = struck(repeating(5), Fault::Refuse).await;
    let repeated = answers.iter().flatten().filter(|answer| {
        let lost =
            |attempt: &standin::Attempt| matches!(attempt.verdict, standin::Verdict::Lost(_));
        answer.served.failed.iter().any(lost)
    });
    assert_eq!(repeated.count(), 5);
    let over_budget = |answer: &&Result<Answer, Error>| matches!(answer, Err(error) if error.kind() == ErrorKind::OverBudget);
    assert!(answers.iter().filter(over_budget).count() > 0);
}
