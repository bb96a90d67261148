//! Failing over as tower middleware, over any service that sends HTTP requests.

use std::fmt;
use std::future::{self, Future};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use arc_swap::{ArcSwap, Cache};
use futures_util::TryFutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use standin_core::health::{Snapshot, Target};
use standin_core::{Installation, Policy, Server};
use standin_net::{ConnectError, MemoryError};
use tokio::sync::watch;
use tower_layer::Layer;
use tower_service::Service;

use crate::broadcast;
use crate::client::unanswered;
use crate::drive::{UnderWay, Walk};
use crate::producer;
use crate::route::{Route, route};
use crate::shared::{Current, Force, Settings, Shared};
use crate::transport::{Connection, GivesBack, SendError, Transport};
use crate::{Body, Classify, Error, OnLoss, Over, Run};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a service fail over: see [`Failover`].
#[derive(Clone, Debug)]
pub struct FailoverLayer {
    current: Arc<Current>,
}

/// What a layer is made of: see [`FailoverLayer::builder`].
#[derive(Debug)]
pub struct FailoverLayerBuilder {
    pub(crate) settings: Settings,
}

impl FailoverLayer {
    /// A layer with the default policy.
    ///
    /// `agent` is the agent's name; it chooses when, within the failback spread, this agent returns
    /// to the master. Services made by one layer share what they learn.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL.
    pub fn new(installation: Installation, agent: &str) -> Result<Self, Error> {
        Self::builder(installation).agent(agent).build()
    }

    /// A client over a transport of one's own: connections are raced on it, and requests are sent
    /// once. All that is made by one layer shares what it learns.
    pub fn over<T: Transport>(&self, transport: T) -> Over<T> {
        Over::new(transport, Arc::clone(&self.current))
    }

    /// A layer for `installation`, to be set up further.
    #[must_use]
    pub fn builder(installation: Installation) -> FailoverLayerBuilder {
        FailoverLayerBuilder {
            settings: Settings::new(installation),
        }
    }

    /// Begins a run; put it into the extensions of the run's requests.
    #[must_use]
    pub fn begin_run(&self, on_loss: OnLoss) -> Run {
        self.current.begin_run(on_loss)
    }

    /// Other servers from now on, as [`Client::set_installation`](crate::Client::set_installation)
    /// has it.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL; then nothing changes.
    pub fn set_installation(&self, installation: &Installation) -> Result<(), Error> {
        self.current.change(installation)
    }

    /// What is known of every server now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.current.now().snapshot()
    }

    /// What is known of every server, shown anew whenever something of it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.watch()
    }

    /// Benches a server, or a service at it, until [`FailoverLayer::force_up`]. It is still tried when
    /// nobody else is left.
    pub fn force_down(&self, target: &Target) {
        self.current.force(target, Force::Down);
    }

    /// Takes back [`FailoverLayer::force_down`], and forgets what speaks against the server or
    /// service.
    pub fn force_up(&self, target: &Target) {
        self.current.force(target, Force::Up);
    }

    /// Writes down what was learned, as [`Client::remember`](crate::Client::remember) has it.
    ///
    /// # Errors
    /// When the memory file cannot be written.
    ///
    /// # Cancel safety
    /// The file is whole whenever the future is dropped.
    pub async fn remember(&self) -> Result<(), MemoryError> {
        self.current.remember().await
    }
}

impl FailoverLayerBuilder {
    /// The policy; the default is the design's. Its probing is the ready-made client's alone.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// The agent's name, usually its certname. It chooses when, within the failback spread, this
    /// agent returns to the master.
    #[must_use]
    pub fn agent(mut self, name: &str) -> Self {
        name.clone_into(&mut self.settings.agent);
        self
    }

    /// How answers are read; the default is [`PuppetAnswers`](crate::PuppetAnswers).
    #[must_use]
    pub fn classify(mut self, classify: impl Classify) -> Self {
        self.settings.classify = Box::new(classify);
        self
    }

