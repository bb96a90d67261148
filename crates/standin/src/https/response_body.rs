//! Response bodies: bounded in silence, and giving their connection back.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// The body of a response.
///
/// Read to its end it gives its connection back for the next request; dropped before, it closes it.
pub struct ResponseBody {
    incoming: Incoming,
    idle: Duration,
    silence: Option<Pin<Box<Sleep>>>,
    at_end: Option<Box<dyn FnOnce() + Send + Sync>>,
    on_cut: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// A response body broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The connection broke, or what came was not HTTP.
    #[error("the answer broke off before its end")]
    Broken(#[source] hyper::Error),
    /// Nothing came for too long.
    #[error("the answer broke off: nothing came for {} s", .idle.as_secs_f64())]
    Silent {
        /// How long.
        idle: Duration,
    },
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        idle: Duration,
        at_end: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        let mut body = Self {
            incoming,
            idle,
            silence: None,
            at_end: Some(Box::new(at_end)),
            on_cut: None,
        };
        if body.incoming.is_end_stream() {
            body.end();
        }
        body
    }

    /// Calls `cut` once if the body breaks off.
    pub(crate) fn on_cut(&mut self, cut: impl FnOnce() + Send + Sync + 'static) {
        self.on_cut = Some(Box::new(cut));
    }

    fn end(&mut self) {
        self.on_cut = None;
        if let Some(at_end) = self.at_end.take() {
            at_end();
        }
    }

    fn cut(&mut self, error: BodyError) -> BodyError {
        self.at_end = None;
        if let Some(on_cut) = self.on_cut.take() {
            on_cut();
        }
        error
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = &mut *self;
        match Pin::new(&mut body.incoming).poll_frame(context) {
            Poll::Ready(frame) => {
                body.silence = None;
                let frame = frame.transpose();
                if matches!(frame, Ok(None)) || body.incoming.is_end_stream() {
                    body.end();
                }
                let frame = frame.map_err(|error| body.cut(BodyError::Broken(error)));
                Poll::Ready(frame.transpose())
            }
            Poll::Pending => {
                let idle = body.idle;
                let until = Instant::now() + idle;
                let silence = body
                    .silence
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                ready!(silence.as_mut().poll(context));
                Poll::Ready(Some(Err(body.cut(BodyError::Silent { idle }))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.incoming.fmt(f)
    }
}
