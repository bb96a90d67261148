//! Request bodies that can be sent again.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much of a stream is kept for sending it again, unless said otherwise: 64 KiB, as Linkerd and
/// Pingora.
pub const KEPT_MOST: usize = 64 * 1024;

/// A request body.
///
/// Bytes are counted references, so sending them again costs nothing. A stream is kept as it is
/// read, up to a bound; one that grew beyond it is sent once and cannot move to another server.
#[derive(Debug, Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(Stream),
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// A stream, of which at most [`KEPT_MOST`] bytes are kept.
    #[must_use]
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::stream_keeping(body, KEPT_MOST)
    }

    /// A stream, of which at most `most` bytes are kept. One that says beforehand that it is larger
    /// is not kept at all.
    #[must_use]
    pub fn stream_keeping<B>(body: B, most: usize) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hint = body.size_hint();
        let too_large = hint.lower() > most as u64;
        let source = body.map_err(Into::into).boxed_unsync();
        Self(Kind::Stream(Stream {
            shared: Arc::new(Mutex::new(Source {
                rest: Some(source),
                kept: Vec::new(),
                kept_bytes: 0,
                most,
                taken: 0,
                keeping: if too_large {
                    Keeping::GaveUp
                } else {
                    Keeping::All
                },
                ended: false,
                waiting: Vec::new(),
            })),
            next: 0,
            hint,
        }))
    }

    /// The bytes of a body that is neither empty nor a stream.
    pub(crate) const fn bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Empty | Kind::Stream(_) => None,
        }
    }

    /// The same body once more, or `None` when what was sent of it is no longer there.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self(match &self.0 {
            Kind::Empty => Kind::Empty,
            Kind::Bytes(bytes) => Kind::Bytes(bytes.clone()),
            Kind::Stream(stream) => {
                let source = stream.lock();
                if source.keeping == Keeping::GaveUp && source.taken > 0 {
                    return None;
                }
                Kind::Stream(Stream {
                    shared: Arc::clone(&stream.shared),
                    next: 0,
                    hint: stream.hint,
                })
            }
        }))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        match bytes.is_empty() {
            true => Self::empty(),
            false => Self(Kind::Bytes(bytes)),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<Empty<Bytes>> for Body {
    fn from(_: Empty<Bytes>) -> Self {
        Self::empty()
    }
}

impl From<Full<Bytes>> for Body {
    fn from(full: Full<Bytes>) -> Self {
        match full.into_inner() {
            Some(bytes) => bytes.into(),
            None => Self::empty(),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match std::mem::take(&mut self.0) {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Kind::Stream(mut stream) => {
                let frame = stream.poll(context);
                self.0 = Kind::Stream(stream);
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) if stream.next == 0 => stream.hint,
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// One reading of a stream that may be read again.
struct Stream {
    shared: Arc<Mutex<Source>>,
    /// The next frame of this reading, among those kept.
    next: usize,
    hint: SizeHint,
}

struct Source {
    rest: Option<UnsyncBoxBody<Bytes, BoxError>>,
    kept: Vec<KeptFrame>,
    kept_bytes: usize,
    most: usize,
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

/// A stream was sent, in part, and what was sent was not kept.
#[derive(Debug, thiserror::Error)]
#[error("the request body was sent before and was too large to be kept for sending it again")]
struct NotKept;

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
        if self.keeping == Keeping::All && self.kept_bytes > self.most {
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
    fn lock(&self) -> MutexGuard<'_, Source> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let shared = Arc::clone(&self.shared);
        let mut source = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = source.kept.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(kept.frame())));
        }
        // Another reading has gone on where this one would have to.
        if self.next != source.taken {
            return Poll::Ready(Some(Err(NotKept.into())));
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

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use std::time::Duration;

    fn chunks(count: usize, size: usize) -> impl HttpBody<Data = Bytes, Error = BoxError> {
        let frames = (0..count).map(move |_| Ok(Frame::data(Bytes::from(vec![b'x'; size]))));
        StreamBody::new(stream::iter(frames))
    }

    async fn read(body: Body) -> Result<usize, BoxError> {
        Ok(body.collect().await?.to_bytes().len())
    }

    #[tokio::test]
    async fn bytes_are_sent_again_and_again() {
        let body = Body::from("text");
        for _ in 0..3 {
            assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 4);
        }
    }

    #[tokio::test]
    async fn a_small_stream_is_sent_again_whole() {
        let body = Body::stream(chunks(10, 100));
        for _ in 0..3 {
            assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
        }
    }

    #[tokio::test]
    async fn a_stream_read_in_part_is_sent_again_whole() {
        let body = Body::stream(chunks(10, 100));
        let mut first = body.try_clone().unwrap();
        first.frame().await.unwrap().unwrap();
        drop(first);
        assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
    }

    #[tokio::test]
    async fn a_stream_beyond_the_bound_is_sent_once() {
        let body = Body::stream_keeping(chunks(10, 100), 500);
        assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
        assert!(body.try_clone().is_none());
    }

    #[tokio::test]
    async fn a_stream_beyond_the_bound_that_was_not_begun_may_still_be_sent() {
        let body = Body::stream_keeping(Full::new(Bytes::from(vec![0; 1000])), 500);
        assert!(body.try_clone().is_some());
        assert_eq!(read(body.try_clone().unwrap()).await.unwrap(), 1000);
        assert!(body.try_clone().is_none());
    }

    #[tokio::test]
    async fn a_reading_that_comes_too_late_fails_and_does_not_send_half() {
        let body = Body::stream_keeping(chunks(10, 100), 500);
        let late = body.try_clone().unwrap();
        read(body).await.unwrap();
        assert!(read(late).await.is_err());
    }

    #[tokio::test]
    async fn a_body_that_failed_is_not_sent_again_as_if_it_were_whole() {
        let half = Frame::data(Bytes::from_static(b"half"));
        let frames: [Result<_, BoxError>; 2] = [Ok(half), Err("disk".into())];
        let body = Body::stream(StreamBody::new(stream::iter(frames)));
        assert!(read(body.try_clone().unwrap()).await.is_err());
        assert!(body.try_clone().is_none());
        assert!(read(body).await.is_err());
    }

    #[tokio::test]
    async fn two_readings_at_once_leave_no_hole() {
        let body = Body::stream_keeping(chunks(6, 100), 300);
        let mut first = body.try_clone().unwrap();
        let mut second = body.try_clone().unwrap();
        for _ in 0..3 {
            first.frame().await.unwrap().unwrap();
        }
        for _ in 0..2 {
            second.frame().await.unwrap().unwrap();
        }
        first.frame().await.unwrap().unwrap();
        assert!(second.frame().await.unwrap().is_err());
        assert_eq!(read(first).await.unwrap(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn readings_that_wait_side_by_side_are_all_served() {
        let (source, frames) = tokio::sync::mpsc::channel(1);
        let frames = stream::unfold(frames, async |mut frames| {
            Some((frames.recv().await?, frames))
        });
        let body = Body::stream(StreamBody::new(Box::pin(frames)));
        let readings = [(); 3].map(|()| tokio::spawn(read(body.try_clone().unwrap())));
        let [first, ..] = &readings;
        for _ in 0..4 {
            // All of them wait by now.
            tokio::task::yield_now().await;
            let frame = Frame::data(Bytes::from_static(b"1234"));
            source.send(Ok::<_, BoxError>(frame)).await.unwrap();
        }
        first.abort();
        drop(source);
        for reading in readings.into_iter().skip(1) {
            // Time passes only when nobody has anything left to do.
            let reading = tokio::time::timeout(Duration::from_secs(1), reading);
            let reading = reading.await.expect("nobody woke it");
            assert_eq!(reading.unwrap().unwrap(), 16);
        }
    }

    #[test]
    fn the_length_is_known_before_anything_is_read() {
        assert_eq!(Body::from("text").size_hint().exact(), Some(4));
        assert_eq!(Body::empty().size_hint().exact(), Some(0));
        let full = Body::stream(Full::new(Bytes::from_static(b"12345")));
        assert_eq!(full.size_hint().exact(), Some(5));
    }
}
