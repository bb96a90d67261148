//! The ready-made transport: HTTP/1.1 over TLS, connections kept a while.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use hyper::client::conn::http1::{self, SendRequest};
use standin_core::Server;
use standin_net::{Clock, ConnectError, Connector, Generation, TrustFailure};

use crate::Body;
use crate::transport::{Connection, GivesBack, SendError, Transport};

mod pool;
mod response_body;

use pool::Pool;
pub use response_body::{BodyError, ResponseBody};

/// HTTP/1.1 over the connections of a [`Connector`]. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Https(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: Connector,
    pool: Pool,
    body_idle: Duration,
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
    /// A transport with an empty pool that keeps connections for `keep_alive`. A response body may
    /// be silent for `body_idle`.
    #[must_use]
    pub fn new(connector: Connector, keep_alive: Duration, body_idle: Duration) -> Self {
        Self(Arc::new(Inner {
            connector,
            pool: Pool::new(Clock::start(), keep_alive),
            body_idle,
        }))
    }
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
            let stream = home.connector.connect(&server, limit).await?;
            let generation = stream.generation();
            let (sender, connection) = http1::handshake(stream)
                .await
                .map_err(|error| ConnectError::judge(error.into()))?;
            // Its errors reach whoever waits for a response on it.
            tokio::spawn(async move { drop(connection.await) });
            Ok(HttpsConnection {
                sender,
                generation,
                server,
                home,
            })
        }
    }

    fn keep(&self, server: &Server, connection: HttpsConnection) {
        let (sender, generation) = (connection.sender, connection.generation);
        self.0.pool.put(server, sender, generation);
    }
}

impl Connection for HttpsConnection {
    type ResponseBody = ResponseBody;

    async fn send(mut self, request: Request<Body>) -> Result<Response<ResponseBody>, SendError> {
        let request = in_origin_form(request);
        // One that was kept may still be sending the body of a request that was answered early.
        let ready = poll_fn(|context| self.sender.poll_ready(context));
        let ready = tokio::time::timeout(READY_SOON, ready).await;
        if let Err(source) = ready.map_err(BoxError::from).and_then(|ready| Ok(ready?)) {
            return Err(SendError {
                unsent: Some(Box::new(request)),
                source,
            });
        }
        match self.sender.try_send_request(request).await {
            Ok(response) => {
                let Self {
                    sender,
                    generation,
                    server,
                    home,
                } = self;
                let idle = home.body_idle;
                let give_back = move || home.pool.put(&server, sender, generation);
                Ok(response.map(|body| ResponseBody::new(body, idle, give_back)))
            }
            Err(mut error) => Err(SendError {
                unsent: error.take_message().map(Box::new),
                source: told(error.into_error()),
            }),
        }
    }
}

/// A refusal of our certificate is told as what it is, and not as a connection that broke.
fn told(error: hyper::Error) -> BoxError {
    match TrustFailure::find(&error) {
        Some(failure) => failure.into(),
        None => error.into(),
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

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
