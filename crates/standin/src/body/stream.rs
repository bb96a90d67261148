//! Streams that are kept as they are read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::{BoxError, KEPT_MOST, RequestBodyError};

/// One reading of a stream that may be read again.
pub(super) struct Stream {
    shared: Arc<Mutex<Source>>,
    /// The next frame of this reading, among those kept.
    next: usize,
    hint: SizeHint,
}

struct Source {
    rest: Option<UnsyncBoxBody<Bytes, BoxError>>,
    kept: Vec<KeptFrame>,
    kept_bytes: usize,
    most: Option<usize>,
    /// Frames read from the source, by whoever read them.
    taken: usize,
    keeping: Keeping,
    ended: bool,
    /// Readings that wait for the next frame: the source wakes only who asked it last.
    waiting: Vec<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    All,
    GaveUp,
}

enum KeptFrame {
    Data(Bytes),
    Trailers(http::HeaderMap),
}

impl Source {
    fn give_up(&mut self) {
        self.keeping = Keeping::GaveUp;
        self.kept.clear();
    }

    fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|other| other.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    fn keep(&mut self, frame: &Frame<Bytes>) {
        self.kept_bytes = self
            .kept_bytes
            .saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if self.keeping == Keeping::All && self.kept_bytes > self.most.unwrap_or(KEPT_MOST) {
            self.give_up();
        }
        if self.keeping == Keeping::All {
            self.kept.extend(KeptFrame::of(frame));
        }
    }
}

impl KeptFrame {
    fn of(frame: &Frame<Bytes>) -> Option<Self> {
        match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => Some(Self::Data(data.clone())),
            (None, Some(trailers)) => Some(Self::Trailers(trailers.clone())),
            (None, None) => None,
        }
    }

    fn frame(&self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data.clone()),
            Self::Trailers(trailers) => Frame::trailers(trailers.clone()),
        }
    }
}

impl Stream {
    /// Keeps at most so much, or what it is [told](Stream::keep_at_most) later, before it is read.
    pub(super) fn keeping<B>(body: B, most: Option<usize>) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hint = body.size_hint();
        let source = body.map_err(Into::into).boxed_unsync();
        let stream = Self {
            shared: Arc::new(Mutex::new(Source {
                rest: Some(source),
                kept: Vec::new(),
                kept_bytes: 0,
                most: None,
                taken: 0,
                keeping: Keeping::All,
                ended: false,
                waiting: Vec::new(),
            })),
            next: 0,
            hint,
        };
        if let Some(most) = most {
            stream.keep_at_most(most);
        }
        stream
    }

    /// Keeps at most so much, unless that is settled. What says beforehand that it is larger is not kept
    /// at all.
    pub(super) fn keep_at_most(&self, most: usize) {
        let mut source = self.lock();
        if source.most.is_none() {
            source.most = Some(most);
            if self.hint.lower() > most as u64 {
                source.give_up();
            }
        }
    }

    /// Another reading, or `None` when what was read is no longer there.
    pub(super) fn again(&self) -> Option<Self> {
        let source = self.lock();
        if source.keeping == Keeping::GaveUp && source.taken > 0 {
            return None;
        }
        Some(Self {
            shared: Arc::clone(&self.shared),
            next: 0,
            hint: self.hint,
        })
    }

    /// What is known of the length as long as nothing was read.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self.next {
            0 => self.hint,
            _ => SizeHint::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Source> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let shared = Arc::clone(&self.shared);
        let mut source = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = source.kept.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(kept.frame())));
        }
        // Another reading has gone on where this one would have to.
        if self.next != source.taken {
            return Poll::Ready(Some(Err(RequestBodyError::NotKept.into())));
        }
        if source.ended {
            return Poll::Ready(None);
        }
        let Some(rest) = source.rest.as_mut() else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(rest).poll_frame(context) else {
            source.wait(context.waker());
            return Poll::Pending;
        };
        let waiting = std::mem::take(&mut source.waiting);
        match &frame {
            Some(Ok(frame)) => {
                source.keep(frame);
                source.taken += 1;
                self.next += 1;
            }
            Some(Err(_)) => {
                // What comes after it is lost, so no later reading may pass for whole.
                source.give_up();
                source.taken += 1;
                source.rest = None;
            }
            None => {
                source.ended = true;
                source.rest = None;
            }
        }
        drop(source);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(frame)
    }
}

impl Drop for Stream {
    /// Another reading may have to ask in its place.
    fn drop(&mut self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }
}
