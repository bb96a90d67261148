//! Bodies: large and small, sent again or not, and answers that break off.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use standin::{Body, ErrorKind, KEPT_MOST, Verdict};
use standin_core::verdict::{Loss, Unreached};
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, NODE, REPLICA, REPORT, Stage, tried, whole};

/// A report of so many bytes, which come one kilobyte at a time.
fn streamed(bytes: usize) -> Request<Body> {
    let chunk = Bytes::from_static(&[b'x'; 1024]);
    let frames = std::iter::repeat_with(move || Ok::<_, Infallible>(Frame::data(chunk.clone())));
    let body = StreamBody::new(stream::iter(frames.take(bytes / 1024)));
    let body = Body::stream(body);
    Request::put(REPORT).body(body).unwrap()
}

const LARGE: usize = 1 << 20;
const SMALL: usize = 16 << 10;
const RESET: Verdict = Verdict::Lost(Loss::Reset);

#[tokio::test]
async fn a_large_stream_arrives_whole() {
    let stage = Stage::start().await;
    assert!(stage.send(streamed(LARGE)).await.unwrap().is_untroubled());
    assert_eq!(stage.lab.master().store().reports()[0].body.len(), LARGE);
}

#[tokio::test]
async fn a_large_stream_that_was_not_sent_moves_to_the_replica() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let answer = stage.send(streamed(LARGE)).await.unwrap();
    let refused = Verdict::Unreached(Unreached::Refused);
    assert_eq!(answer.failed(), [(MASTER, refused)]);
    assert_eq!(stage.lab.replica().store().reports()[0].body.len(), LARGE);
}

#[tokio::test]
async fn a_small_stream_is_sent_again() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::ResetRequest)
        .await;
    let answer = stage.send(streamed(SMALL)).await.unwrap();
    assert_eq!(answer.failed(), [(MASTER, RESET)]);
    assert_eq!(stage.lab.replica().store().reports()[0].body.len(), SMALL);
}

#[tokio::test]
async fn a_stream_of_just_what_is_kept_is_sent_again() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::ResetRequest)
        .await;
    stage.send(streamed(KEPT_MOST)).await.unwrap();
    assert_eq!(
        stage.lab.replica().store().reports()[0].body.len(),
        KEPT_MOST
    );
}

#[tokio::test]
async fn a_large_stream_that_was_sent_is_not_sent_again() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::ResetRequest)
        .await;
    let error = stage.send(streamed(LARGE)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(tried(&error), [(MASTER, RESET)]);
    assert_eq!(whole(&stage.got(MASTER, Service::PuppetServer)), 1);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_of_the_body() {
    let stage = Stage::start().await;
    let fault = stage
        .fault(Service::PuppetServer, Fault::ResetBody { after: 10 })
        .await;
    let response = stage.client.get(NODE).await.unwrap();
    assert_eq!(response.status(), 200);
    let error = response.into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("broke off"), "{error}");
    fault.lift().await;
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
}

#[tokio::test]
async fn an_answer_that_is_not_read_does_no_harm() {
    let stage = Stage::start().await;
    for _ in 0..3 {
        drop(stage.client.get(NODE).await.unwrap());
    }
    assert!(stage.ask(Errand::Node).await.unwrap().is_untroubled());
}

#[tokio::test]
async fn a_service_whose_answers_keep_breaking_off_is_left() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(Service::PuppetServer, Fault::ResetBody { after: 10 })
        .await;
    let server = crate::harness::eventually(async || {
        let response = stage.client.get(NODE).await.unwrap();
        let served = response.extensions().get::<standin::Served>().cloned();
        response.into_body().collect().await.ok()?;
        served
    });
    assert_eq!(server.await.server.host(), REPLICA);
}
