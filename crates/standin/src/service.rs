//! Failing over as tower middleware, over any service that sends HTTP requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use standin_core::health::Snapshot;
use standin_core::{Installation, Policy, Server};
use standin_net::ConnectError;
use tower_layer::Layer;
use tower_service::Service;

use crate::drive::drive;
use crate::route::{Route, route};
use crate::shared::{Settings, Shared};
use crate::transport::{Connection, GivesBack, SendError, Transport};
use crate::{Body, Error, ErrorKind, OnLoss, Run};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a service fail over: see [`Failover`].
#[derive(Clone, Debug)]
pub struct FailoverLayer {
    shared: Arc<Shared>,
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
        Self::with_policy(installation, agent, Policy::default())
    }

    /// The same with a policy of one's own.
    ///
    /// # Errors
    /// When a server's name cannot stand in a URL.
    pub fn with_policy(
        installation: Installation,
        agent: &str,
        policy: Policy,
    ) -> Result<Self, Error> {
        let mut settings = Settings::new(installation);
        settings.policy = policy;
        agent.clone_into(&mut settings.agent);
        Ok(Self {
            shared: Shared::new(settings)?,
        })
    }

    /// Begins a run; put it into the extensions of the run's requests.
    #[must_use]
    pub fn begin_run(&self, on_loss: OnLoss) -> Run {
        self.shared.begin_run(on_loss)
    }

    /// What is known of every server now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl<S> Layer<S> for FailoverLayer {
    type Service = Failover<S>;

    fn layer(&self, inner: S) -> Failover<S> {
        Failover {
            inner: Inner(inner),
            shared: Arc::clone(&self.shared),
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
/// A request that belongs to no service, or that names a server outside the installation, goes to
/// its own address unchanged.
#[derive(Clone, Debug)]
pub struct Failover<S> {
    inner: Inner<S>,
    shared: Arc<Shared>,
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
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Error>> + Send>>;

    /// Always ready: which server is asked is not known yet, and each attempt waits for a clone of
    /// the inner service to be ready before it is called.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = request.map(Into::into);
        let shared = Arc::clone(&self.shared);
        let inner = self.inner.clone();
        Box::pin(async move {
            match route(&shared.health, &request)? {
                Route::To(operation) => {
                    let answer = drive(&shared, &inner, request, operation).await?;
                    Ok(answer.response)
                }
                Route::AsItIs(_) => match inner.send(request).await {
                    Ok(response) => Ok(response),
                    Err(error) => Err(Error::because(ErrorKind::Exhausted, error.source)),
                },
            }
        })
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
        std::future::ready(Ok(self.clone()))
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

    /// Readies the very instance that is called: readiness is not shared by clones.
    async fn send(mut self, request: Request<Body>) -> Result<Response<R>, SendError> {
        let mut request = Some(request);
        let sent = std::future::poll_fn(|context| {
            Poll::Ready(match ready!(self.0.poll_ready(context)) {
                Ok(()) => Ok(request.take().map(|request| self.0.call(request))),
                Err(error) => Err(error.into()),
            })
        });
        let failed = |source: BoxError, unsent: Option<Request<Body>>| SendError {
            unsent: unsent.map(Box::new),
            source,
        };
        match sent.await {
            Ok(Some(response)) => response.await.map_err(|error| failed(error.into(), None)),
            Ok(None) => Err(failed(
                "a service was polled after it was called".into(),
                None,
            )),
            Err(source) => Err(failed(source, request)),
        }
    }
}
