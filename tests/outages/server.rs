//! A host that serves at every port, in the mood that the story gives it.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use turmoil::net::TcpListener;

use crate::ledger::Ledger;
use crate::story::{Mood, PORTS, SERVERS};

/// The mood of each port of each host.
#[derive(Clone)]
pub(crate) struct Moods(Rc<BTreeMap<(&'static str, u16), watch::Sender<Mood>>>);

impl Moods {
    /// All is well.
    pub(crate) fn new() -> Self {
        let ports = SERVERS
            .into_iter()
            .flat_map(|host| PORTS.map(|port| ((host, port), watch::Sender::default())));
        Self(Rc::new(ports.collect()))
    }

    pub(crate) fn set(&self, host: &'static str, port: u16, mood: Mood) {
        self.0[&(host, port)].send_replace(mood);
    }

    pub(crate) fn clear(&self) {
        for mood in self.0.values() {
            mood.send_replace(Mood::Well);
        }
    }
}

pub(crate) async fn serve(host: &'static str, moods: Moods, ledger: Ledger) -> turmoil::Result {
    let ports = PORTS.map(|port| {
        let at = Port {
            host,
            port,
            mood: moods.0[&(host, port)].subscribe(),
            ledger: ledger.clone(),
        };
        tokio::task::spawn_local(at.serve())
    });
    for port in ports {
        port.await??;
    }
    Ok(())
}

#[derive(Clone)]
struct Port {
    host: &'static str,
    port: u16,
    mood: watch::Receiver<Mood>,
    ledger: Ledger,
}

impl Port {
    /// Serves until the town is gone. While nobody is to listen, connections break and are refused.
    async fn serve(mut self) -> io::Result<()> {
        loop {
            let mut mood = self.mood.clone();
            tokio::select! {
                biased;
                closed = mood.wait_for(|mood| *mood == Mood::Closed) => drop(closed),
                failed = self.open() => return failed,
            }
            drop(self.mood.wait_for(|mood| *mood != Mood::Closed).await);
        }
    }

    /// Takes connections; they break when this is dropped.
    async fn open(&self) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port)).await?;
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            let port = self.clone();
            connections.spawn_local(async move {
                let service = service_fn(|request| port.answer(request));
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                drop(served.await);
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let uri = request.uri().clone();
        let is_status = uri.path().starts_with("/status/");
        let mood = *self.mood.borrow();
        let body = request.into_body().collect().await;
        let number = uri
            .query()
            .and_then(|query| query.rsplit_once("number=")?.1.parse().ok());
        let mut response = Response::new(Full::new(Bytes::from_static(b"done")));
        match (mood, number) {
            (Mood::NotReady | Mood::Busy, _) => {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                if mood == Mood::Busy {
                    response.headers_mut().insert(RETRY_AFTER, 1.into());
                }
            }
            (_, Some(number)) => {
                if body.is_ok() {
                    self.ledger.got(number, self.host);
                }
                match mood {
                    Mood::WorkSilent => pending().await,
                    Mood::Breaking => return Err(io::ErrorKind::ConnectionAborted.into()),
                    _ => sleep(work(number)).await,
                }
            }
            _ => debug_assert!(is_status),
        }
        Ok(response)
    }
}

/// How long the work of a request takes: one in twenty seconds, others milliseconds.
fn work(number: u64) -> Duration {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    Duration::from_millis(match mixed % 20 {
        0 => 500 + mixed % 1500,
        _ => 1 + mixed % 60,
    })
}
