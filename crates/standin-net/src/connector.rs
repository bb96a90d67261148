//! Makes connections: one server, one limit, TCP and TLS together.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use hyper_rustls::HttpsConnector;
use standin_core::Server;
use tower_service::Service;

use crate::loud::Loud;
use crate::tcp::Tcp;
use crate::tls::Generation;
use crate::verifier::met;
use crate::{ConnectError, Names, Proxies, Sockets, Stream, Tls, TrustFailure};

/// Makes TLS connections to servers. Cheap to clone.
///
/// All addresses of a name are tried, both families side by side as RFC 8305 has it, within one
/// limit that is never divided among them.
#[derive(Clone, Debug)]
pub struct Connector {
    tls: Tls,
    tcp: Tcp,
    loud: Loud,
}

impl Connector {
    /// A connector that resolves with `names` and trusts as `tls` does.
    #[must_use]
    pub fn new(tls: Tls, names: Names) -> Self {
        Self {
            tls,
            tcp: Tcp {
                names,
                sockets: Sockets::default(),
                proxies: Proxies::default(),
            },
            loud: Loud::default(),
        }
    }

    /// The same with other trust.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// The same with other names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.tcp.names = names;
        self
    }

    /// The same with other socket options.
    #[must_use]
    pub fn sockets(mut self, sockets: Sockets) -> Self {
        self.tcp.sockets = sockets;
        self
    }

    /// The same through proxies. The names of servers that are reached through one are resolved there,
    /// that of the proxy here.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.tcp.proxies = proxies;
        self
    }

    /// Which certificates, keys and lists are in use now. Connections of another [`Generation`] are
    /// not to be used again.
    ///
    /// Changed files are looked for in the background, at most once a second.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.tls.look();
        self.tls.generation()
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
        tracing::debug!(%server, "connecting");
        let stream = tokio::time::timeout(limit, self.make(server, uri))
            .await
            .unwrap_or_else(|_| Err(ConnectError::timed_out()))?;
        if let Some((address, tls)) = stream.way() {
            tracing::debug!(%server, %address, ?tls, "connected");
        }
        Ok(stream)
    }

    async fn make(&self, server: &Server, uri: Uri) -> Result<Stream, ConnectError> {
        let tls = self.tls.up_to_date().await;
        let mut https = HttpsConnector::from((self.tcp.clone(), Arc::clone(&tls.config)));
        let (made, met) = met::watched(https.call(uri)).await;
        match made {
            Ok(io) => {
                self.loud.trusted(server);
                Ok(Stream::new(io, tls.generation))
            }
            Err(error) => Err(match error.downcast::<ConnectError>() {
                Ok(judged) => *judged,
                Err(error) => {
                    let error = ConnectError::of_handshake(error, met.as_ref());
                    if let Some(failure) = TrustFailure::find(&error) {
                        self.loud.failed(server, &failure, tls.generation);
                    }
                    error
                }
            }),
        }
    }

    /// Says loudly that a server refused our certificate after the handshake; once, as is done for what
    /// fails in a handshake.
    pub fn was_refused(&self, server: &Server, failure: &TrustFailure) {
        self.loud.failed(server, failure, self.tls.generation());
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
