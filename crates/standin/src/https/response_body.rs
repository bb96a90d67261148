//! Response bodies: bounded in silence, and giving their connection back.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{BoxError, HttpsConnection};
use crate::whole_body::{Reading, Whole};

/// The body of a response.
///
/// Read to its end it gives its connection back for the next request; dropped before, it closes it.
pub struct ResponseBody {
    source: Source,
    idle: Duration,
    silence: Option<Pin<Box<Sleep>>>,
    /// To be given back at its end.
    connection: Option<HttpsConnection>,
    on_cut: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// Where it comes from.
enum Source {
    Incoming(Incoming),
    /// It was asked for whole.
    Whole(Whole),
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
    pub(super) fn new(incoming: Incoming, idle: Duration, connection: HttpsConnection) -> Self {
        let mut body = Self {
            source: Source::Incoming(incoming),
            idle,
            silence: None,
            connection: Some(connection),
            on_cut: None,
        };
        if body.is_end_stream() {
            body.end();
        }
        body
    }

    /// A body that no server sent.
    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self {
            source: Source::Whole(Whole::of(bytes)),
            idle: Duration::ZERO,
            silence: None,
            connection: None,
            on_cut: None,
        }
    }

    /// Reads it to its end, `most` bytes at most.
    pub(super) async fn whole(mut self, most: usize) -> Result<Self, BoxError> {
        let mut reading = Reading::of(&self.size_hint(), most)?;
        while let Some(frame) = self.frame().await {
            reading.take(frame?)?;
        }
        self.source = Source::Whole(reading.end());
        Ok(self)
    }

    /// Calls `cut` once if the body breaks off.
    pub(crate) fn on_cut(&mut self, cut: impl FnOnce() + Send + Sync + 'static) {
        self.on_cut = Some(Box::new(cut));
    }

    fn end(&mut self) {
        self.on_cut = None;
        if let Some(connection) = self.connection.take() {
            connection.give_back();
        }
    }

    fn cut(&mut self, error: BodyError) -> BodyError {
        self.connection = None;
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
        let polled = match &mut body.source {
            Source::Incoming(incoming) => Pin::new(incoming).poll_frame(context),
            Source::Whole(whole) => {
                let frame = ready!(Pin::new(whole).poll_frame(context));
                return Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})));
            }
        };
        match polled {
            Poll::Ready(frame) => {
                body.silence = None;
                let frame = frame.transpose();
                if matches!(frame, Ok(None)) || body.is_end_stream() {
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
        match &self.source {
            Source::Incoming(incoming) => incoming.is_end_stream(),
            Source::Whole(whole) => whole.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Incoming(incoming) => incoming.size_hint(),
            Source::Whole(whole) => whole.size_hint(),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Incoming(incoming) => incoming.fmt(f),
            Source::Whole(whole) => whole.fmt(f),
        }
    }
}
