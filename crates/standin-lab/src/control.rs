//! A lab that is told what to do over HTTP, for tests in any language.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `GET /v1/lab` | tells where everything is | `{"confdir", "ssldir", "hosts": [{"name", "address", "role"}]}` |
//! | `POST /v1/faults` | switches a [`Fault`] on: `{"host", "service", "what"}`, the service only if it is not the whole host | 201 `{"id"}` once it is in effect |
//! | `GET /v1/faults` | those that are on | `[{"id", "host", "service", "what"}]` |
//! | `DELETE /v1/faults/ID` | lifts one; `DELETE /v1/faults` all | 204 once it is lifted |
//! | `POST /v1/promote` | promotes a replica: `{"host"}` | 204 |
//! | `POST /v1/revoke` | revokes a certificate: `{"certname"}` | 204 |
//! | `GET /v1/journal` | what the servers received, in order | `[{"at_ms", "host", "service", "purpose", "method", "path", "whole", "body_bytes", "answered", "certname"}]` |
//! | `DELETE /v1/journal` | forgets it | 204 |
//!
//! What is wrong with a request is told in `{"error"}` with 400, 404 or 405. Bodies are JSON. It is plain HTTP without any
//! access control: give it an address of this machine only.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::{Fault, FaultGuard, Host, Lab, LabError, Purpose, Receipt, Received, Service, Target};

/// The control of a lab, listening. It ends when dropped, and the faults that it switched on end with it.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Desk {
    lab: Arc<Lab>,
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    last: u64,
    on: BTreeMap<u64, (Strike, FaultGuard)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strike {
    host: String,
    service: Option<Service>,
    what: Fault,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichHost {
    host: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichAgent {
    certname: String,
}

/// What is answered.
struct Reply {
    status: StatusCode,
    body: Option<Value>,
    allow: Option<&'static str>,
}

impl Control {
    /// Listens on `address`; with port 0 on a free one.
    ///
    /// # Errors
    ///
    /// If the address cannot be had.
    pub async fn start(lab: Arc<Lab>, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            lab,
            faults: Mutex::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, desk));
        Ok(Self {
            address,
            _serving: serving,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let desk = Arc::clone(&desk);
                    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
                    connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection to the control was not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    desk: Arc<Desk>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let reply = desk.take(request).await.unwrap_or_else(|refusal| refusal);
    let body = reply
        .body
        .map_or_else(Bytes::new, |body| body.to_string().into());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    if let Some(allow) = reply.allow {
        headers.insert(ALLOW, http::HeaderValue::from_static(allow));
    }
    Ok(response)
}

impl Desk {
    async fn take(&self, request: Request<Incoming>) -> Result<Reply, Reply> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (parts.as_slice(), &head.method) {
            (["v1", "lab"], &Method::GET) => Ok(Reply::with(self.describe())),
            (["v1", "lab"], _) => Err(Reply::not_allowed("GET")),
            (["v1", "faults"], &Method::GET) => Ok(Reply::with(self.faults().await)),
            (["v1", "faults"], &Method::POST) => self.strike(read(body).await?).await,
            (["v1", "faults"], &Method::DELETE) => {
                let all = std::mem::take(&mut self.faults.lock().await.on);
                for (_, guard) in all.into_values() {
                    guard.lift().await;
                }
                Ok(Reply::done())
            }
            (["v1", "faults"], _) => Err(Reply::not_allowed("GET, POST, DELETE")),
            (["v1", "faults", id], &Method::DELETE) => self.lift(id).await,
            (["v1", "faults", _], _) => Err(Reply::not_allowed("DELETE")),
            (["v1", "promote"], &Method::POST) => {
                let WhichHost { host } = read(body).await?;
                self.lab.promote(&host).await?;
                Ok(Reply::done())
            }
            (["v1", "revoke"], &Method::POST) => {
                let WhichAgent { certname } = read(body).await?;
                self.lab.revoke(&certname)?;
                Ok(Reply::done())
            }
            (["v1", "promote" | "revoke"], _) => Err(Reply::not_allowed("POST")),
            (["v1", "journal"], &Method::GET) => {
                let entries = self.lab.journal().entries();
                Ok(Reply::with(entries.iter().map(receipt).collect()))
            }
            (["v1", "journal"], &Method::DELETE) => {
                self.lab.journal().clear();
                Ok(Reply::done())
            }
            (["v1", "journal"], _) => Err(Reply::not_allowed("GET, DELETE")),
            _ => Err(Reply::refusal(
                StatusCode::NOT_FOUND,
                &format!(
                    "there is no {path}; there are lab, faults, promote, revoke and journal below /v1"
                ),
            )),
        }
    }

    fn describe(&self) -> Value {
        let host = |host: &Host| {
            json!({
                "name": host.name(),
                "address": host.ip(),
                "role": host.role(),
            })
        };
        json!({
            "confdir": self.lab.conf_dir(),
            "ssldir": self.lab.ssl_dir(),
            "hosts": self.lab.hosts().iter().map(host).collect::<Vec<_>>(),
        })
    }

    async fn faults(&self) -> Value {
        let faults = self.faults.lock().await;
        let on = faults.on.iter().map(|(id, (strike, _))| {
            let Strike {
                host,
                service,
                what,
            } = strike;
            json!({ "id": id, "host": host, "service": service, "what": what })
        });
        on.collect()
    }

    async fn strike(&self, strike: Strike) -> Result<Reply, Reply> {
        let target = match strike.service {
            Some(service) => Target::Service(&strike.host, service),
            None => Target::Host(&strike.host),
        };
        let guard = self.lab.fault(target, strike.what.clone()).await?;
        let mut faults = self.faults.lock().await;
        faults.last += 1;
        let id = faults.last;
        faults.on.insert(id, (strike, guard));
        Ok(Reply {
            status: StatusCode::CREATED,
            body: Some(json!({ "id": id })),
            allow: None,
        })
    }

    async fn lift(&self, id: &str) -> Result<Reply, Reply> {
        let number = id.parse::<u64>().ok();
        let mut faults = self.faults.lock().await;
        match number.and_then(|id| faults.on.remove(&id)) {
            Some((_, guard)) => {
                guard.lift().await;
                Ok(Reply::done())
            }
            None => Err(Reply::refusal(
                StatusCode::NOT_FOUND,
                &format!("no fault {id} is on"),
            )),
        }
    }
}

impl Reply {
    fn with(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            allow: None,
        }
    }

    fn done() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
            allow: None,
        }
    }

    fn refusal(status: StatusCode, error: &str) -> Self {
        Self {
            status,
            body: Some(json!({ "error": error })),
            allow: None,
        }
    }

    fn not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("here is only {allow}"),
            )
        }
    }
}

