//! Faults of the answer: it breaks off, drips, lies about its length, or is something else. The status stays good.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use standin_lab::Service::{CodeManager, PuppetServer};
use standin_lab::{Fault, FaultGuard, Lab, Received, Target, Told};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::support::{Client, Failure, LONG, Reply, lab, soon};

const CONTENT: &str = "/puppet/v3/file_content/modules/demo/a.txt?environment=production";
const REPORT: &str = "/puppet/v3/report/agent.test?environment=production";
const FILE: &str = "a file\n";

async fn struck(fault: Fault) -> (Lab, Client, FaultGuard) {
    let lab = lab().await;
    let guard = lab.fault(Target::Host("master.test"), fault).await;
    let guard = guard.expect("a fault");
    let client = Client::agent(&lab);
    (lab, client, guard)
}

async fn content(lab: &Lab, client: &Client) -> Result<Reply, Failure> {
    client.get(lab.master(), PuppetServer, CONTENT).await
}

async fn report(lab: &Lab, client: &Client) -> Result<Reply, Failure> {
    client
        .send(lab.master(), PuppetServer, Method::PUT, REPORT, "{}")
        .await
}

/// Everything that comes back for a request, and how it ended.
async fn raw(lab: &Lab, client: &Client) -> (String, Result<(), ErrorKind>) {
    let mut tls = client.tls(lab.master(), PuppetServer).await.expect("TLS");
    let request = format!("GET {CONTENT} HTTP/1.1\r\nHost: master.test\r\n\r\n");
    tls.write_all(request.as_bytes()).await.expect("a request");
    let mut came = Vec::new();
    let end = timeout(LONG, tls.read_to_end(&mut came)).await;
    let end = end.expect("an end").map(drop);
    let came = String::from_utf8(came).expect("text");
    (came, end.map_err(|error| error.kind()))
}

async fn status_is_good(lab: &Lab, client: &Client) {
    let status = client.simple(lab.master(), PuppetServer, "server").await;
    assert_eq!(status, (200, "running".to_owned()));
}

#[tokio::test]
async fn an_answer_is_reset_before_its_head_within_it_and_after_it() {
    for (after, head) in [(0, ""), (10, "HTTP/1.1 2"), (40, "HTTP/1.1 200 OK\r\n")] {
        let (lab, client, _guard) = struck(Fault::ResetAnswer { after }).await;
        let (came, end) = raw(&lab, &client).await;
        assert_eq!((came.len(), end), (after, Err(ErrorKind::ConnectionReset)));
        assert!(came.starts_with(head), "{came:?}");
        status_is_good(&lab, &client).await;
    }
}

#[tokio::test]
async fn what_is_reset_in_its_answer_was_done_and_only_a_whole_head_tells() {
    for (after, told) in [(0, Told::Nothing), (10, Told::Nothing), (1000, Told::Done)] {
        let (lab, client, _guard) = struck(Fault::ResetAnswer { after }).await;
        let came = report(&lab, &client)
            .await
            .map(|reply| reply.status.as_u16());
        match told {
            Told::Done => assert_eq!(came.unwrap(), 200, "its answer is shorter"),
            _ => assert_eq!(
                came.unwrap_err().io_kind(),
                Some(ErrorKind::ConnectionReset)
            ),
        }
        assert_eq!(lab.master().store().reports().len(), 1, "{after}");
        let receipt = &lab.journal().work("master.test", PuppetServer)[0];
        assert_eq!((receipt.received, receipt.told), (Received::Whole, told));
    }
}