    /// A file in which what is learned is kept for the next process, as
    /// [`ClientBuilder::memory`](crate::ClientBuilder::memory) has it.
    #[must_use]
    pub fn memory(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.memory = Some(path.into());
        self
    }

    /// The layer.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL.
    pub fn build(self) -> Result<FailoverLayer, Error> {
        Ok(FailoverLayer {
            current: Arc::new(Current::new(self.settings)?),
        })
    }
}

impl<S> Layer<S> for FailoverLayer {
    type Service = Failover<S>;

    fn layer(&self, inner: S) -> Failover<S> {
        Failover {
            inner: Inner(inner),
            shared: self.current.watched(),
        }
    }
}

/// Sends each request to the first server of its service that can serve it.
///
/// The inner service gets requests with an absolute URL. It connects and sends in one, so here
/// connections are not raced, and a failure is known to have happened before the request was sent
/// only when its error holds a [`ConnectError`] or hyper-util's own connect error; everything else
/// may have been processed. The ready-made [`Client`](crate::Client) knows more.
///
/// The time for which the inner service is not ready counts as waiting for the answer: limit load
/// above this layer and not beneath it. An inner client's own connect time-out should be shorter
/// than [`Policy`]'s patience and silence together (6 s), or a black hole looks like a lost request.
///
/// A request that belongs to no service, or that names a server outside the installation, goes to
/// its own address unchanged, without a deadline of ours.
#[derive(Clone, Debug)]
pub struct Failover<S> {
    inner: Inner<S>,
    shared: Cache<Arc<ArcSwap<Shared>>, Arc<Shared>>,
}

#[derive(Clone, Debug)]
struct Inner<S>(S);

impl<S, B, R> Service<Request<B>> for Failover<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Into<Body>,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = ResponseFuture<S>;

    /// Always ready: which server is asked is not known yet, and each attempt waits for a clone of
    /// the inner service to be ready before it is called.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request: Request<Body> = request.map(Into::into);
        let shared = self.shared.load();
        producer::date(&mut request, || shared.clock.wall());
        shared.hub.defaults.fill(&mut request);
        let operation = match route(shared, &request) {
            Ok(Route::To(operation)) if broadcast::concerns(shared, &request) => {
                let (shared, inner) = (Arc::clone(shared), self.inner.clone());
                return ResponseFuture::boxed(async move {
                    let submitting = broadcast::submit(&shared, &inner, request, operation);
                    Ok(submitting.await?.response)
                });
            }
            Ok(Route::To(operation)) => operation,
            Ok(Route::AsItIs(_)) => {
                let sending = self.inner.clone().send(request);
                return ResponseFuture::boxed(sending.map_err(unanswered));
            }
            Err(error) => return ResponseFuture::failed(error),
        };
        let mut walk = match Walk::new(shared, &self.inner, &mut request, operation) {
            Ok(walk) => walk,
            Err(error) => return ResponseFuture::failed(error),
        };
        match walk.begin(&mut request) {
            Ok(Some((connection, under_way))) => ResponseFuture {
                state: State::First {
                    sending: Sending::new(connection, request),
                    under_way,
                    walk: Some(walk),
                },
            },
            Ok(None) => ResponseFuture::boxed(rest_of(walk, Some(request))),
            Err(error) => ResponseFuture::failed(error),
        }
    }
}

/// All of a walk that the first attempt did not settle.
fn rest_of<T: Transport>(
    walk: Walk<T>,
    request: Option<Request<Body>>,
) -> impl Future<Output = Result<Response<T::ResponseBody>, Error>> + Send {
    walk.go(request).map_ok(|answer| answer.response)
}

