//! The ready-made transport: HTTP/1.1 over TLS, connections kept a while.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use hyper::client::conn::http1::SendRequest;
use standin_core::Server;
use standin_net::{Clock, ConnectError, Connector, Generation, TrustFailure};

use crate::transport::{Connection, GivesBack, SendError, Transport};
use crate::{Body, WholeBody};

mod bounds;
mod pool;
mod response_body;

use bounds::Informational;
pub use bounds::{Bounds, Excess};
use pool::{Admitted, Pool};
pub use response_body::{BodyError, ResponseBody};

/// HTTP/1.1 over the connections of a [`Connector`]. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Https(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: Connector,
    pool: Pool,
    keeping: Keeping,
}

/// How connections are kept, and what is taken from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// How long a connection may be idle and still be used. 4 s by default, as Puppet's agent.
    pub keep_alive: Duration,
    /// Connections to one server at most; 64 by default, far above what an agent has use for. It
    /// guards a server against a program that asks without end and is no queue: a request that finds
    /// them all in use for a tenth of a second fails as this machine's fault. Failing over instead
    /// would move the service for want of patience.
    pub connections: usize,
    /// How long the body of a response may be silent. 30 s by default.
    pub body_idle: Duration,
    /// What a server may send.
    pub bounds: Bounds,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(4),
            connections: 64,
            body_idle: Duration::from_secs(30),
            bounds: Bounds::default(),
        }
    }
}

/// One connection of [`Https`].
#[derive(Debug)]
pub struct HttpsConnection {
    sender: SendRequest<Body>,
    /// What it was made with; once that was renewed it carries no further request.
    generation: Generation,
    server: Server,
    home: Arc<Inner>,
}

impl Https {
    /// A transport with an empty pool.
    #[must_use]
    pub fn new(connector: Connector, keeping: Keeping) -> Self {
        let clock = Clock::start();
        Self(Arc::new(Inner {
            connector,
            pool: Pool::new(clock, keeping.keep_alive, keeping.connections),
            keeping,
        }))
    }
}

/// How long all connections may be in use: less than the head start of a race, so that no other server
/// is dialled meanwhile.
const IN_USE: Duration = Duration::from_millis(100);

/// There may be no further connection to a server.
#[derive(Debug, thiserror::Error)]
#[error(
    "all {most} connections that there may be to {server} are in use; raise Keeping::connections"
)]
struct Full {
    most: usize,
    server: Server,
}

impl Transport for Https {
    type ResponseBody = ResponseBody;
    type Connection = HttpsConnection;

    const GIVES_BACK: GivesBack = GivesBack::Unsent;

    fn warm(&self, server: &Server, idle: Duration) -> Option<HttpsConnection> {
        let generation = self.0.connector.generation();
        let sender = self.0.pool.take(server, idle, generation)?;
        Some(HttpsConnection {
            sender,
            generation,
            server: server.clone(),
            home: Arc::clone(&self.0),
        })
    }

    fn connect(
        &self,
        server: &Server,
        limit: Duration,
    ) -> impl Future<Output = Result<HttpsConnection, ConnectError>> + Send + 'static {
        let (home, server) = (Arc::clone(&self.0), server.clone());
        async move {
            let clock = Clock::start();
            let began = clock.now();
            let generation = home.connector.generation();
            let admitted = home.pool.admit(&server, generation);
            let Ok(admitted) = tokio::time::timeout(limit.min(IN_USE), admitted).await else {
                let most = home.keeping.connections;
                return Err(ConnectError::local(Full { most, server }.into()));
            };
            let (sender, generation) = match admitted {
                Admitted::Kept(sender) => (sender, generation),
                Admitted::New(leave) => {
                    let left = limit.saturating_sub(clock.now().since(began));
                    let stream = home.connector.connect(&server, left).await?;
                    let generation = stream.generation();
                    let (sender, connection) = home
                        .keeping
                        .bounds
                        .handshake(stream)
                        .await
                        .map_err(|error| ConnectError::judge(error.into()))?;
                    tokio::spawn(async move {
                        // Its errors reach whoever waits for a response on it.
                        drop(connection.await);
                        drop(leave);
                    });
                    (sender, generation)
                }
            };
            Ok(HttpsConnection {
                sender,
                generation,
                server,
                home,
            })
        }
    }

    fn keep(&self, _: &Server, connection: HttpsConnection) {
        connection.give_back();
    }

    fn drain(&self, body: ResponseBody) -> impl Future<Output = ()> + Send + 'static {
        // It gives its connection back at its end, and closes it otherwise.
        let reading = body.whole(DRAINED_MOST);
        async move { drop(reading.await) }
    }
}

impl HttpsConnection {
    /// Keeps it for the next request.
    fn give_back(self) {
        let Self {
            sender,
            generation,
            server,
            home,
        } = self;
        home.pool.put(&server, sender, generation);
    }
}

impl Connection for HttpsConnection {
    type ResponseBody = ResponseBody;

    async fn send(mut self, request: Request<Body>) -> Result<Response<ResponseBody>, SendError> {
        let mut request = in_origin_form(request);
        // One that was kept may still be sending the body of a request that was answered early.
        let mut ready = poll_fn(|context| self.sender.poll_ready(context));
        let ready = match (&mut ready).now_or_never() {
            // Nearly always, and then no timer is made.
            Some(ready) => ready.map_err(BoxError::from),
            None => match Box::pin(tokio::time::timeout(READY_SOON, ready)).await {
                Ok(ready) => ready.map_err(BoxError::from),
                Err(elapsed) => Err(elapsed.into()),
            },
        };
        if let Err(source) = ready {
            return Err(SendError {
                unsent: Some(Box::new(request)),
                source,
            });
        }
        tracing::debug!(server = %self.server, "sending");
        let bounds = &self.home.keeping.bounds;
        let whole = request.extensions().get::<WholeBody>();
        let most = whole.and_then(|whole| whole.most());
        let informational = Informational::count(&mut request, bounds.informational);
        let response = {
            let sending = pin!(self.sender.try_send_request(request));
            match select(sending, pin!(informational.excess(bounds.informational))).await {
                Either::Left((response, _)) => response,
                Either::Right(_) => {
                    let most = bounds.informational;
                    return Err(lost(Excess::Informational { most }.into()));
                }
            }
        };
        let response = response.map_err(|mut error| {
            let unsent = error.take_message().map(Box::new);
            let source = bounds.told(error.into_error());
            if let Some(failure) = source.downcast_ref::<TrustFailure>() {
                self.home.connector.was_refused(&self.server, failure);
            }
            SendError { unsent, source }
        })?;
        let idle = self.home.keeping.body_idle;
        let (head, body) = response.into_parts();
        let body = ResponseBody::new(body, idle, self);
        let body = match most {
            Some(most) => Box::pin(body.whole(most)).await.map_err(lost)?,
            None => body,
        };
        Ok(Response::from_parts(head, body))
    }
}

/// No whole answer came to a request that was sent.
fn lost(source: BoxError) -> SendError {
    SendError {
        unsent: None,
        source,
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// More than any server says of a command that it took.
const DRAINED_MOST: usize = 64 * 1024;

/// A connection is ready again as soon as its task was polled after the end of the last answer.
const READY_SOON: Duration = Duration::from_millis(100);

/// What stands on the wire: the path alone, and the host in its header.
fn in_origin_form(mut request: Request<Body>) -> Request<Body> {
    let uri = std::mem::take(request.uri_mut());
    let host = uri
        .authority()
        .and_then(|authority| HeaderValue::try_from(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let path = uri.into_parts().path_and_query;
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    request
}
