//! The tower middleware, over hyper-util's client with the lab's certificates.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Pending, Ready, pending, ready};
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client, Error as HyperError, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use standin::{
    Body, Deadline, Error, ErrorKind, FailoverLayer, Installation, OnLoss, Served, SslFiles,
    Switched, Tls, Verdict,
};
use standin_core::verdict::{Loss, Unreached};
use standin_lab::{Fault, Flaw, Service as LabService};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

use crate::harness::{AGENT, Errand, MASTER, NODE, REPLICA, Stage, policy, whole};

const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);

/// hyper-util's client as anybody would make it: the agent's certificate, the lab's authority.
pub(crate) fn plain(
    stage: &Stage,
) -> impl Service<
    Request<Body>,
    Response = Response<Incoming>,
    Error = HyperError,
    Future = ResponseFuture,
> + Clone
+ Send
+ Sync
+ 'static {
    let files = SslFiles::in_dir(stage.lab.ssl_dir(), AGENT);
    let tls = Tls::from_files(&files).unwrap();
    let mut tcp = HttpConnector::new_with_resolver(tower::service_fn(lookup(stage)));
    tcp.enforce_http(false);
    // Shorter than the patience with a silent server: the layer cannot see what is connecting.
    tcp.set_connect_timeout(Some(policy().connect.limit_benched));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls.config().as_ref().clone())
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new()).build(https)
}

type Addresses = std::option::IntoIter<SocketAddr>;

fn lookup(
    stage: &Stage,
) -> impl Fn(Name) -> Ready<Result<Addresses, Infallible>> + Clone + Send + Sync + 'static {
    let known: HashMap<String, IpAddr> = stage.lab.resolve().into_iter().collect();
    move |name| {
        let found = known.get(name.as_str());
        ready(Ok(found.map(|ip| SocketAddr::new(*ip, 0)).into_iter()))
    }
}

pub(crate) fn layer() -> FailoverLayer {
    let installation = Installation::of_hosts(MASTER, Some(REPLICA)).unwrap();
    let layer = FailoverLayer::builder(installation).agent(AGENT);
    layer.policy(policy()).build().unwrap()
}

async fn ask(stage: &Stage, errand: Errand) -> Result<Response<Incoming>, Error> {
    let service = layer().layer(plain(stage));
    service.oneshot(errand.request()).await
}

fn served(response: &Response<Incoming>) -> &Served {
    response.extensions().get().expect("who served it")
}

fn failed(response: &Response<Incoming>) -> Vec<(&str, Verdict)> {
    let attempts = served(response).failed.iter();
    attempts
        .map(|attempt| (attempt.server.host(), attempt.verdict))
        .collect()
}

#[tokio::test]
async fn the_master_serves_while_all_is_well() {
    let stage = Stage::start().await;
    for errand in Errand::RUN {
        let response = ask(&stage, errand).await.unwrap();
        assert_eq!(response.status(), 200, "{errand:?}");
        assert_eq!(served(&response).server.host(), MASTER);
        assert_eq!(failed(&response), []);
    }
}

#[tokio::test]
async fn a_refused_request_goes_to_the_replica() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let response = ask(&stage, Errand::Catalog).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), served(&response).server.host()),
        (200, REPLICA)
    );
    assert_eq!(failed(&response), [(MASTER, REFUSED)]);
}

#[tokio::test]
async fn so_does_one_for_a_black_hole() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(LabService::PuppetServer, Fault::BlackHole)
        .await;
    let response = ask(&stage, Errand::Node).await.unwrap();
    assert_eq!(
        failed(&response),
        [(MASTER, Verdict::Unreached(Unreached::TimedOut))]
    );
}

#[tokio::test]
async fn so_does_one_for_a_server_that_is_not_trusted() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault_host(MASTER, Fault::Untrusted(Flaw::WrongName))
        .await;
    let response = ask(&stage, Errand::Node).await.unwrap();
    assert_eq!(failed(&response), [(MASTER, Verdict::Untrusted)]);
}

#[tokio::test]
async fn a_catalog_that_was_lost_is_asked_for_again_at_the_replica() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::ResetRequest).await;
    let response = ask(&stage, Errand::Catalog).await.unwrap();
    assert_eq!(failed(&response), [(MASTER, Verdict::Lost(Loss::Reset))]);
}

#[tokio::test]
async fn a_write_whose_connection_was_refused_was_not_processed() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let error = ask(&stage, Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotDuringFailover);
    assert_eq!(error.attempts()[0].verdict, REFUSED);
}

#[tokio::test]
async fn a_post_that_nobody_knows_moves_when_its_connection_was_refused() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let unknown = Request::post("/puppet/v3/unknown")
        .body(Body::from("once"))
        .unwrap();
    let response = layer().layer(plain(&stage)).oneshot(unknown).await.unwrap();
    assert_eq!(served(&response).server.host(), REPLICA);
    assert_eq!(whole(&stage.got_any(REPLICA)), 1);
}

