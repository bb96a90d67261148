//! What becomes of an answer between HTTP and TLS: it runs, drips, breaks off, or is something else.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::exchange::at;
use crate::journal::{Line, Told};
use crate::scene::{Drops, Fate, Part, Scene};
use crate::service::Service;
use crate::wire::Cut;

/// How the answer to the request in hand leaves. One for each connection.
#[derive(Debug)]
pub(crate) struct Tap {
    flow: Mutex<Flow>,
    head: Mutex<Option<Head>>,
    cut: Arc<Cut>,
    scene: watch::Receiver<Arc<Scene>>,
    host: usize,
}

/// A head that is not out yet.
#[derive(Debug)]
struct Head {
    line: Line,
    /// What it will have told.
    told: Told,
    /// How much of its end is out.
    matched: usize,
}

/// How an answer leaves.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// As HTTP writes it.
    Runs,
    /// So many bytes more; then the connection is reset.
    BreaksOff(usize),
    /// That part of it drop by drop, for as long as the work of this service drips.
    Drips(Service, Part),
    /// These bytes come instead, and the connection is closed.
    Is(Bytes),
}

impl Tap {
    pub(crate) fn new(cut: Arc<Cut>, scene: watch::Receiver<Arc<Scene>>, host: usize) -> Self {
        Self {
            flow: Mutex::new(Flow::Runs),
            head: Mutex::new(None),
            cut,
            scene,
            host,
        }
    }

    /// The next answer leaves so, and when its head is out it has told that, in that line of the journal.
    pub(crate) fn next(&self, flow: Flow, line: Line, told: Told) {
        self.set(flow);
        let matched = 0;
        *self.head() = Some(Head {
            line,
            told,
            matched,
        });
    }

    fn set(&self, flow: Flow) {
        *self.flow() = flow;
    }

    /// These bytes of an answer are out.
    fn are_out(&self, bytes: &[u8]) {
        let mut waiting = self.head();
        let Some(head) = waiting.as_mut() else {
            return;
        };
        for byte in bytes {
            head.matched = match *byte == HEAD_END[head.matched] {
                true => head.matched + 1,
                false => usize::from(*byte == HEAD_END[0]),
            };
            if head.matched == HEAD_END.len() {
                head.line.told(head.told);
                *waiting = None;
                return;
            }
        }
    }

    fn head(&self) -> MutexGuard<'_, Option<Head>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the work of `service` drips now, if it does.
    fn drops(&self, service: Service) -> Option<Drops> {
        match self.scene.borrow().work(self.host, service) {
            Fate::Drip(drops, _) => Some(drops),
            _ => None,
        }
    }

    /// Waits between two drops, or until they are to run again.
    async fn between_drops(self: Arc<Self>, service: Service) {
        let began = Instant::now();
        let mut scene = self.scene.clone();
        loop {
            scene.mark_unchanged();
            let Some(drops) = self.drops(service) else {
                return;
            };
            tokio::select! {
                () = at(began.checked_add(drops.every)) => return,
                changed = scene.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Written in one piece: HTTP buffers a head whole.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A TLS connection with a tap.
pub(crate) struct Tapped<S> {
    io: S,
    tap: Arc<Tap>,
    /// Present while the next drop is not due.
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Tapped<S> {
    pub(crate) fn new(io: S, tap: Arc<Tap>) -> Self {
        Self {
            io,
            tap,
            pause: None,
        }
    }
}

impl<S: AsyncWrite + Unpin> Tapped<S> {
    /// Writes at most `left` bytes, and has the connection reset where none are left.
    fn poll_break_off(
        &mut self,
        cx: &mut Context<'_>,
        from: &[u8],
        left: usize,
    ) -> Poll<io::Result<usize>> {
        if left == 0 {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.tap.cut.now();
            return Poll::Pending;
        }
        let from = &from[..from.len().min(left)];
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, from))?;
        self.tap.set(Flow::BreaksOff(left - written));
        Poll::Ready(Ok(written))
    }

    /// Writes what belongs to the head; the rest drips.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        from: &[u8],
        service: Service,
    ) -> Poll<io::Result<usize>> {
        let end = from.windows(HEAD_END.len()).position(|at| at == HEAD_END);
        let head = end.map_or(from, |at| &from[..at + HEAD_END.len()]);
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, head))?;
        if end.is_some() && written == head.len() {
            self.tap.set(Flow::Drips(service, Part::Answer));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_drop(
        &mut self,
        cx: &mut Context<'_>,
        from: &[u8],
        service: Service,
    ) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let Some(Drops { bytes, .. }) = self.tap.drops(service) else {
            self.tap.set(Flow::Runs);
            return Pin::new(&mut self.io).poll_write(cx, from);
        };
        let drop = &from[..from.len().min(bytes)];
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, drop))?;
        self.pause = Some(Box::pin(Arc::clone(&self.tap).between_drops(service)));
        Poll::Ready(Ok(written))
    }

    /// Writes what comes instead, and closes. The answer's own bytes go nowhere.
    fn poll_instead(&mut self, cx: &mut Context<'_>, mut bytes: Bytes) -> Poll<io::Result<usize>> {
        while !bytes.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &bytes))?;
            self.tap.are_out(&bytes[..written]);
            bytes.advance(written);
            self.tap.set(Flow::Is(bytes.clone()));
        }
        ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let flow = this.tap.flow().clone();
        let written = ready!(match flow {
            _ if from.is_empty() => return Poll::Ready(Ok(0)),
            Flow::Is(bytes) => return this.poll_instead(cx, bytes),
            Flow::Runs => Pin::new(&mut this.io).poll_write(cx, from),
            Flow::BreaksOff(left) => this.poll_break_off(cx, from, left),
            Flow::Drips(service, Part::Answer) => this.poll_drop(cx, from, service),
            Flow::Drips(service, Part::Body) => this.poll_head(cx, from, service),
        })?;
        this.tap.are_out(&from[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tapped<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}
