//! Faults of the work: the status tells one thing, the work another.

use std::io::ErrorKind;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::Full;
use standin_lab::Service::{Activity, CodeManager, NodeClassifier, PuppetServer, Rbac};
use standin_lab::{Fault, Received, State, Target};
use tokio::time::{Instant, timeout};

use crate::support::{Client, Failure, LONG, lab, soon};

const NODE: &str = "/puppet/v3/node/agent.test?environment=production";
const CONTENT: &str = "/puppet/v3/file_content/modules/demo/a.txt?environment=production";

#[tokio::test]
async fn after_tls_neither_work_nor_status_is_answered() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let guard = lab
        .fault(Target::Host("master.test"), Fault::SilentAfterTls)
        .await
        .unwrap();
    let mut work = Box::pin(client.get(lab.master(), PuppetServer, NODE));
    let mut status = Box::pin(client.get(lab.master(), PuppetServer, "/status/v1/simple"));
    assert!(soon(&mut work).await.is_none());
    assert!(soon(&mut status).await.is_none());
    let received = lab.journal().work("master.test", PuppetServer);
    assert_eq!(
        (received[0].received, received[0].answered),
        (Received::Whole, None)
    );
    guard.lift().await;
    assert_eq!(
        timeout(LONG, work)
            .await
            .expect("an answer")
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        timeout(LONG, status)
            .await
            .expect("an answer")
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn silent_work_leaves_the_status_running() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let _guard = lab
        .fault(
            Target::Service("master.test", PuppetServer),
            Fault::WorkSilent,
        )
        .await
        .unwrap();
    assert!(
        soon(client.get(lab.master(), PuppetServer, NODE))
            .await
            .is_none()
    );
    assert_eq!(
        client.simple(lab.master(), PuppetServer, "server").await,
        (200, "running".to_owned())
    );
    let ca = "/puppet-ca/v1/certificate/ca";
    assert_eq!(
        client
            .get(lab.master(), PuppetServer, ca)
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn an_overloaded_puppet_server_tells_new_clients_to_come_again_and_lets_others_wait() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetServer);
    let guard = lab
        .fault(
            target,
            Fault::Unavailable {
                retry_after: Some(4),
            },
        )
        .await
        .unwrap();
    let reply = client.get(lab.master(), PuppetServer, NODE).await.unwrap();
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), Some("4"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain;charset=utf-8")
    );
    assert_eq!(reply.header("x-puppet-version"), Some("7.23.0"));
    assert!(
        reply
            .text()
            .starts_with("The number of requests waiting for a JRuby instance has exceeded")
    );
    assert_eq!(
        client.simple(lab.master(), PuppetServer, "server").await.0,
        200
    );

    let mut connection = client.connect(lab.master(), PuppetServer).await.unwrap();
    let old = Request::get(NODE)
        .header("host", "master.test")
        .body(Full::default())
        .unwrap();
    let mut waiting = Box::pin(connection.raw(old));
    assert!(soon(&mut waiting).await.is_none());
    guard.lift().await;
    assert_eq!(
        timeout(LONG, waiting)
            .await
            .expect("an answer")
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn unavailable_without_retry_after_says_no_time() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetServer);
    let _guard = lab
        .fault(target, Fault::Unavailable { retry_after: None })
        .await
        .unwrap();
    let reply = client.get(lab.master(), PuppetServer, NODE).await.unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (503, None)
    );
}

#[tokio::test]
async fn not_ready_shows_in_the_status_of_the_service_and_of_its_port() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", NodeClassifier);
    for state in [State::Starting, State::Error] {
        let guard = lab.fault(target, Fault::NotReady(state)).await.unwrap();
        let says = (503, state.to_string());
        assert_eq!(
            client
                .simple(lab.master(), NodeClassifier, "classifier-service")
                .await,
            says
        );
        assert_eq!(
            client
                .simple(lab.master(), NodeClassifier, "rbac-service")
                .await
                .0,
            200
        );
        let all = client
            .get(lab.master(), NodeClassifier, "/status/v1/simple")
            .await
            .unwrap();
        assert_eq!((all.status.as_u16(), all.text()), says);
        let work = client
            .get(lab.master(), NodeClassifier, "/classifier-api/v1/groups")
            .await
            .unwrap();
        assert_eq!(work.status, 503);
        assert_eq!(
            client
                .get(lab.master(), Rbac, "/rbac-api/v1/users")
                .await
                .unwrap()
                .status,
            200
        );
        guard.lift().await;
    }
    assert_eq!(
        client
            .simple(lab.master(), NodeClassifier, "classifier-service")
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn an_internal_error_is_500_in_text_while_the_status_is_good() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let _guard = lab
        .fault(Target::Host("master.test"), Fault::InternalError)
        .await
        .unwrap();
    for (service, path) in [(PuppetServer, NODE), (Activity, "/activity-api/v1/events")] {
        let reply = client.get(lab.master(), service, path).await.unwrap();
        assert_eq!(reply.status, 500);
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain;charset=utf-8")
        );
    }
    assert_eq!(
        client.simple(lab.master(), PuppetServer, "server").await.0,
        200
    );
}

