//! Makes connections: one server, one limit, TCP and TLS together.

use std::time::Duration;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use standin_core::Server;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::tcp::Tcp;
use crate::{ConnectError, Names, Tls};

/// A TLS connection to a server, as hyper reads and writes it.
pub type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes TLS connections to servers. Cheap to clone.
///
/// All addresses of a name are tried, both families side by side as RFC 8305 has it, within one
/// limit that is never divided among them.
#[derive(Clone, Debug)]
pub struct Connector {
    https: HttpsConnector<Tcp>,
}

impl Connector {
    /// A connector that resolves with `names` and trusts as `tls` does.
    #[must_use]
    pub fn new(tls: &Tls, names: Names) -> Self {
        let mut config = tls.config().as_ref().clone();
        // hyper-rustls panics when the caller's configuration has any.
        config.alpn_protocols.clear();
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(Tcp::new(names));
        Self { https }
    }

    /// Connects to `server` within `limit`, TLS included.
    ///
    /// # Errors
    /// When it is not reached or not trusted, or this machine is at fault: the error's verdict tells
    /// which. Nothing was sent.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun.
    pub async fn connect(&self, server: &Server, limit: Duration) -> Result<Stream, ConnectError> {
        let uri = uri(server)?;
        let mut https = self.https.clone();
        match tokio::time::timeout(limit, https.call(uri)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(match error.downcast::<ConnectError>() {
                Ok(judged) => *judged,
                Err(error) => ConnectError::judge(error),
            }),
            Err(_) => Err(ConnectError::timed_out()),
        }
    }
}

fn uri(server: &Server) -> Result<Uri, ConnectError> {
    let authority: Authority = server
        .authority()
        .parse()
        .map_err(|error: http::uri::InvalidUri| ConnectError::judge(error.into()))?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(authority);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map_err(|error| ConnectError::judge(error.into()))
}
