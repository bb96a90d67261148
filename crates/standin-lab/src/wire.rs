//! One TCP connection that can fall silent or be reset at any moment, whatever TLS and HTTP are doing above it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use crate::scene::Door;

/// A connection that consults its port's door before every read and write.
pub(crate) struct Wire {
    tcp: TcpStream,
    door: watch::Receiver<Door>,
    /// Present while silent: done when the silence is over.
    silence: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
    cut: Arc<Cut>,
    stall: Option<Stall>,
}

/// A handshake that stalls.
struct Stall {
    /// So many bytes may still go out.
    left: usize,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Wire {
    pub(crate) fn new(tcp: TcpStream, door: watch::Receiver<Door>, cut: Arc<Cut>) -> Self {
        Self {
            tcp,
            door,
            silence: None,
            cut,
            stall: None,
        }
    }

    /// Lets `after` more bytes out, and the next ones when `over` is done.
    pub(crate) fn stall(&mut self, after: usize, over: impl Future<Output = ()> + Send + 'static) {
        self.stall = Some(Stall {
            left: after,
            over: Box::pin(over),
        });
    }

    /// How many of `wanted` bytes may go out now.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        let Some(stall) = &mut self.stall else {
            return Poll::Ready(wanted);
        };
        if stall.over.as_mut().poll(cx).is_ready() {
            self.stall = None;
            return Poll::Ready(wanted);
        }
        match stall.left.min(wanted) {
            0 => Poll::Pending,
            room => Poll::Ready(room),
        }
    }

    /// Ready when bytes may move; a failure when the connection is to be reset.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(silence) = &mut self.silence {
                let over = ready!(silence.as_mut().poll(cx));
                self.silence = None;
                over?;
            }
            let door = *self.door.borrow();
            match door {
                Door::Open | Door::HangUp => return Poll::Ready(Ok(())),
                Door::Closed => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Door::Silent | Door::BlackHole => {
                    let mut door = self.door.clone();
                    self.silence = Some(Box::pin(async move {
                        let speaks = |door: &Door| !matches!(door, Door::Silent | Door::BlackHole);
                        match door.wait_for(speaks).await {
                            Ok(_) => Ok(()),
                            Err(_) => Err(io::ErrorKind::ConnectionReset.into()),
                        }
                    }));
                }
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        Pin::new(&mut this.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        let room = ready!(this.poll_room(cx, buf.len()));
        let written = ready!(Pin::new(&mut this.tcp).poll_write(cx, &buf[..room]))?;
        if let Some(stall) = &mut this.stall {
            stall.left -= written;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        ready!(Pin::new(&mut this.tcp).poll_flush(cx))?;
        this.cut.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.stall.is_some() {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.as_mut().poll_write(cx, first.map_or(&[], |buf| buf));
        }
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        Pin::new(&mut this.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.cut.is_due() || *self.door.borrow() == Door::Closed {
            // Without lingering the close is an RST, not a FIN.
            if let Err(error) = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)) {
                tracing::debug!(%error, "a connection could not be reset");
            }
        }
    }
}

/// Whether one connection is to be reset by a fault of its own.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    state: AtomicU8,
    due: Notify,
}

impl Cut {
    /// Resets the connection now.
    pub(crate) fn now(&self) {
        self.state.store(DUE, Ordering::Release);
        self.due.notify_one();
    }

    /// Resets the connection once what was written so far has been handed to the kernel.
    pub(crate) fn after_flush(&self) {
        // Unless it is due already.
        let _ = self
            .state
            .compare_exchange(NO, AFTER_FLUSH, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Waits for the moment.
    pub(crate) async fn due(&self) {
        while !self.is_due() {
            self.due.notified().await;
        }
    }

    fn is_due(&self) -> bool {
        self.state.load(Ordering::Acquire) == DUE
    }

    fn flushed(&self) {
        if self.state.load(Ordering::Acquire) == AFTER_FLUSH {
            self.now();
        }
    }
}

const NO: u8 = 0;
const AFTER_FLUSH: u8 = 1;
const DUE: u8 = 2;
