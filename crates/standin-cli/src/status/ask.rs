//! Asks every server for the status of its services, all at once.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use standin::verdict::Loss;
use standin::{Installation, Role, Server, Service, Verdict};
use standin_core::Activated;
use standin_net::error::find;
use standin_net::{ConnectError, Connector, Stream, TrustFailure, inspect};
use tokio::time::Instant;

use super::finding::{Finding, OfService, Told};
use super::state::{Counts, State};
use crate::failure::chain;
use crate::progress;
use crate::streams::Verbosity;

/// Who asks.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) connector: Connector,
    /// How long one connection may take.
    pub(crate) connect: Duration,
}

/// Which service, and where.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) service: Service,
    pub(crate) server: Server,
    pub(crate) role: Role,
}

/// What is known of a service at a server.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) question: Question,
    pub(super) told: OfService,
    pub(super) finding: Arc<Finding>,
}

impl Found {
    pub(crate) const fn state(&self) -> &State {
        &self.told.state
    }
}

/// A question for each service at each of its servers, but for those that have no status.
pub(crate) fn questions(installation: &Installation) -> Vec<Question> {
    let lists = installation.lists();
    lists
        .filter(|(service, _)| !service.status_names().is_empty())
        .flat_map(|(service, list)| {
            list.entries().iter().map(move |entry| Question {
                service,
                server: entry.server.clone(),
                role: entry.role,
            })
        })
        .collect()
}

impl Asker {
    /// Asks each server once until then, whatever is to be known of it.
    pub(crate) async fn ask_all(
        &self,
        questions: Vec<Question>,
        until: Instant,
        verbosity: Verbosity,
    ) -> Vec<Found> {
        let mut findings = BTreeMap::new();
        let servers: BTreeMap<_, _> = questions
            .iter()
            .flat_map(Question::places)
            .map(|server| (server.authority().to_owned(), server))
            .collect();
        let progress = progress::servers(servers.len(), verbosity);
        let mut asked: FuturesUnordered<_> = servers
            .into_iter()
            .map(async |(authority, server)| (authority, self.ask(&server, until).await))
            .collect();
        while let Some((authority, finding)) = asked.next().await {
            progress.step();
            findings.insert(authority, Arc::new(finding));
        }
        let found = questions.into_iter();
        found
            .filter_map(|question| question.answer(&findings))
            .collect()
    }

    async fn ask(&self, server: &Server, until: Instant) -> Finding {
        let begun = Instant::now();
        let mut not_after = None;
        let asking = self.talk(server, until, &mut not_after);
        let told = match tokio::time::timeout_at(until, asking).await {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => Told::Nothing {
                verdict: verdict(error.as_ref()),
                why: chain(error.as_ref()),
            },
            Err(_) => Told::Nothing {
                verdict: Verdict::Lost(Loss::TimedOut),
                why: "no answer came in the time that there was".to_owned(),
            },
        };
        Finding {
            took: begun.elapsed(),
            not_after,
            told,
        }
    }

    async fn talk(
        &self,
        server: &Server,
        until: Instant,
        not_after: &mut Option<std::time::SystemTime>,
    ) -> Result<Told, Box<dyn Error + Send + Sync>> {
        let stream: Stream = self.connector.connect(server, self.connect).await?;
        *not_after = inspect::shown(&stream).map(|certificate| certificate.not_after);
        // Beneath our own limit, so that a server that is stuck can still say so.
        let left = until.saturating_duration_since(Instant::now());
        let patience = (left.as_secs() / 2).clamp(1, 30);
        let (mut sender, connection) = http1::handshake(stream).await?;
        let request = Request::get(format!("/status/v1/services?timeout={patience}"))
            .header(HOST, server.authority())
            .body(Empty::<Bytes>::new())?;
        let talk = AbortOnDrop(tokio::spawn(connection));
        let response = sender.send_request(request).await?;
        let status = response.status();
        if !matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE) {
            return Ok(Told::Other(status));
        }
        let body = Limited::new(response.into_body(), LONGEST)
            .collect()
            .await?;
        drop(talk);
        Ok(match serde_json::from_slice(&body.to_bytes()) {
            Ok(statuses) => Told::Statuses(statuses),
            Err(_) => Told::Other(status),
        })
    }
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Question {
    /// The server itself; and the one of the same host that has the service's status where it knows
    /// nothing of it: code manager's is Puppet Server's, the broker's is the orchestrator's, or at
    /// compile masters Puppet Server's.
    fn places(&self) -> impl Iterator<Item = Server> {
        let other = match (self.service, self.role) {
            (Service::CodeManager, _) | (Service::PcpBroker, Role::Pool) => {
                Some(Service::PuppetServer)
            }
            (Service::PcpBroker, _) => Some(Service::Orchestrator),
            _ => None,
        };
        let other = other.and_then(|other| self.server.at_port(other.port()).ok());
        [Some(self.server.clone()), other].into_iter().flatten()
    }

    fn answer(self, findings: &BTreeMap<String, Arc<Finding>>) -> Option<Found> {
        let own = Arc::clone(findings.get(self.server.authority())?);
        let mut told = own.of(self.service);
        if told.state == State::ABSENT {
            let elsewhere = self.places().skip(1);
            let elsewhere = elsewhere.filter_map(|server| findings.get(server.authority()));
            for finding in elsewhere {
                told = finding.of(self.service);
            }
        }
        let runs = told.state.counts() == Counts::Running;
        let works_once_promoted =
            self.role == Role::Replica && self.service.activated() == Activated::WhenPromoted;
        if !runs && works_once_promoted {
            told.state = State::INACTIVE;
        }
        Some(Found {
            question: self,
            told,
            finding: own,
        })
    }
}

/// What is known to have happened to a question.
fn verdict(error: &(dyn Error + 'static)) -> Verdict {
    match (find::<ConnectError>(error), TrustFailure::find(error)) {
        (Some(error), _) => error.verdict(),
        (None, Some(_)) => Verdict::Untrusted,
        (None, None) => Verdict::Lost(Loss::Reset),
    }
}

/// Far more than the status of every service of a master, which is a few kilobytes.
const LONGEST: usize = 1 << 20;
