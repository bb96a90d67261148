//! A way through a proxy: `CONNECT`, RFC 9110 section 9.3.6.

use std::io;

use standin_core::Verdict;
use standin_core::verdict::Unreached;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ConnectError;
use crate::proxy::Proxy;

/// Asks the proxy at the other end of `tcp` for a way to the server at `host`, as it stands in a URI,
/// and `port`. What follows on the connection is between that server and us.
pub(crate) async fn open(
    tcp: &mut TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let told = |why| TunnelError {
        proxy: proxy.server().to_string(),
        why,
    };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    let broke = |error| told(Why::Broke(error));
    tcp.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut head = Vec::with_capacity(512);
    loop {
        if tcp.read_buf(&mut head).await.map_err(broke)? == 0 {
            return Err(broke(io::ErrorKind::UnexpectedEof.into()));
        }
        match status(&head).map_err(told)? {
            Some(200..=299) => return Ok(()),
            // tinyproxy says 401 to an account that it does not know.
            Some(401 | 407) => return Err(told(Why::WantsAccount)),
            Some(status) => return Err(told(Why::Refused(status))),
            None if head.len() >= HEAD_MOST => return Err(told(Why::NotAProxy)),
            None => {}
        }
    }
}

/// As Squid's `reply_header_max_size` is at most.
const HEAD_MOST: usize = 64 << 10;

/// The status of an answer whose head is complete.
fn status(head: &[u8]) -> Result<Option<u16>, Why> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(head) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => match response.code {
            // No server of TLS speaks first, so what follows a way that is open is of nobody's.
            Some(200..=299) if length < head.len() => Err(Why::NotAProxy),
            Some(status) => Ok(Some(status)),
            None => Err(Why::NotAProxy),
        },
        Err(_) => Err(Why::NotAProxy),
    }
}

/// A proxy gave no way to the server.
#[derive(Debug, thiserror::Error)]
#[error("proxy {proxy}")]
pub(crate) struct TunnelError {
    proxy: String,
    #[source]
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("it was not reached")]
    Unreached(#[source] ConnectError),
    #[error(
        "it asks for an account, or for another; set http_proxy_user and http_proxy_password, or name \
         the server in no_proxy"
    )]
    WantsAccount,
    #[error("it answered {0}; does it allow CONNECT to this port, and can it reach the server?")]
    Refused(u16),
    #[error("what answers there is no HTTP proxy")]
    NotAProxy,
    #[error("it broke the connection off")]
    Broke(#[source] io::Error),
}

impl TunnelError {
    pub(crate) fn unreached(proxy: &Proxy, error: ConnectError) -> Self {
        Self {
            proxy: proxy.server().to_string(),
            why: Why::Unreached(error),
        }
    }

    pub(crate) const fn verdict(&self) -> Verdict {
        match &self.why {
            Why::Unreached(error) => error.verdict(),
            // The same at every server, and no fault of theirs.
            Why::WantsAccount => Verdict::Local,
            // 504 is a server's silence; of the others none says that its port is closed.
            Why::Refused(504) => Verdict::Unreached(Unreached::TimedOut),
            Why::Refused(_) => Verdict::Unreached(Unreached::NoRoute),
            Why::NotAProxy | Why::Broke(_) => Verdict::Unreached(Unreached::Reset),
        }
    }
}
