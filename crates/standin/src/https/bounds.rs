//! What is taken from a server at most.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use http::Request;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use standin_net::{Stream, TrustFailure};

use super::BoxError;
use crate::Body;

/// How much a server may send before its answer is given up as [`Loss::Excess`].
///
/// [`Loss::Excess`]: standin_core::verdict::Loss::Excess
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a head, status line and all. 64 KiB by default, at least 8 KiB: Jetty, which Puppet's
    /// servers are made of, sends 8 KiB at most unless it is told otherwise.
    pub head: usize,
    /// Header fields of a head. 100 by default, as hyper.
    pub headers: usize,
    /// Informational answers (1xx) before the real one. 8 by default; Puppet's servers send one at
    /// most, `100 Continue`.
    pub informational: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: 64 << 10,
            headers: 100,
            informational: 8,
        }
    }
}

impl Bounds {
    /// Below this hyper does not go.
    const HEAD_LEAST: usize = 8 << 10;

    /// HTTP/1.1 within these bounds.
    pub(super) async fn handshake(
        &self,
        stream: Stream,
    ) -> hyper::Result<(SendRequest<Body>, Connection<Stream, Body>)> {
        http1::Builder::new()
            .max_buf_size(self.head.max(Self::HEAD_LEAST))
            .max_headers(self.headers)
            .handshake(stream)
            .await
    }

    /// What hyper met, told as what it is: a head that is too large, a refusal of our certificate.
    pub(super) fn told(&self, error: hyper::Error) -> BoxError {
        if error.is_parse_too_large() {
            let (bytes, headers) = (self.head, self.headers);
            return Excess::Head { bytes, headers }.into();
        }
        match TrustFailure::find(&error) {
            Some(failure) => failure.into(),
            None => error.into(),
        }
    }
}

/// A server sent more than is taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Excess {
    /// Of a head.
    #[error(
        "the head of the answer has more than {bytes} bytes or {headers} fields; is this a Puppet \
         server? Raise Bounds::head or Bounds::headers if it is"
    )]
    Head {
        /// Bytes that are taken.
        bytes: usize,
        /// Fields that are taken.
        headers: usize,
    },
    /// Of informational answers.
    #[error(
        "more than {most} informational answers came and no real one; is this a Puppet server? \
         Raise Bounds::informational if it is"
    )]
    Informational {
        /// So many are taken.
        most: usize,
    },
}

/// Counts the informational answers to one request.
#[derive(Debug, Default)]
pub(super) struct Informational {
    seen: AtomicUsize,
    too_many: AtomicWaker,
}

impl Informational {
    /// Counts those to `request`.
    pub(super) fn count(request: &mut Request<Body>, most: usize) -> Arc<Self> {
        let counted = Arc::new(Self::default());
        let counting = Arc::clone(&counted);
        hyper::ext::on_informational(request, move |_| {
            if counting.seen.fetch_add(1, Ordering::AcqRel) >= most {
                counting.too_many.wake();
            }
        });
        counted
    }

    /// Ends when there were more than `most`.
    pub(super) async fn excess(&self, most: usize) {
        poll_fn(|context| {
            self.too_many.register(context.waker());
            match self.seen.load(Ordering::Acquire) > most {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}
