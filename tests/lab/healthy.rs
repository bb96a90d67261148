//! All well: everything goes to the master, over few connections.

use std::time::Duration;

use standin::{OnLoss, Role, Served, Switched};
use standin_lab::Fault;

use crate::harness::{Errand, MASTER, NODE, REPLICA, Stage, policy};
use crate::relay::Relay;

#[tokio::test]
async fn every_errand_of_a_run_goes_to_the_master() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    for errand in Errand::RUN {
        let answer = stage.ask_in(&run, errand).await.unwrap();
        assert_eq!(answer.status, 200, "{errand:?}");
        assert!(answer.is_untroubled(), "{errand:?}: {:?}", answer.served);
        assert_eq!(answer.served.server.port(), errand.service().port());
        assert_eq!(answer.served.switched, Switched::No);
    }
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn what_only_a_master_may_do_is_done_once() {
    let stage = Stage::start().await;
    for errand in Errand::MASTER_ONLY {
        let answer = stage.ask(errand).await.unwrap();
        assert!(
            answer.status.is_success() || answer.status.is_redirection(),
            "{errand:?}: {}",
            answer.status
        );
        assert_eq!(answer.served.role, Role::Master);
        assert_eq!(stage.got(MASTER, errand.service()).len(), 1, "{errand:?}");
    }
}

#[tokio::test]
async fn a_client_error_is_an_answer() {
    let stage = Stage::start().await;
    let unknown = http::Request::get("/puppet/v3/node/agent.test?environment=nowhere")
        .body(standin::Body::empty())
        .unwrap();
    let answer = stage.send(unknown).await.unwrap();
    assert_eq!(answer.status, 404);
    assert!(answer.is_untroubled());
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let (relay, stage) = Relay::on_stage(policy()).await;
    for errand in [
        Errand::Node,
        Errand::Metadata,
        Errand::Catalog,
        Errand::Report,
    ] {
        assert!(stage.ask(errand).await.unwrap().is_untroubled());
    }
    assert_eq!(relay.connections(), 1);
}

#[tokio::test]
async fn no_status_is_asked_while_all_is_well() {
    let stage = Stage::start().await;
    for errand in Errand::RUN {
        stage.ask(errand).await.unwrap();
    }
    assert_eq!(stage.status_asked(MASTER) + stage.status_asked(REPLICA), 0);
}

#[tokio::test]
async fn a_slow_answer_of_a_server_whose_status_is_good_is_awaited() {
    let stage = Stage::start().await;
    // Longer than it takes to give up a silent server.
    let compile = Fault::WorkDelay(Duration::from_millis(1200));
    let _fault = stage.fault(Errand::Catalog.service(), compile).await;
    let answer = stage.ask(Errand::Catalog).await.unwrap();
    assert!(answer.is_untroubled(), "{:?}", answer.served);
    assert!(stage.status_asked(MASTER) > 0);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_request_that_names_a_server_and_no_service_goes_there() {
    let stage = Stage::start().await;
    let status = "https://replica.test:8140/status/v1/simple";
    let response = stage.client.get(status).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.extensions().get::<Served>().is_none());
    assert_eq!(
        (stage.status_asked(MASTER), stage.status_asked(REPLICA)),
        (0, 1)
    );
}

#[tokio::test]
async fn a_request_that_names_the_replica_for_a_service_goes_to_the_master() {
    let stage = Stage::start().await;
    let named = format!("https://replica.test:8140{NODE}");
    let request = http::Request::get(named)
        .body(standin::Body::empty())
        .unwrap();
    assert!(stage.send(request).await.unwrap().is_untroubled());
}
