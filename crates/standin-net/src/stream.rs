//! A connection to a server.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use rustls::ProtocolVersion;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;

use crate::tls::Generation;

/// A TLS connection to a server, as hyper reads and writes it.
#[derive(Debug)]
pub struct Stream {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    generation: Generation,
}

impl Stream {
    pub(crate) const fn new(
        io: MaybeHttpsStream<TokioIo<TcpStream>>,
        generation: Generation,
    ) -> Self {
        Self { io, generation }
    }

    /// The certificate that the server showed.
    pub(crate) fn shown(&self) -> Option<&CertificateDer<'static>> {
        let MaybeHttpsStream::Https(tls) = &self.io else {
            return None;
        };
        let (_, session) = tls.inner().get_ref();
        session.peer_certificates()?.first()
    }

    /// The address at its other end, which may be a proxy's, and the version of TLS.
    pub(crate) fn way(&self) -> Option<(SocketAddr, ProtocolVersion)> {
        let MaybeHttpsStream::Https(tls) = &self.io else {
            return None;
        };
        let (tcp, session) = tls.inner().get_ref();
        let address = tcp.inner().inner().peer_addr().ok()?;
        Some((address, session.protocol_version()?))
    }

    /// Which certificates, keys and lists it was made with.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, from)
    }
}