pin_project! {
    /// The response to come of a [`Failover`].
    pub struct ResponseFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    /// Nearly always the first attempt gets the answer, and then nothing needs to be boxed.
    #[project = StateNow]
    enum State<S>
    where
        S: Service<Request<Body>>,
    {
        First {
            #[pin]
            sending: Sending<S>,
            under_way: UnderWay,
            // There until the first attempt has failed.
            walk: Option<Walk<Inner<S>>>,
        },
        Boxed { rest: BoxFuture<'static, Result<S::Response, Error>> },
    }
}

impl<S, R> ResponseFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    R: Send + 'static,
{
    fn boxed(rest: impl Future<Output = Result<Response<R>, Error>> + Send + 'static) -> Self {
        let rest = Box::pin(rest);
        Self {
            state: State::Boxed { rest },
        }
    }

    fn failed(error: Error) -> Self {
        Self::boxed(future::ready(Err(error)))
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    R: Send + 'static,
{
    type Output = Result<Response<R>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        if let StateNow::First {
            sending,
            under_way,
            walk,
        } = state.as_mut().project()
            && let Some(going) = walk
        {
            match ready!(going.poll_head(under_way, sending, context)) {
                Ok(mut response) => {
                    if going.weigh(&mut response, under_way).is_some() {
                        return Poll::Ready(Ok(response));
                    }
                }
                Err(unanswered) => going.give_up_on(unanswered, under_way),
            }
            if let Some(walk) = walk.take() {
                let rest = Box::pin(rest_of(walk, None));
                state.set(State::Boxed { rest });
            }
        }
        match state.project() {
            StateNow::Boxed { rest } => rest.as_mut().poll(context),
            // The walk goes only where the state changes with it.
            StateNow::First { .. } => Poll::Pending,
        }
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, R> Transport for Inner<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    R: Send + 'static,
{
    type ResponseBody = R;
    type Connection = Self;

    const GIVES_BACK: GivesBack = GivesBack::Nothing;

    fn warm(&self, _: &Server, _: Duration) -> Option<Self> {
        Some(self.clone())
    }

    fn connect(
        &self,
        _: &Server,
        _: Duration,
    ) -> impl Future<Output = Result<Self, ConnectError>> + Send + 'static {
        future::ready(Ok(self.clone()))
    }
}

impl<S, R> Connection for Inner<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    R: Send + 'static,
{
    type ResponseBody = R;

    fn send(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<R>, SendError>> + Send {
        Sending::new(self, request)
    }
}

pin_project! {
    /// A request on its way through the inner service.
    #[project = SendingState]
    enum Sending<S: Service<Request<Body>>> {
        Readying { service: S, request: Option<Box<Request<Body>>> },
        Called { #[pin] response: S::Future },
        Failed { error: Option<SendError> },
    }
}

impl<S, R> Sending<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    /// Calls at once if the service is ready at once, as it nearly always is; the request then need
    /// not be kept. Otherwise readiness is waited for when this is polled, with a waker.
    fn new(inner: Inner<S>, request: Request<Body>) -> Self {
        let mut service = inner.0;
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Self::Called {
                response: service.call(request),
            },
            Poll::Ready(Err(error)) => Self::Failed {
                error: Some(unsent(error, Some(Box::new(request)))),
            },
            Poll::Pending => Self::Readying {
                service,
                request: Some(Box::new(request)),
            },
        }
    }
}

impl<S, R> Future for Sending<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<R>, SendError>;

    /// Readies the very instance that is called: readiness is not shared by clones.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match self.as_mut().project() {
                SendingState::Called { response } => {
                    return response.poll(context).map_err(|error| SendError {
                        unsent: None,
                        source: error.into(),
                    });
                }
                SendingState::Failed { error } => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                SendingState::Readying { service, request } => {
                    let readied = ready!(service.poll_ready(context));
                    let taken = request.take();
                    match (readied, taken) {
                        (Ok(()), Some(request)) => service.call(*request),
                        (Err(error), taken) => return Poll::Ready(Err(unsent(error, taken))),
                        // Taken once, the request makes this state the other or ends the future.
                        (Ok(()), None) => return Poll::Pending,
                    }
                }
            };
            self.set(Self::Called { response });
        }
    }
}

fn unsent(error: impl Into<BoxError>, request: Option<Box<Request<Body>>>) -> SendError {
    SendError {
        unsent: request,
        source: error.into(),
    }
}