#[tokio::test]
async fn a_cut_body_gives_the_head_and_so_many_bytes() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetServer);
    for (after, seen) in [(0, ""), (3, "a f"), (1000, "a file\n")] {
        let _guard = lab.fault(target, Fault::ResetBody { after }).await.unwrap();
        let failure = client
            .get(lab.master(), PuppetServer, CONTENT)
            .await
            .unwrap_err();
        assert_eq!(
            failure.io_kind(),
            Some(ErrorKind::ConnectionReset),
            "{failure:?}"
        );
        let Failure::Body(_, bytes) = failure else {
            panic!("no head came: {failure:?}")
        };
        assert_eq!(bytes, seen);
        assert_eq!(
            client.simple(lab.master(), PuppetServer, "server").await.0,
            200
        );
    }
    assert_eq!(
        lab.journal().work("master.test", PuppetServer)[0]
            .answered
            .unwrap(),
        200
    );
}

#[tokio::test]
async fn a_reset_request_was_read_whole_and_not_acted_upon() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let _guard = lab
        .fault(
            Target::Service("master.test", CodeManager),
            Fault::ResetRequest,
        )
        .await
        .unwrap();
    let body = r#"{"environments":["production"]}"#;
    let failure = client
        .send(
            lab.master(),
            CodeManager,
            Method::POST,
            "/code-manager/v1/deploys",
            body,
        )
        .await
        .unwrap_err();
    assert_eq!(
        failure.io_kind(),
        Some(ErrorKind::ConnectionReset),
        "{failure:?}"
    );
    let receipt = &lab.journal().work("master.test", CodeManager)[0];
    assert_eq!(
        (receipt.received, receipt.answered),
        (Received::Whole, None)
    );
    assert_eq!(receipt.body_len, body.len() as u64);
    assert!(lab.master().store().deploys().is_empty());
}

#[tokio::test]
async fn delays_are_kept_and_work_delays_leave_the_status_alone() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let by = Duration::from_millis(400);
    let guard = lab
        .fault(Target::Host("master.test"), Fault::Delay(by))
        .await
        .unwrap();
    let started = Instant::now();
    assert_eq!(
        client.simple(lab.master(), PuppetServer, "server").await.0,
        200
    );
    assert!(started.elapsed() >= by);
    guard.lift().await;
    let _guard = lab
        .fault(
            Target::Host("master.test"),
            Fault::WorkDelay(Duration::from_secs(3600)),
        )
        .await
        .unwrap();
    assert!(
        soon(client.get(lab.master(), PuppetServer, NODE))
            .await
            .is_none()
    );
    assert_eq!(
        client.simple(lab.master(), PuppetServer, "server").await.0,
        200
    );
}

#[tokio::test]
async fn jitter_delays_each_answer_by_a_time_of_its_own() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Host("master.test");
    let jitter = Fault::Jitter(Duration::from_secs(1));
    let _guard = lab.fault(target, jitter).await.unwrap();
    let asking = (0..8).map(|_| async {
        let began = Instant::now();
        client.simple(lab.master(), PuppetServer, "server").await;
        began.elapsed()
    });
    let took = futures_util::future::join_all(asking).await;
    let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
    assert!(*most - *least > Duration::from_millis(100), "{took:?}");
}

#[tokio::test]
async fn a_fault_reaches_a_request_that_is_already_waiting() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetServer);
    let _silent = lab.fault(target, Fault::WorkSilent).await.unwrap();
    let waiting = tokio::spawn({
        let (client, host) = (client.clone(), lab.master().clone());
        async move { client.get(&host, PuppetServer, NODE).await }
    });
    lab.journal()
        .wait_for(|receipt| receipt.received == Received::Whole)
        .await;
    let _error = lab.fault(target, Fault::InternalError).await.unwrap();
    let reply = timeout(LONG, waiting)
        .await
        .expect("an answer")
        .unwrap()
        .unwrap();
    assert_eq!(reply.status, 500);
}

#[tokio::test]
async fn a_clock_that_is_ahead_shows_in_every_answer_of_its_host() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let ahead = Fault::ClockAhead(Duration::from_secs(3600));
    let _guard = lab.fault(Target::Host("master.test"), ahead).await.unwrap();
    let mut dates = Vec::new();
    for host in [lab.replica(), lab.master()] {
        let reply = client.get(host, PuppetServer, NODE).await.unwrap();
        let date = reply.headers["date"].to_str().unwrap();
        dates.push(httpdate::parse_http_date(date).unwrap());
    }
    let apart = dates[1].duration_since(dates[0]).unwrap();
    assert!((3600..3660).contains(&apart.as_secs()), "{apart:?}");
}
