//! Answers that are asked for whole and break off, and request bodies that nobody reads in vain.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use standin::{Body, ErrorKind, Served, TooLarge, Verdict, WholeBody, WholeBodyLayer};
use standin_core::verdict::{Loss, Unreached};
use standin_lab::{Fault, Service};
use tower::{Layer, ServiceExt};

use crate::harness::{Errand, MASTER, REPLICA, REPORT, Stage, tried, whole};
use crate::middleware::{layer, plain};

const RESET: Verdict = Verdict::Lost(Loss::Reset);

/// Answers of the service break off in their middle.
async fn breaking_off(stage: &Stage, service: Service) -> standin_lab::FaultGuard {
    stage.fault(service, Fault::ResetBody { after: 10 }).await
}

fn asked_whole(errand: Errand) -> Request<Body> {
    let mut request = errand.request();
    let bound = WholeBody::at_most(1 << 20);
    request.extensions_mut().insert(bound);
    request
}

#[tokio::test]
async fn a_catalog_that_breaks_off_comes_whole_from_the_replica() {
    let stage = Stage::start().await;
    let _fault = breaking_off(&stage, Service::PuppetServer).await;
    let answer = stage.send(asked_whole(Errand::Catalog)).await.unwrap();
    assert_eq!((answer.by(), answer.status), (REPLICA, StatusCode::OK));
    assert_eq!(answer.failed(), [(MASTER, RESET)]);
    serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap();
}

#[tokio::test]
async fn an_edit_whose_answer_breaks_off_may_have_been_processed() {
    let stage = Stage::start().await;
    let _fault = breaking_off(&stage, Service::NodeClassifier).await;
    let error = stage.send(asked_whole(Errand::ClassifierEdit)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(tried(&error), [(MASTER, RESET)]);
    assert_eq!(whole(&stage.got(MASTER, Service::NodeClassifier)), 1);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_at_both_is_nobodys() {
    let stage = Stage::start().await;
    let _faults = stage.fault_both(Fault::ResetBody { after: 10 }).await;
    let error = stage.send(asked_whole(Errand::Query)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{}", error.report());
}

#[tokio::test]
async fn over_tower_a_catalog_that_breaks_off_comes_whole_from_the_replica() {
    let stage = Stage::start().await;
    let _fault = breaking_off(&stage, Service::PuppetServer).await;
    let service = layer().layer(WholeBodyLayer::new().layer(plain(&stage)));
    let response = service.oneshot(asked_whole(Errand::Catalog)).await.unwrap();
    let served = response.extensions().get::<Served>().unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert_eq!(served.failed[0].verdict, RESET);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<serde_json::Value>(&body).unwrap();
}

#[tokio::test]
async fn over_tower_an_edit_whose_answer_breaks_off_may_have_been_processed() {
    let stage = Stage::start().await;
    let _fault = breaking_off(&stage, Service::NodeClassifier).await;
    let service = layer().layer(WholeBodyLayer::new().layer(plain(&stage)));
    let asking = service.oneshot(asked_whole(Errand::ClassifierEdit)).await;
    assert_eq!(asking.unwrap_err().kind(), ErrorKind::MaybeProcessed);
    assert_eq!(whole(&stage.got(MASTER, Service::NodeClassifier)), 1);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn over_tower_too_large_an_answer_is_said_to_be_that() {
    let stage = Stage::start().await;
    let service = layer().layer(WholeBodyLayer::new().layer(plain(&stage)));
    let mut request = Errand::Catalog.request();
    request.extensions_mut().insert(WholeBody::at_most(10));
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AnswerTooLarge);
    let cause = error.attempts()[0].error.as_ref().unwrap();
    assert_eq!(cause.downcast_ref::<TooLarge>().unwrap().most, 10);
    assert!(stage.got_any(REPLICA).is_empty());
}

/// A report in so many frames of a kilobyte, and how many of them were read.
fn counted(frames: usize) -> (Request<Body>, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&read);
    let frames = (0..frames).map(move |_| {
        counting.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 1024])))
    });
    let body = Body::stream_keeping(StreamBody::new(stream::iter(frames)), 0);
    (Request::put(REPORT).body(body).unwrap(), read)
}

/// Nothing of it is kept, so it could be read only once.
#[tokio::test]
async fn a_body_is_not_touched_before_a_connection_stands() {
    let stage = Stage::start().await;
    let _faults = stage.fault_both(Fault::Refuse).await;
    let (request, read) = counted(8);
    assert!(stage.send(request).await.is_err());
    assert_eq!(read.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_of_which_nothing_is_kept_is_read_once_when_it_moves_before_it_was_sent() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let (request, read) = counted(8);
    let answer = stage.send(request).await.unwrap();
    let refused = Verdict::Unreached(Unreached::Refused);
    assert_eq!(answer.failed(), [(MASTER, refused)]);
    assert_eq!(read.load(Ordering::SeqCst), 8);
    let stored = stage.lab.replica().store().reports();
    assert_eq!(stored[0].body.len(), 8 * 1024);
}

#[tokio::test]
async fn a_body_that_is_made_is_made_once_a_connection_stands() {
    let stage = Stage::start().await;
    let fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let made = Arc::new(AtomicUsize::new(0));
    let report = || {
        let counting = Arc::clone(&made);
        let body = Body::rebuilt_by(move || {
            counting.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Full::new(Bytes::from_static(b"{}")))
        });
        Request::put(REPORT).body(body).unwrap()
    };
    assert_eq!(stage.send(report()).await.unwrap().by(), REPLICA);
    assert_eq!(made.swap(0, Ordering::SeqCst), 1);
    drop(fault);
    let _faults = stage.fault_both(Fault::ResetRequest).await;
    assert!(stage.send(report()).await.is_err());
    let sent = whole(&stage.got_any(MASTER)) + whole(&stage.got_any(REPLICA)) - 1;
    assert_eq!(made.load(Ordering::SeqCst), sent);
}