#[tokio::test]
async fn a_drip_comes_byte_by_byte_and_runs_once_it_is_lifted() {
    let every = Duration::from_millis(50);
    let (lab, client, guard) = struck(Fault::Drip(every)).await;
    let mut tls = client.tls(lab.master(), PuppetServer).await.unwrap();
    let request = format!("GET {CONTENT} HTTP/1.1\r\nHost: master.test\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
    let began = Instant::now();
    for byte in b"HTTP" {
        let mut read = [0; 100];
        let came = tls.read(&mut read).await.unwrap();
        assert_eq!(&read[..came], [*byte], "one byte and no more");
    }
    assert!(began.elapsed() >= every * 3);
    status_is_good(&lab, &client).await;
    guard.lift().await;
    let mut rest = Vec::new();
    let whole = async {
        while !rest.ends_with(FILE.as_bytes()) {
            tls.read_buf(&mut rest).await.unwrap();
        }
    };
    timeout(LONG, whole).await.expect("the rest");
    assert!(rest.starts_with(b"/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_drip_that_is_too_slow_for_anything_goes_on_too() {
    let (lab, client, guard) = struck(Fault::Drip(Duration::MAX)).await;
    let mut waiting = Box::pin(content(&lab, &client));
    assert!(soon(&mut waiting).await.is_none());
    guard.lift().await;
    let reply = timeout(LONG, waiting).await.expect("an answer").unwrap();
    assert_eq!(reply.body, FILE);
}

#[tokio::test]
async fn a_body_can_drip_alone() {
    let (lab, client, guard) = struck(Fault::DripBody(Duration::MAX)).await;
    let mut tls = client.tls(lab.master(), PuppetServer).await.unwrap();
    let request = format!("GET {CONTENT} HTTP/1.1\r\nHost: master.test\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    while soon(tls.read_buf(&mut came)).await.is_some() {}
    let text = String::from_utf8(came.clone()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(body, &FILE[..1]);
    guard.lift().await;
    while !came.ends_with(FILE.as_bytes()) {
        let more = timeout(LONG, tls.read_buf(&mut came)).await;
        assert!(more.expect("the rest").unwrap() > 0);
    }
}

#[tokio::test]
async fn an_answer_comes_at_no_more_than_its_bandwidth() {
    let (lab, client, guard) = struck(Fault::Bandwidth(1_000)).await;
    let mut tls = client.tls(lab.master(), PuppetServer).await.unwrap();
    let request = format!("GET {CONTENT} HTTP/1.1\r\nHost: master.test\r\n\r\n");
    tls.write_all(request.as_bytes()).await.unwrap();
    let began = Instant::now();
    let mut came = Vec::new();
    while !came.ends_with(FILE.as_bytes()) {
        let mut piece = [0; 100];
        let length = timeout(LONG, tls.read(&mut piece)).await.unwrap().unwrap();
        came.extend_from_slice(&piece[..length]);
    }
    // Ten bytes at a time, and no pause before the first ten.
    let least = Duration::from_millis(came.len() as u64 - 10);
    assert!(began.elapsed() >= least, "{:?}", began.elapsed());
    status_is_good(&lab, &client).await;
    guard.lift().await;
    assert_eq!(content(&lab, &client).await.unwrap().body, FILE);
}

#[tokio::test]
async fn a_body_that_is_too_short_ends_before_its_stated_length() {
    let (lab, client, _guard) = struck(Fault::ShortBody { by: 3 }).await;
    let Err(Failure::Body(_, came)) = content(&lab, &client).await else {
        panic!("it was whole");
    };
    assert_eq!(came, FILE);
    let (came, end) = raw(&lab, &client).await;
    assert!(came.contains(&format!("content-length: {}\r\n", FILE.len() + 3)));
    assert_eq!(end, Ok(()), "it is closed properly");
}

#[tokio::test]
async fn a_body_that_is_too_long_goes_on_after_its_stated_length() {
    let (lab, client, _guard) = struck(Fault::LongBody { by: 3 }).await;
    let reply = content(&lab, &client).await.unwrap();
    assert_eq!(reply.body, Bytes::from_static(&FILE.as_bytes()[..4]));
    let (came, _) = raw(&lab, &client).await;
    assert!(came.ends_with(FILE));
}

#[tokio::test]
async fn garbage_is_not_http_and_nothing_was_done() {
    let (lab, client, _guard) = struck(Fault::Garbage).await;
    let failure = report(&lab, &client).await.unwrap_err();
    assert!(matches!(failure, Failure::Http(error) if error.is_parse()));
    assert_eq!(
        raw(&lab, &client).await,
        ("220 mail.test ESMTP\r\n".into(), Ok(()))
    );
    assert!(lab.master().store().reports().is_empty());
    let receipt = &lab.journal().work("master.test", PuppetServer)[0];
    assert_eq!((receipt.answered, receipt.told), (None, Told::Nothing));
    status_is_good(&lab, &client).await;
}

#[tokio::test]
async fn a_page_in_html_comes_instead_of_the_work() {
    let (lab, client, _guard) = struck(Fault::HtmlPage).await;
    let reply = report(&lab, &client).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html;charset=utf-8")
    );
    assert!(lab.master().store().reports().is_empty());
}

#[tokio::test]
async fn any_final_status_can_be_answered_and_nothing_is_done() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetServer);
    for (code, told) in [
        (400, Told::Nothing),
        (404, Told::NotDone),
        (418, Told::Nothing),
        (429, Told::NotDone),
        (502, Told::Nothing),
        (503, Told::NotDone),
    ] {
        let fault = Fault::Answers(StatusCode::from_u16(code).unwrap());
        let guard = lab.fault(target, fault).await.unwrap();
        lab.journal().clear();
        assert_eq!(report(&lab, &client).await.unwrap().status, code);
        let receipt = &lab.journal().work("master.test", PuppetServer)[0];
        assert_eq!(receipt.told, told, "{code}");
        guard.lift().await;
    }
    assert!(lab.master().store().reports().is_empty());
}

#[tokio::test]
async fn a_status_that_ends_no_request_is_refused() {
    let lab = lab().await;
    let fault = Fault::Answers(StatusCode::CONTINUE);
    let error = lab
        .fault(Target::Host("master.test"), fault)
        .await
        .unwrap_err();
    let text = "100 Continue is no final answer; choose a status of 200 or above";
    assert_eq!(error.to_string(), text);
    let client = Client::agent(&lab);
    assert_eq!(content(&lab, &client).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_redirect_loop_leads_to_where_it_came_from() {
    let (lab, client, _guard) = struck(Fault::RedirectLoop).await;
    let body = r#"{"environments":["production"]}"#;
    let path = "/code-manager/v1/deploys?a=b%20c";
    let reply = client
        .send(lab.master(), CodeManager, Method::POST, path, body)
        .await
        .unwrap();
    assert_eq!(reply.status, 307);
    assert_eq!(
        reply.header("location"),
        Some("/code-manager/v1/deploys?a=b+c")
    );
    assert!(lab.master().store().deploys().is_empty());
    assert_eq!(
        lab.journal().work("master.test", CodeManager)[0].told,
        Told::NotDone
    );
}
