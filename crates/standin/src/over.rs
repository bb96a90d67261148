//! Failing over on a transport of one's own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::broadcast;
use crate::client::send_as_it_is;
use crate::drive::Walk;
use crate::producer;
use crate::route::{Route, route};
use crate::shared::Current;
use crate::transport::Transport;
use crate::{Body, Error};

/// Sends each request to the first server of its service that can serve it, over a [`Transport`]:
/// see [`FailoverLayer::over`](crate::FailoverLayer::over).
///
/// It does all that the ready-made [`Client`](crate::Client) does, connections raced and requests
/// sent once, but for what needs bodies that are known: active probing, and evidence from a body
/// that breaks off. Cheap to clone, if the transport is.
#[derive(Clone)]
pub struct Over<T> {
    transport: T,
    current: Arc<Current>,
}

impl<T: Transport> Over<T> {
    pub(crate) const fn new(transport: T, current: Arc<Current>) -> Self {
        Self { transport, current }
    }

    /// Sends a request, as [`Client::request`](crate::Client::request) does.
    ///
    /// # Errors
    /// When nobody answered; the error lists every attempt.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the request, which a server may have got. Nothing is recorded
    /// against the server.
    pub async fn request(
        &self,
        request: Request<impl Into<Body>>,
    ) -> Result<Response<T::ResponseBody>, Error> {
        let mut request: Request<Body> = request.map(Into::into);
        let shared = self.current.now();
        producer::date(&mut request, || shared.clock.wall());
        shared.hub.defaults.fill(&mut request);
        match route(&shared, &request)? {
            Route::To(operation) if broadcast::concerns(&shared, &request) => {
                let submitting = broadcast::submit(&shared, &self.transport, request, operation);
                Ok(Box::pin(submitting).await?.response)
            }
            Route::To(operation) => {
                let walk = Walk::new(&shared, &self.transport, &mut request, operation)?;
                Ok(walk.go(Some(request)).await?.response)
            }
            Route::AsItIs(server) => {
                send_as_it_is(&self.transport, &shared, &server, request).await
            }
        }
    }
}

impl<T: Transport, B: Into<Body>> Service<Request<B>> for Over<T> {
    type Response = Response<T::ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (over, request) = (self.clone(), request.map(Into::into));
        Box::pin(async move { over.request(request).await })
    }
}

impl<T> fmt::Debug for Over<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Over").finish_non_exhaustive()
    }
}
