//! Reads whole answers of any HTTP service.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Reading, Whole, WholeBody};
use crate::https::BodyError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Heeds [`WholeBody`] in the extensions of requests to an inner service. The ready-made
/// [`Client`](crate::Client) does that itself.
///
/// It lies beneath [`FailoverLayer`](crate::FailoverLayer), so that an answer that breaks off while it
/// is read is one that did not come:
///
/// ```
/// # use standin::{FailoverLayer, Installation, WholeBody, WholeBodyLayer};
/// # use tower::{Layer, service_fn};
/// # let inner = service_fn(|_: http::Request<standin::Body>| async {
/// #     Ok::<_, std::io::Error>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
/// # });
/// let installation = Installation::of_hosts("master.example.com", Some("replica.example.com"))?;
/// let failover = FailoverLayer::builder(installation)
///     .whole_bodies(WholeBody::at_most(64 << 20))
///     .build()?;
/// let service = failover.layer(WholeBodyLayer::new().layer(inner));
/// # fn is_a_service<S: tower::Service<http::Request<standin::Body>>>(_: S) {}
/// # is_a_service(service);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WholeBodyLayer {
    idle: Duration,
}

impl WholeBodyLayer {
    /// A layer that gives up a body that is silent for 30 s, as the ready-made client does.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            idle: Duration::from_secs(30),
        }
    }

    /// Gives up a body that is silent for so long.
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

impl Default for WholeBodyLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for WholeBodyLayer {
    type Service = WholeBodies<S>;

    fn layer(&self, inner: S) -> WholeBodies<S> {
        WholeBodies {
            inner,
            idle: self.idle,
        }
    }
}

/// A service that reads answers to their end where requests ask for it: see [`WholeBodyLayer`].
#[derive(Clone, Debug)]
pub struct WholeBodies<S> {
    inner: S,
    idle: Duration,
}

impl<S, B, R> Service<Request<B>> for WholeBodies<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    R: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<MaybeWhole<R>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let whole = request.extensions().get::<WholeBody>();
        let most = whole.and_then(|whole| whole.most());
        let idle = self.idle;
        let answering = self.inner.call(request);
        Box::pin(async move {
            let (head, body) = answering.await.map_err(Into::into)?.into_parts();
            let body = match most {
                Some(most) => Source::Whole {
                    whole: read(body, most, idle).await?,
                },
                None => Source::AsItComes { body },
            };
            Ok(Response::from_parts(head, MaybeWhole { source: body }))
        })
    }
}

async fn read<R>(mut body: R, most: usize, idle: Duration) -> Result<Whole, BoxError>
where
    R: HttpBody<Data = Bytes> + Unpin,
    R::Error: Into<BoxError>,
{
    let mut reading = Reading::of(&body.size_hint(), most)?;
    loop {
        match tokio::time::timeout(idle, body.frame()).await {
            Ok(Some(frame)) => reading.take(frame.map_err(Into::into)?)?,
            Ok(None) => return Ok(reading.end()),
            Err(_) => return Err(BodyError::Silent { idle }.into()),
        }
    }
}

pin_project! {
    /// The body of an answer: read already, or as it comes.
    #[derive(Debug)]
    pub struct MaybeWhole<R> {
        #[pin]
        source: Source<R>,
    }
}

pin_project! {
    #[project = SourceNow]
    #[derive(Debug)]
    enum Source<R> {
        AsItComes { #[pin] body: R },
        Whole { #[pin] whole: Whole },
    }
}

impl<R: HttpBody<Data = Bytes>> HttpBody for MaybeWhole<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        match self.project().source.project() {
            SourceNow::AsItComes { body } => body.poll_frame(context),
            SourceNow::Whole { whole } => {
                let frame = ready!(whole.poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::AsItComes { body } => body.is_end_stream(),
            Source::Whole { whole } => whole.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::AsItComes { body } => body.size_hint(),
            Source::Whole { whole } => whole.size_hint(),
        }
    }
}
