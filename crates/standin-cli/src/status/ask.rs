//! Asks one server for the status of one service.

use std::error::Error;
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use standin::{Body, Client, Role, Server, Service, Verdict};
use standin_core::verdict::Loss;
use standin_core::{Activated, Entry};
use standin_net::error::find;
use standin_net::{ConnectError, TrustFailure};
use tokio::time::Instant;

use super::report::Row;
use super::state::{Counts, State};
use crate::failure::chain;

/// Which service, and where.
pub(super) struct Question {
    service: Service,
    server: Server,
    role: Role,
    /// How long the server may take to find out, in whole seconds.
    patience: u64,
}

/// What a server made of a question.
struct Found {
    state: State,
    detail: Option<String>,
}

impl Question {
    /// A question of an asker who has `time`.
    pub(super) fn new(service: Service, entry: &Entry, time: Duration) -> Self {
        Self {
            service,
            server: entry.server.clone(),
            role: entry.role,
            // Beneath our own limit, so that a server that is stuck can still say so.
            patience: (time.as_secs() / 2).clamp(1, 30),
        }
    }

    pub(super) async fn ask(self, client: &Client, until: Instant) -> Row {
        let begun = Instant::now();
        let Found { state, detail } = tokio::time::timeout_at(until, self.ask_names(client))
            .await
            .unwrap_or_else(|_| Found {
                state: State::unanswered(Verdict::Lost(Loss::TimedOut)),
                detail: Some("no answer came before the deadline of --deadline".to_owned()),
            });
        let state = match state.counts() {
            Counts::NotRunning | Counts::Not if self.works_once_promoted() => State::INACTIVE,
            _ => state,
        };
        Row {
            service: self.service,
            server: self.server,
            role: self.role,
            state,
            took: begun.elapsed(),
            detail,
        }
    }

    /// The first answer that is not 404: which name is known depends on the release.
    async fn ask_names(&self, client: &Client) -> Found {
        let mut last = Found {
            state: State::ABSENT,
            detail: None,
        };
        for server in self.places() {
            for name in self.service.status_names() {
                last = self.ask_name(client, &server, name).await;
                if last.state != State::ABSENT {
                    return last;
                }
            }
        }
        last
    }

    async fn ask_name(&self, client: &Client, server: &Server, name: &str) -> Found {
        let status_url = format!("https://{}/status/v1/simple/{name}", server.authority());
        let request = Request::get(format!("{status_url}?timeout={}", self.patience));
        let request = match request.body(Body::empty()) {
            Ok(request) => request,
            Err(error) => return Found::failed(Verdict::Local, chain(&error)),
        };
        let response = match client.request(request).await {
            Ok(response) => response,
            Err(error) => return Found::unanswered(&error),
        };
        let status = response.status();
        let said = match Limited::new(response.into_body(), LONGEST).collect().await {
            Ok(said) => said.to_bytes(),
            Err(error) => return Found::failed(Verdict::Cut, chain(error.as_ref())),
        };
        let detail =
            (status != StatusCode::OK).then(|| format!("{status_url} was answered {status}"));
        Found {
            state: State::answered(status, &said),
            detail,
        }
    }

    /// The server itself; and where it knows nothing of the service, the one of the same host that
    /// has its status: code manager's is Puppet Server's, the broker's is the orchestrator's, or at
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

    fn works_once_promoted(&self) -> bool {
        self.role == Role::Replica && self.service.activated() == Activated::WhenPromoted
    }
}

impl Found {
    /// The request went to its own address, so that the cause alone tells the story.
    fn unanswered(error: &standin::Error) -> Self {
        let (verdict, detail) = match error.source() {
            Some(cause) => (verdict(cause), chain(cause)),
            None => (Verdict::Lost(Loss::TimedOut), error.to_string()),
        };
        Self::failed(verdict, detail)
    }

    fn failed(verdict: Verdict, detail: String) -> Self {
        Self {
            state: State::unanswered(verdict),
            detail: Some(detail),
        }
    }
}

/// What is known to have happened to a request that went to its own address.
fn verdict(cause: &(dyn Error + 'static)) -> Verdict {
    match (find::<ConnectError>(cause), TrustFailure::find(cause)) {
        (Some(error), _) => error.verdict(),
        (None, Some(_)) => Verdict::Untrusted,
        (None, None) => Verdict::Lost(Loss::Reset),
    }
}

/// A status is a word. Pages of error are longer, and nothing needs to be read of them.
const LONGEST: usize = 64 * 1024;
