//! A world of servers that play a script, as a [`Transport`] on tokio's paused clock.
//!
//! Nothing here decides anything about failing over: a server does at each moment what its
//! [`Script`] says, and the [`Journal`] keeps what happened at it. Connections of a server that went
//! down break, those of a black hole hang, and a lost SYN is sent again as Linux sends it.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use standin::transport::{ConnectError, Connection, GivesBack, SendError, Transport};
use standin::{Body, Server, Service};
use tokio::time::{Instant, sleep, sleep_until};

use crate::journal::{Counted, Journal, What};
use crate::script::{AT_ONCE, Condition, Script, millis, seconds};

#[derive(Clone, Debug)]
pub(crate) struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    /// By host and port.
    servers: BTreeMap<String, Script>,
    /// Services that play a script of their own, while their server is well.
    services: BTreeMap<(String, Service), Script>,
    journal: Journal,
    /// Connections that wait for a request, by server.
    idle: Mutex<BTreeMap<String, Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    since: Instant,
    made: Duration,
}

/// A connection to a server of the world.
#[derive(Debug)]
pub(crate) struct Line {
    world: World,
    server: String,
    made: Duration,
}

impl World {
    /// A world that begins now; servers without a script are well.
    pub(crate) fn new(
        servers: BTreeMap<String, Script>,
        services: BTreeMap<(String, Service), Script>,
    ) -> Self {
        Self(Arc::new(Inner {
            begun: Instant::now(),
            servers,
            services,
            journal: Journal::default(),
            idle: Mutex::default(),
        }))
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The time since the world's beginning.
    pub(crate) fn now(&self) -> Duration {
        self.0.begun.elapsed()
    }

    fn write(&self, server: &str, what: What) {
        self.0.journal.write(self.now(), server, what);
    }

    fn condition(&self, server: &str) -> Condition {
        let script = self.0.servers.get(server);
        script.map_or(Condition::Well(AT_ONCE), |script| script.at(self.now()))
    }

    /// What a service does: as its server, unless that is well and it has a script of its own.
    fn condition_of(&self, server: &str, path: &str) -> Condition {
        let own = service_of(path)
            .and_then(|service| self.0.services.get(&(server.to_owned(), service)))
            .map(|script| script.at(self.now()));
        match (self.condition(server), own) {
            (Condition::Well(_) | Condition::SlowToConnect(_), Some(own)) => own,
            (condition, _) => condition,
        }
    }

    /// Ends when what is under way at the server breaks: when nobody listens there any more.
    async fn broken(&self, server: &str) {
        let Some(script) = self.0.servers.get(server) else {
            return pending().await;
        };
        let mut at = self.now();
        while let Some((next, condition)) = script.next(at) {
            sleep_until(self.0.begun + next).await;
            match condition {
                Condition::Refused => return,
                Condition::BlackHole => return self.broken_later(server, next).await,
                _ => at = next,
            }
        }
        pending().await
    }

    /// Packets are lost, so what was to come never does, unless the server goes down.
    async fn broken_later(&self, server: &str, mut at: Duration) {
        let script = &self.0.servers[server];
        while let Some((next, condition)) = script.next(at) {
            sleep_until(self.0.begun + next).await;
            if condition == Condition::Refused {
                return;
            }
            at = next;
        }
        pending().await
    }

    async fn make(&self, server: &str) -> Result<Line, ConnectError> {
        let syns = [Duration::ZERO, seconds(1), seconds(3), seconds(7)];
        let begun = Instant::now();
        for syn in syns {
            sleep_until(begun + syn).await;
            let error = match self.condition(server) {
                Condition::BlackHole => continue,
                Condition::Refused => io::Error::from(io::ErrorKind::ConnectionRefused).into(),
                Condition::Untrusted => {
                    sleep(millis(3)).await;
                    rustls::Error::from(rustls::CertificateError::Expired).into()
                }
                condition => {
                    sleep(match condition {
                        Condition::SlowToConnect(span) => span,
                        _ => millis(2),
                    })
                    .await;
                    return Ok(Line {
                        world: self.clone(),
                        server: server.to_owned(),
                        made: self.now(),
                    });
                }
            };
            return Err(ConnectError::judge(error));
        }
        pending().await
    }
}

impl Transport for World {
    type ResponseBody = ();
    type Connection = Line;

