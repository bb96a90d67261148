//! Plays a scenario, and judges what comes of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use http::Method;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::client::{Client, ClientCommand, ClientError};
use super::errand::Wording;
use super::faults::Faults;
use super::report::{Entry, Event, Outcome, Report};
use super::{Ask, Load, Present, Restart, Scenario, Send, Shown, Step};
use crate::protocol::{FromClient, Place, Request};
use crate::{CertSpec, Lab, LabError, Service, SignedBy, Validity};

/// A scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The lab did not do what it was told.
    #[error("the lab did not do its part")]
    Lab(#[from] LabError),
    /// The client did not do what it has to.
    #[error("the client cannot be asked")]
    Client(#[from] ClientError),
}

impl Scenario {
    /// Plays the scenario with this client, on a lab of its own.
    ///
    /// It ends at the first request that is not answered 5 s after it should have been.
    ///
    /// # Errors
    ///
    /// If lab or client cannot be had. What the client does wrong is in the report.
    pub async fn play(&self, client: &ClientCommand) -> Result<Report, PlayError> {
        let lab = self.builder().start().await?;
        let place = Place {
            confdir: lab.conf_dir().to_path_buf(),
            ssldir: lab.ssl_dir().to_path_buf(),
            certname: self.agent().to_owned(),
            addresses: lab.resolve().into_iter().collect(),
        };
        let started = client.start(&place).await?;
        let stage = Arc::new(Stage {
            begun: Instant::now(),
            lab,
            agent: self.agent().to_owned(),
            title: started.title.clone(),
            client: AsyncMutex::new(Arc::new(started)),
            asked: AtomicU64::new(0),
            timeline: Mutex::default(),
            once: Mutex::default(),
        });
        let played = stage.play(self, client, &place).await;
        stage.client.lock().await.kill().await;
        let outcome = match played {
            Ok(()) | Err(Stop::Overrun) => stage.judgement(),
            Err(Stop::Unfit(why)) => Outcome::Unfit(why),
            Err(Stop::Broken(error)) => return Err(error),
        };
        Ok(Report {
            title: self.title.clone(),
            source: self.source.clone(),
            client: stage.title.clone(),
            outcome,
            hosts: stage
                .lab
                .hosts()
                .iter()
                .map(|host| host.name().to_owned())
                .collect(),
            timeline: std::mem::take(&mut *stage.timeline()),
        })
    }
}

/// Why a scenario is not played on.
enum Stop {
    /// A request takes far too long.
    Overrun,
    Unfit(String),
    Broken(PlayError),
}

/// Where a scenario is played.
pub(super) struct Stage {
    pub(super) lab: Lab,
    begun: Instant,
    pub(super) agent: String,
    title: String,
    client: AsyncMutex<Arc<Client>>,
    asked: AtomicU64,
    timeline: Mutex<Vec<Entry>>,
    /// What no two servers may get whole.
    once: Mutex<Vec<(Method, String)>>,
}

impl Stage {
    async fn play(
        self: &Arc<Self>,
        scenario: &Scenario,
        client: &ClientCommand,
        place: &Place,
    ) -> Result<(), Stop> {
        let mut faults = Faults::default();
        let mut loads = JoinSet::new();
        for step in scenario.steps() {
            match step {
                Step::Fault(strike) => faults.strike(self, strike).await?,
                Step::Lift(name) => faults.lift(self, name).await,
                Step::Promote(host) => {
                    self.lab.promote(host).await?;
                    self.changed(host, "is promoted");
                }
                Step::Present(present) => self.present(present)?,
                Step::Restart(how) => {
                    let mut running = self.client.lock().await;
                    match how {
                        Restart::End => running.end().await,
                        Restart::Kill => running.kill().await,
                    }
                    *running = Arc::new(client.start(place).await?);
                    self.note(Event::Restarted);
                }
                Step::At(moment) => sleep_until(self.begun + moment.0).await,
                Step::Pause(time) => sleep(time.0).await,
                Step::Request(ask) => self.ask(ask).await?,
                Step::Together(asks) => {
                    let all = join_all(asks.iter().map(|ask| self.ask(ask))).await;
                    all.into_iter().collect::<Result<(), Stop>>()?;
                }
                Step::Load(load) => {
                    let (stage, load) = (Arc::clone(self), load.clone());
                    loads.spawn(async move { stage.load(&load).await });
                }
                Step::Received(count) => self.count(count),
            }
        }
        while let Some(load) = loads.join_next().await {
            match load {
                Ok(result) => result?,
                // It is not aborted, so it panicked.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        self.nothing_twice();
        Ok(())
    }

    async fn load(&self, load: &Load) -> Result<(), Stop> {
        let mut ticks = interval(load.every.0);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let end = Instant::now() + load.lasts.0;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                _ = ticks.tick(), if Instant::now() < end => under_way.push(self.ask(&load.request)),
                Some(result) = under_way.next() => result?,
                else => return Ok(()),
            }
        }
    }

    async fn ask(&self, ask: &Ask) -> Result<(), Stop> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let request = self.request(ask, id);
        let (method, path) = (request.method.clone(), request.path.clone());
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        if ask.once {
            self.once().push((method.clone(), path.clone()));
        }
        let what = match &ask.send {
            Send::Errand(errand) => errand.to_string(),
            Send::Raw { .. } => format!("{method} {path}"),
        };
        let service = service_of(&path);
        self.note(Event::Asked {
            id,
            service,
            what: what.clone(),
        });
        let (asked, began) = (self.lab.journal().elapsed(), Instant::now());
        let client = Arc::clone(&*self.client.lock().await);
        let Ok(said) = timeout(ask.within + OVERRUN, client.ask(request)).await else {
            let late = began.elapsed().as_secs_f64();
            self.miss(format!("[{id}] {what}: nothing came of it in {late:.1} s"));
            return Err(Stop::Overrun);
        };
        let took = began.elapsed();
        let said = said.map_err(|error| Stop::Broken(error.into()))?;
        match said {
            Some(FromClient::Answered { status, .. }) => {
                let by = self.answered_by(&method, &path, status, asked);
                self.note(Event::Answered {
                    id,
                    by: by.clone(),
                    status,
                    took,
                });
                self.judge_answer(ask, id, &what, by.as_deref(), status);
            }
            Some(FromClient::Failed { kind, error, .. }) => {
                self.note(Event::Failed {
                    id,
                    kind: kind.clone(),
                    error,
                    took,
                });
                self.judge_failure(ask, id, &what, kind.as_deref());
            }
            Some(FromClient::Unable { why, .. }) => return Err(Stop::Unfit(why)),
            Some(FromClient::Ready { .. }) | None => {
                self.miss(format!("[{id}] {what}: the client ended"));
                return Err(Stop::Overrun);
            }
        }
        if took > ask.within {
            let (took, within) = (took.as_secs_f64(), ask.within.as_secs_f64());
            self.miss(format!(
                "[{id}] {what}: it took {took:.2} s instead of {within} s"
            ));
        }
        Ok(())
    }

    fn request(&self, ask: &Ask, id: u64) -> Request {
        let number = |text: &str| text.replace("{n}", &id.to_string());
        let (errand, method, path, body, content_type) = match &ask.send {
            Send::Errand(errand) => {
                let Wording {
                    method,
                    path,
                    content_type,
                    body,
                } = errand.wording(&self.agent, id);
                (Some(errand.to_string()), method, path, body, content_type)
            }
            Send::Raw { method, path } => (None, method.clone(), number(path), String::new(), ""),
        };
        let mut headers = ask.headers.clone();
        let has_type = headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("content-type"));
        if !content_type.is_empty() && !has_type {
            headers.insert("Content-Type".to_owned(), content_type.to_owned());
        }
        Request {
            id,
            errand: errand.filter(|_| ask.body.is_none()),
            method: method.to_string(),
            path,
            headers,
            body: ask.body.as_deref().map_or(body, number),
            run: ask.run.clone(),
            deadline_ms: ask
                .deadline
                .map(|time| u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn present(&self, present: &Present) -> Result<(), LabError> {
        let host = &present.host;
        let named = CertSpec::new(host).dns_alt_names([host]);
        let (spec, how) = match present.certificate {
            Shown::CnOnly => (CertSpec::new(host), "shows a certificate without alt names"),
            Shown::Expired => (
                named.validity(Validity::Expired),
                "shows an expired certificate",
            ),
            Shown::NotYet => (
                named.validity(Validity::NotYet),
                "shows a certificate of tomorrow",
            ),
            Shown::Stranger => (
                named.signed_by(SignedBy::Stranger),
                "shows a certificate of a stranger",
            ),
            Shown::Revoked => (named, "shows a revoked certificate"),
            Shown::WrongName => (
                CertSpec::new("elsewhere.test").dns_alt_names(["elsewhere.test"]),
                "shows another host's certificate",
            ),
        };
        let certificate = self.lab.certificate(&spec)?;
        self.lab.present(host, &certificate)?;
        if let Shown::Revoked = present.certificate {
            self.lab.revoke(host)?;
        }
        self.changed(host, how);
        Ok(())
    }

    fn changed(&self, host: &str, how: &str) {
        self.note(Event::Changed {
            host: host.to_owned(),
            how: how.to_owned(),
        });
    }

    pub(super) fn miss(&self, why: String) {
        self.note(Event::Missed { why });
    }

    pub(super) fn note(&self, event: Event) {
        let at = self.lab.journal().elapsed();
        self.timeline().push(Entry { at, event });
    }

    pub(super) fn timeline(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn once(&self) -> MutexGuard<'_, Vec<(Method, String)>> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<LabError> for Stop {
    fn from(error: LabError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Broken(error.into())
    }
}

fn service_of(path: &str) -> Service {
    let mut services = Service::ALL.into_iter();
    services
        .find(|service| path.starts_with(service.prefix()))
        .unwrap_or(Service::PuppetServer)
}

/// How much later than it should a request may end before nobody waits for it any more.
const OVERRUN: Duration = Duration::from_secs(5);