impl From<LabError> for Reply {
    fn from(error: LabError) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        match error {
            LabError::UnknownHost { .. } => Self::refusal(StatusCode::BAD_REQUEST, &text),
            _ => Self::refusal(StatusCode::INTERNAL_SERVER_ERROR, &text),
        }
    }
}

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Reply> {
    let bad = |error: String| Reply::refusal(StatusCode::BAD_REQUEST, &error);
    let whole = Limited::new(body, MOST).collect().await;
    let whole = whole.map_err(|error| bad(format!("the body cannot be read: {error}")))?;
    serde_json::from_slice(&whole.to_bytes())
        .map_err(|error| bad(format!("the body is not what is wanted here: {error}")))
}

fn receipt(receipt: &Receipt) -> Value {
    let purpose = match receipt.purpose {
        Purpose::Work => "work",
        Purpose::Status => "status",
    };
    json!({
        "at_ms": receipt.at.as_micros() as f64 / 1e3,
        "host": &*receipt.host,
        "service": receipt.service,
        "purpose": purpose,
        "method": receipt.method.as_str(),
        "path": receipt.path_and_query,
        "whole": receipt.received == Received::Whole,
        "body_bytes": receipt.body_len,
        "answered": receipt.answered.map(|status| status.as_u16()),
        "certname": receipt.certname.as_deref(),
    })
}

/// More than anything that is wanted here.
const MOST: usize = 64 * 1024;