    const GIVES_BACK: GivesBack = GivesBack::Unsent;

    fn warm(&self, server: &Server, idle: Duration) -> Option<Line> {
        let server = server.authority();
        let mut all = self.0.idle.lock().unwrap();
        let kept = all.get_mut(server)?;
        kept.retain(|kept| kept.since.elapsed() < KEPT);
        if kept.last()?.since.elapsed() > idle {
            return None;
        }
        let made = kept.pop()?.made;
        self.write(server, What::Taken);
        Some(Line {
            world: self.clone(),
            server: server.to_owned(),
            made,
        })
    }

    fn connect(
        &self,
        server: &Server,
        limit: Duration,
    ) -> impl Future<Output = Result<Line, ConnectError>> + Send + 'static {
        let (world, server) = (self.clone(), server.authority().to_owned());
        async move {
            world.write(&server, What::Connecting);
            let _connecting = world.journal().begin(&server, Counted::Connecting);
            let made = tokio::time::timeout(limit, world.make(&server)).await;
            let made = made.unwrap_or_else(|_| Err(ConnectError::timed_out()));
            if made.is_err() {
                world.write(&server, What::NotConnected);
            }
            made
        }
    }

    fn keep(&self, _: &Server, line: Line) {
        line.park();
    }
}

impl Connection for Line {
    type ResponseBody = ();

    async fn send(self, request: Request<Body>) -> Result<Response<()>, SendError> {
        let world = self.world.clone();
        let script = world.0.servers.get(&self.server);
        if script.is_some_and(|script| script.was_down(self.made, world.now())) {
            return Err(SendError {
                unsent: Some(Box::new(request)),
                source: io::Error::from(io::ErrorKind::BrokenPipe).into(),
            });
        }
        let path = request.uri().path_and_query();
        let path = path.map_or("", |path| path.as_str()).to_owned();
        let answering = self.answer(path);
        tokio::select! {
            biased;
            answer = answering => answer,
            () = world.broken(&self.server) => Err(reset()),
        }
        .inspect(|_| self.park())
    }
}

impl Line {
    async fn answer(&self, path: String) -> Result<Response<()>, SendError> {
        let world = &self.world;
        let is_status = path.starts_with(STATUS);
        let condition = world.condition_of(&self.server, &path);
        let write = |what| world.write(&self.server, what);
        let _under_way = world.journal().begin(
            &self.server,
            match is_status {
                true => Counted::Status,
                false => Counted::Work,
            },
        );
        let got = || match is_status {
            true => What::Asked,
            false => What::Got(path.clone()),
        };
        match condition {
            // Packets are lost on the way there.
            Condition::BlackHole => pending().await,
            Condition::NotReady | Condition::Busy(_) => write(match is_status {
                true => What::Asked,
                false => What::TurnedAway(path.clone()),
            }),
            _ => write(got()),
        }
        match (condition, is_status) {
            (Condition::Silent | Condition::BlackHole, _) | (Condition::WorkSilent, false) => {
                pending().await
            }
            (Condition::Lost, false) => {
                sleep(AT_ONCE).await;
                return Err(reset());
            }
            (Condition::Well(work), false) => sleep(work).await,
            _ => sleep(millis(1)).await,
        }
        let mut response = Response::new(());
        match condition {
            Condition::NotReady => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
            Condition::Busy(after) if !is_status => {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, u16::from(after).into());
            }
            _ => {}
        }
        Ok(response)
    }

    fn park(&self) {
        let mut all = self.world.0.idle.lock().unwrap();
        all.entry(self.server.clone()).or_default().push(Idle {
            since: Instant::now(),
            made: self.made,
        });
    }
}

fn reset() -> SendError {
    SendError {
        unsent: None,
        source: io::Error::from(io::ErrorKind::ConnectionReset).into(),
    }
}

fn service_of(path: &str) -> Option<Service> {
    let Some(name) = path.strip_prefix(STATUS) else {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        return Service::of_path(path);
    };
    let name = name.split_once('?').map_or(name, |(name, _)| name);
    let mut services = Service::ALL.into_iter();
    services.find(|service| service.status_names().contains(&name))
}

const STATUS: &str = "/status/v1/simple/";

/// As long as the policy keeps connections.
const KEPT: Duration = Duration::from_secs(4);
