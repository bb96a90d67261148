//! The server's end of a TCP connection, which carries so many bytes either way and no more.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Where a wire ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Nowhere,
    /// TLS gets so many bytes. The end is reached once `all` came, so that the client has sent what it
    /// would.
    In {
        bytes: usize,
        all: usize,
    },
    /// The client gets so many bytes. The end is reached when they are out.
    Out {
        bytes: usize,
    },
}

/// What went over a wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) came: usize,
    pub(crate) went: usize,
    /// What had come each time that the server began to write.
    pub(crate) came_at_turns: Vec<usize>,
    /// What had gone out each time that the client began to write.
    pub(crate) went_at_turns: Vec<usize>,
}

/// The meter of one wire, which stays when the wire is gone.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    traffic: Mutex<Traffic>,
    reached: Notify,
}

impl Meter {
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic.lock().unwrap().clone()
    }

    /// Waits for the end.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    fn came(&self, bytes: usize) -> usize {
        let mut traffic = self.traffic.lock().unwrap();
        if traffic.went_at_turns.last() != Some(&traffic.went) && traffic.went > 0 {
            let went = traffic.went;
            traffic.went_at_turns.push(went);
        }
        traffic.came += bytes;
        traffic.came
    }

    fn went(&self, bytes: usize) -> usize {
        let mut traffic = self.traffic.lock().unwrap();
        if traffic.came_at_turns.last() != Some(&traffic.came) {
            let came = traffic.came;
            traffic.came_at_turns.push(came);
        }
        traffic.went += bytes;
        traffic.went
    }
}

pub(crate) struct Wire {
    tcp: TcpStream,
    end: End,
    meter: Arc<Meter>,
}

impl Wire {
    pub(crate) fn new(tcp: TcpStream, end: End, meter: Arc<Meter>) -> Self {
        if matches!(end, End::Out { bytes: 0 }) {
            meter.reached.notify_one();
        }
        Self { tcp, end, meter }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let before = into.filled().len();
            ready!(Pin::new(&mut this.tcp).poll_read(context, into))?;
            let read = into.filled().len() - before;
            let came = this.meter.came(read);
            let End::In { bytes, all } = this.end else {
                return Poll::Ready(Ok(()));
            };
            if came >= all {
                this.meter.reached.notify_one();
            }
            let passed = read.min(bytes.saturating_sub(came - read));
            into.set_filled(before + passed);
            // The client's end is its own business.
            if passed > 0 || read == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let End::Out { bytes } = this.end else {
            let written = ready!(Pin::new(&mut this.tcp).poll_write(context, from))?;
            this.meter.went(written);
            return Poll::Ready(Ok(written));
        };
        let left = bytes - this.meter.traffic().went;
        if left == 0 {
            return Poll::Pending;
        }
        let from = &from[..from.len().min(left)];
        let written = ready!(Pin::new(&mut this.tcp).poll_write(context, from))?;
        if this.meter.went(written) == bytes {
            this.meter.reached.notify_one();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}