#[tokio::test]
async fn a_write_that_was_lost_is_not_sent_again() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::ResetRequest).await;
    let error = ask(&stage, Errand::ClassifierEdit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(whole(&stage.got(MASTER, LabService::NodeClassifier)), 1);
    assert!(stage.got_any(REPLICA).is_empty());
}

#[tokio::test]
async fn a_silent_server_is_given_up_here_too() {
    let stage = Stage::start().await;
    let _fault = stage
        .fault(LabService::PuppetServer, Fault::SilentAfterTls)
        .await;
    let response = ask(&stage, Errand::Node).await.unwrap();
    assert_eq!(failed(&response), [(MASTER, Verdict::Lost(Loss::Silent))]);
}

#[tokio::test]
async fn a_request_of_no_service_passes_unchanged() {
    let stage = Stage::start().await;
    let status = Request::get("https://replica.test:8140/status/v1/simple")
        .body(Body::empty())
        .unwrap();
    let response = layer().layer(plain(&stage)).oneshot(status).await.unwrap();
    assert!(response.extensions().get::<Served>().is_none());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "running");
    assert_eq!(stage.status_asked(REPLICA), 1);
}

#[tokio::test]
async fn services_of_one_layer_share_what_they_learn() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let (layer, plain) = (layer(), plain(&stage));
    let first = layer.layer(plain.clone()).oneshot(Errand::Node.request());
    assert_eq!(failed(&first.await.unwrap()), [(MASTER, REFUSED)]);
    let second = layer.layer(plain).oneshot(Errand::Node.request());
    assert_eq!(failed(&second.await.unwrap()), []);
}

#[tokio::test]
async fn a_run_that_lost_its_server_says_so() {
    let stage = Stage::start().await;
    let layer = layer();
    let service = layer.layer(plain(&stage));
    let run = layer.begin_run(OnLoss::Cross);
    let request = || {
        let mut request = Errand::Node.request();
        request.extensions_mut().insert(run.clone());
        request
    };
    let first = service.clone().oneshot(request()).await.unwrap();
    assert_eq!(served(&first).switched, Switched::No);
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let second = service.oneshot(request()).await.unwrap();
    assert_eq!(served(&second).switched, Switched::Yes);
}

#[tokio::test]
async fn a_timeout_of_tower_around_it_ends_a_request() {
    let stage = Stage::start().await;
    let _faults = stage.fault_both(Fault::SilentAfterTls).await;
    let service = ServiceBuilder::new()
        .timeout(Duration::from_millis(100))
        .layer(layer())
        .service(plain(&stage));
    let error: BoxError = service.oneshot(Errand::Node.request()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
}

#[tokio::test]
async fn a_timeout_of_tower_around_it_lets_a_failover_through() {
    let stage = Stage::start().await;
    let _fault = stage.fault_host(MASTER, Fault::Refuse).await;
    let service = ServiceBuilder::new()
        .timeout(crate::harness::SOON)
        .layer(layer())
        .service(plain(&stage));
    let response = service.oneshot(Errand::Node.request()).await.unwrap();
    assert_eq!(served(&response).server.host(), REPLICA);
}

#[tokio::test]
async fn a_request_without_a_service_and_an_address_is_refused() {
    let stage = Stage::start().await;
    let nowhere = Request::get("/status/v1/simple")
        .body(Body::empty())
        .unwrap();
    let error = layer()
        .layer(plain(&stage))
        .oneshot(nowhere)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoService);
    let nowhere = Request::get(NODE.replace("/puppet/", "/elsewhere/")).body(Body::empty());
    let error = layer()
        .layer(plain(&stage))
        .oneshot(nowhere.unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoService);
}

/// A service that is never ready.
#[derive(Clone)]
struct Busy;

impl Service<Request<Body>> for Busy {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pending<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        pending()
    }
}

#[test]
fn it_is_ready_whatever_the_service_beneath_is() {
    let mut service = layer().layer(Busy);
    let mut context = Context::from_waker(Waker::noop());
    let readied = Service::<Request<Body>>::poll_ready(&mut service, &mut context);
    assert!(matches!(readied, Poll::Ready(Ok(()))));
}

/// How much time the inner service is told it has for a request that came with `span`.
async fn left_for_the_inner(span: Duration) -> Duration {
    let (told, heard) = std::sync::mpsc::channel();
    let inner = tower::service_fn(move |request: Request<Body>| {
        let deadline = request.extensions().get::<Deadline>();
        told.send(deadline.expect("a deadline").left()).unwrap();
        ready(Ok::<_, Infallible>(Response::new(())))
    });
    let mut request = Errand::Node.request();
    request.extensions_mut().insert(Deadline::within(span));
    layer().layer(inner).oneshot(request).await.unwrap();
    heard.recv().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_came_with_a_request_is_handed_on() {
    let span = Duration::from_secs(20);
    assert_eq!(left_for_the_inner(span).await, span);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_beyond_the_policys_is_handed_on_as_the_policys() {
    let left = left_for_the_inner(Duration::from_secs(9999)).await;
    assert_eq!(left, policy().deadline.cheap);
}
