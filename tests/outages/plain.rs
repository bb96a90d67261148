//! A transport over turmoil's TCP: HTTP/1.1 by hyper, without TLS.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use standin::transport::{ConnectError, Connection, GivesBack, SendError, Transport};
use standin::{Body, Server};
use tokio::time::Instant;
use turmoil::net::TcpStream;

/// Connections that stand, kept by host and port.
#[derive(Clone, Default)]
pub(crate) struct Plain(Arc<Mutex<BTreeMap<String, Vec<Idle>>>>);

struct Idle {
    sender: SendRequest<Body>,
    since: Instant,
}

pub(crate) struct Line {
    sender: SendRequest<Body>,
    server: Server,
    home: Plain,
}

impl Transport for Plain {
    type ResponseBody = Bytes;
    type Connection = Line;

    const GIVES_BACK: GivesBack = GivesBack::Unsent;

    fn warm(&self, server: &Server, idle: Duration) -> Option<Line> {
        let mut all = self.0.lock().unwrap();
        let kept = all.get_mut(server.authority())?;
        kept.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < KEPT);
        if kept.last()?.since.elapsed() > idle {
            return None;
        }
        Some(Line {
            sender: kept.pop()?.sender,
            server: server.clone(),
            home: self.clone(),
        })
    }

    fn connect(
        &self,
        server: &Server,
        limit: Duration,
    ) -> impl Future<Output = Result<Line, ConnectError>> + Send + 'static {
        let (home, server) = (self.clone(), server.clone());
        async move {
            let connecting = TcpStream::connect((server.host(), server.port()));
            let stream = tokio::time::timeout(limit, connecting).await;
            let stream = stream.map_err(|_| ConnectError::timed_out())?;
            let stream = stream.map_err(|error| ConnectError::judge(error.into()))?;
            let made = http1::handshake(TokioIo::new(stream)).await;
            let (sender, line) = made.map_err(|error| ConnectError::judge(error.into()))?;
            tokio::spawn(async move { drop(line.await) });
            Ok(Line {
                sender,
                server,
                home,
            })
        }
    }

    fn keep(&self, server: &Server, line: Line) {
        self.park(server, line.sender);
    }
}

impl Plain {
    fn park(&self, server: &Server, sender: SendRequest<Body>) {
        let mut all = self.0.lock().unwrap();
        all.entry(server.authority().to_owned())
            .or_default()
            .push(Idle {
                sender,
                since: Instant::now(),
            });
    }
}

impl Connection for Line {
    type ResponseBody = Bytes;

    async fn send(mut self, request: Request<Body>) -> Result<Response<Bytes>, SendError> {
        let lost = |error: hyper::Error| SendError {
            unsent: None,
            source: error.into(),
        };
        if let Err(error) = self.sender.ready().await {
            return Err(SendError {
                unsent: Some(Box::new(request)),
                source: error.into(),
            });
        }
        let response = self.sender.try_send_request(request).await;
        let response = response.map_err(|mut error| SendError {
            unsent: error.take_message().map(Box::new),
            source: error.into_error().into(),
        })?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(lost)?.to_bytes();
        self.home.park(&self.server, self.sender);
        Ok(Response::from_parts(head, body))
    }
}

const KEPT: Duration = Duration::from_secs(4);
