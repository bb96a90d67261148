//! Bodies that are made anew for each sending.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::{BoxError, RequestBodyError};

type Made = UnsyncBoxBody<Bytes, BoxError>;

/// One sending of a body that is made for it.
pub(super) struct Rebuilt {
    make: Arc<dyn Fn() -> Result<Made, BoxError> + Send + Sync>,
    /// Locked by nobody, but what is sent across threads and shared must say so.
    made: Option<Mutex<Made>>,
}

impl Rebuilt {
    pub(super) fn by<B, E>(make: impl Fn() -> Result<B, E> + Send + Sync + 'static) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        E: Into<BoxError>,
    {
        let make = move || match make() {
            Ok(body) => Ok(body.map_err(Into::into).boxed_unsync()),
            Err(error) => Err(error.into()),
        };
        Self {
            make: Arc::new(make),
            made: None,
        }
    }

    /// Another sending, for which nothing is made yet.
    pub(super) fn again(&self) -> Self {
        Self {
            make: Arc::clone(&self.make),
            made: None,
        }
    }

    /// Makes it, unless that is done already.
    pub(super) fn make(&mut self) -> Result<&mut Made, RequestBodyError> {
        let made = match self.made.take() {
            Some(made) => made,
            None => Mutex::new((self.make)().map_err(RequestBodyError::NotMade)?),
        };
        let made = self.made.insert(made);
        Ok(made.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.make() {
            Ok(made) => Pin::new(made).poll_frame(context),
            Err(error) => Poll::Ready(Some(Err(error.into()))),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.made().is_some_and(|made| made.is_end_stream())
    }

    /// What is known of the length once it is made.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.made()
            .map_or_else(SizeHint::default, |made| made.size_hint())
    }

    fn made(&self) -> Option<MutexGuard<'_, Made>> {
        let made = self.made.as_ref()?;
        Some(made.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
