//! The body of an answer: chunked as Jetty sends it, or with its length, or broken off on cue.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::wire::Cut;

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// `Content-Length`.
    Sized,
}

/// A body that is there already.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    rest: Bytes,
    framing: Framing,
    ending: Ending,
}

#[derive(Debug)]
enum Ending {
    Proper,
    /// Never ends; the connection is reset once what came before is out.
    Broken(Arc<Cut>),
}

impl ReplyBody {
    pub(crate) fn new(bytes: Bytes, framing: Framing) -> Self {
        Self {
            rest: bytes,
            framing,
            ending: Ending::Proper,
        }
    }

    /// Sends at most `after` bytes, then cuts the connection.
    pub(crate) fn broken(bytes: &Bytes, after: usize, cut: Arc<Cut>) -> Self {
        let rest = bytes.slice(..after.min(bytes.len()));
        // A length would tell the client that it has all of a short body.
        Self {
            rest,
            framing: Framing::Chunked,
            ending: Ending::Broken(cut),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.rest.is_empty() {
            let all = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(all))));
        }
        match &self.ending {
            Ending::Proper => Poll::Ready(None),
            Ending::Broken(cut) => {
                // No waker is kept: hyper flushes next, and the flush ends the connection.
                cut.after_flush();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
            && self.framing == Framing::Sized
            && matches!(self.ending, Ending::Proper)
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Sized => SizeHint::with_exact(self.rest.len() as u64),
            Framing::Chunked => SizeHint::default(),
        }
    }
}
