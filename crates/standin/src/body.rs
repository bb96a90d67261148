//! Request bodies that can be sent again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{Empty, Full};

mod error;
mod rebuilt;
mod stream;

pub use error::RequestBodyError;
use rebuilt::Rebuilt;
use stream::Stream;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much of a stream is kept for sending it again, unless said otherwise: 64 KiB, as Linkerd and
/// Pingora.
pub const KEPT_MOST: usize = 64 * 1024;

/// A request body.
///
/// Bytes are counted references, so sending them again costs nothing. A stream is kept as it is
/// read, up to a bound; one that grew beyond it is sent once and cannot move to another server. A body
/// that can be [made anew](Body::rebuilt_by) is not kept at all.
///
/// Trailers are kept with the rest. Over HTTP/1.1 they are sent if a `Trailer` header names them and
/// the length is not known beforehand.
#[derive(Debug, Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(Stream),
    Rebuilt(Rebuilt),
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// A stream, of which as much is kept as the client keeps of each: [`KEPT_MOST`] bytes at most,
    /// unless [`ClientBuilder::kept_most`](crate::ClientBuilder::kept_most) says otherwise.
    #[must_use]
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Stream(Stream::keeping(body, None)))
    }

    /// A stream, of which at most `most` bytes are kept. One that says beforehand that it is larger
    /// is not kept at all.
    #[must_use]
    pub fn stream_keeping<B>(body: B, most: usize) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Stream(Stream::keeping(body, Some(most))))
    }

    /// A body that `make` makes for each sending, once a connection stands and before anything is
    /// sent on it. If the body knows its length, that is announced.
    ///
    /// Where `make` fails, nothing is sent and the request fails as [`ErrorKind::Local`], with
    /// [`RequestBodyError::NotMade`] and its error beneath. It is called on the task that sends and
    /// must not block it for long.
    ///
    /// ```
    /// # use standin::Body;
    /// # use http_body_util::Full;
    /// let facts = std::path::PathBuf::from("/var/cache/agent/facts.json");
    /// let body = Body::rebuilt_by(move || std::fs::read(&facts).map(|facts| Full::new(facts.into())));
    /// ```
    ///
    /// [`ErrorKind::Local`]: crate::ErrorKind::Local
    #[must_use]
    pub fn rebuilt_by<B, E>(make: impl Fn() -> Result<B, E> + Send + Sync + 'static) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        E: Into<BoxError>,
    {
        Self(Kind::Rebuilt(Rebuilt::by(make)))
    }

    /// The same body once more, or `None` when what was sent of it is no longer there.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self(match &self.0 {
            Kind::Empty => Kind::Empty,
            Kind::Bytes(bytes) => Kind::Bytes(bytes.clone()),
            Kind::Stream(stream) => Kind::Stream(stream.again()?),
            Kind::Rebuilt(rebuilt) => Kind::Rebuilt(rebuilt.again()),
        }))
    }

    /// Makes it, if it is one that is made for each sending.
    pub(crate) fn make(&mut self) -> Result<(), RequestBodyError> {
        match &mut self.0 {
            Kind::Rebuilt(rebuilt) => rebuilt.make().map(drop),
            Kind::Empty | Kind::Bytes(_) | Kind::Stream(_) => Ok(()),
        }
    }

    /// Keeps at most so much of a stream that does not say how much.
    pub(crate) fn keep_at_most(&self, most: usize) {
        if let Kind::Stream(stream) = &self.0 {
            stream.keep_at_most(most);
        }
    }

    /// All of it, if it is here: a counted reference.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Empty => Some(Bytes::new()),
            Kind::Bytes(bytes) => Some(bytes.clone()),
            Kind::Stream(_) | Kind::Rebuilt(_) => None,
        }
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
            Kind::Rebuilt(mut rebuilt) => {
                let frame = rebuilt.poll(context);
                self.0 = Kind::Rebuilt(rebuilt);
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Rebuilt(rebuilt) => rebuilt.is_end_stream(),
            Kind::Bytes(_) | Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
            Kind::Rebuilt(rebuilt) => rebuilt.size_hint(),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Rebuilt(_) => f.write_str("Rebuilt"),
        }
    }
}

#[cfg(test)]
mod tests;
