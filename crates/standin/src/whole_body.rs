//! Answers that are read to their end before they are handed out.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

mod layer;

pub use layer::{MaybeWhole, WholeBodies, WholeBodyLayer};

/// In the extensions of a request, or [for all of a client](crate::ClientBuilder::whole_bodies): whether
/// the body of the answer is read to its end before the answer is handed out.
///
/// For callers who have no use for half a catalog. An answer that breaks off is then as one that did not
/// come: a request that may be repeated goes to another server, another ends as
/// [`MaybeProcessed`](crate::ErrorKind::MaybeProcessed). Deadlines, and the time that the operation
/// usually takes, count until the end of the body. One that is larger than was asked for ends the
/// request as [`AnswerTooLarge`](crate::ErrorKind::AnswerTooLarge), before it is read if it says how
/// large it is: it is as large at the next server, and its server is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WholeBody {
    most: Option<usize>,
}

impl WholeBody {
    /// It is read to its end, and it may have so many bytes. As much is held in memory: 64 MiB, say,
    /// which is as much as PXP agents take.
    #[must_use]
    pub const fn at_most(bytes: usize) -> Self {
        Self { most: Some(bytes) }
    }

    /// It is handed out as it comes, which is the default.
    #[must_use]
    pub const fn as_it_comes() -> Self {
        Self { most: None }
    }

    /// How many bytes it may have if it is read.
    pub(crate) const fn most(self) -> Option<usize> {
        self.most
    }
}

/// The body of an answer has more bytes than were asked for.
#[derive(Debug, thiserror::Error)]
#[error(
    "the answer has more than {most} bytes; take more with WholeBody::at_most, or read it as it comes"
)]
pub struct TooLarge {
    /// So many were asked for.
    pub most: usize,
}

/// A body that is being read.
pub(crate) struct Reading {
    most: usize,
    data: BytesMut,
    trailers: Option<HeaderMap>,
}

impl Reading {
    /// A body of which this is known. One that says that it is too large is not read.
    pub(crate) fn of(hint: &SizeHint, most: usize) -> Result<Self, TooLarge> {
        if hint.lower() > most as u64 {
            return Err(TooLarge { most });
        }
        Ok(Self {
            most,
            data: BytesMut::new(),
            trailers: None,
        })
    }

    pub(crate) fn take(&mut self, frame: Frame<Bytes>) -> Result<(), TooLarge> {
        let most = self.most;
        match frame.into_data() {
            Ok(data) if data.len() > most - self.data.len() => Err(TooLarge { most }),
            Ok(data) => {
                self.data.extend_from_slice(&data);
                Ok(())
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                Ok(())
            }
        }
    }

    pub(crate) fn end(self) -> Whole {
        Whole {
            data: self.data.freeze(),
            trailers: self.trailers,
        }
    }
}

/// A body that was read.
#[derive(Debug)]
pub(crate) struct Whole {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

impl Whole {
    pub(crate) const fn of(data: Bytes) -> Self {
        Self {
            data,
            trailers: None,
        }
    }
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match std::mem::take(&mut self.data) {
            data if data.is_empty() => self.trailers.take().map(Frame::trailers),
            data => Some(Frame::data(data)),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64)
    }
}
