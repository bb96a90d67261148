//! The journal: everything that arrived, in order, and how much of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use hyper::body::{Body, Frame};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use standin_lab::Service::{NodeClassifier, PuppetServer};
use standin_lab::{Fault, Purpose, Received, Target};
use tokio::sync::mpsc;

use crate::support::{Client, Names, lab};

const REPORT: &str = "/puppet/v3/report/agent.test?environment=production";

#[tokio::test]
async fn a_receipt_tells_who_asked_whom_for_what_and_what_came_of_it() {
    let lab = lab().await;
    let agent = Client::agent(&lab);
    let anonymous = Client::anonymous(&lab, Names::Ignored);
    anonymous
        .get(
            lab.replica(),
            NodeClassifier,
            "/status/v1/simple/rbac-service",
        )
        .await
        .unwrap();
    agent
        .send(lab.master(), PuppetServer, Method::PUT, REPORT, "{}")
        .await
        .unwrap();
    anonymous
        .send(lab.master(), PuppetServer, Method::PUT, REPORT, "{}")
        .await
        .unwrap();

    let entries = lab.journal().entries();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0].service, standin_lab::Service::Rbac);
    assert_eq!(entries[0].purpose, Purpose::Status);
    assert_eq!(
        (&*entries[0].host, &entries[0].method),
        ("replica.test", &Method::GET)
    );
    assert_eq!(entries[1].path_and_query, REPORT);
    assert_eq!(entries[1].certname.as_deref(), Some("agent.test"));
    assert_eq!(
        (entries[1].received, entries[1].body_len),
        (Received::Whole, 2)
    );
    assert_eq!(entries[1].answered.unwrap(), 200);
    assert_eq!(entries[2].certname, None);
    assert_eq!(entries[2].answered.unwrap(), 403);
    assert!(entries.windows(2).all(|pair| pair[0].at <= pair[1].at));

    assert_eq!(lab.journal().work("master.test", PuppetServer).len(), 2);
    assert_eq!(
        lab.journal()
            .matching(|receipt| receipt.method == Method::GET)
            .len(),
        1
    );
    lab.journal().clear();
    assert!(lab.journal().entries().is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_there_in_part() {
    let lab = lab().await;
    let connection = Client::agent(&lab)
        .tls(lab.master(), PuppetServer)
        .await
        .unwrap();
    let (mut sender, driver) = handshake(TokioIo::new(connection)).await.unwrap();
    let driver = tokio::spawn(driver);
    let (feed, chunks) = mpsc::channel::<Bytes>(1);
    let body = Chunks(chunks);
    let request = Request::put(REPORT)
        .header("host", "master.test")
        .body(body)
        .unwrap();
    let sending = tokio::spawn(async move { sender.send_request(request).await.map(|_| ()) });

    feed.send(Bytes::from_static(b"12345")).await.unwrap();
    let receipt = lab
        .journal()
        .wait_for(|receipt| receipt.body_len == 5)
        .await;
    assert_eq!(
        (receipt.received, receipt.answered),
        (Received::Part(5), None)
    );
    driver.abort();
    sending.abort();
    drop(feed);
    assert!(driver.await.unwrap_err().is_cancelled());

    // The server has met the end by the time a later request on the same host is answered in full and the stored
    // reports have not grown.
    let client = Client::agent(&lab);
    client
        .send(lab.master(), PuppetServer, Method::PUT, REPORT, "{}")
        .await
        .unwrap();
    assert_eq!(lab.master().store().reports().len(), 1);
    assert_eq!(lab.journal().entries()[0].received, Received::Part(5));
    assert_eq!(lab.journal().entries()[0].answered, None);
}

#[tokio::test]
async fn a_body_larger_than_the_store_keeps_is_counted_whole() {
    let lab = lab().await;
    let body = vec![b'x'; 6 << 20];
    let reply = Client::agent(&lab)
        .send(lab.master(), PuppetServer, Method::PUT, REPORT, body)
        .await
        .unwrap();
    assert_eq!(reply.status, 200);
    let receipt = &lab.journal().entries()[0];
    assert_eq!(
        (receipt.received, receipt.body_len),
        (Received::Whole, 6 << 20)
    );
    assert_eq!(lab.master().store().reports()[0].body.len(), 4 << 20);
}

#[tokio::test]
async fn what_a_refusing_server_never_got_is_not_there() {
    let lab = lab().await;
    let _fault = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    Client::agent(&lab)
        .get(lab.master(), PuppetServer, REPORT)
        .await
        .unwrap_err();
    assert!(lab.journal().entries().is_empty());
}

/// A body that is fed from elsewhere.
struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
