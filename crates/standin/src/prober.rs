//! Watches servers by their status while there is no work for them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use standin_core::cell::State;
use standin_core::health::{Mark, Mode, Probed};
use standin_core::verdict::{Loss, Processed};
use standin_core::{Class, Server, Service, Verdict};

use crate::client::Ways;
use crate::meter;
use crate::probe::Claimed;
use crate::rebase::services_request;
use crate::shared::{Current, Shared};
use crate::transport::{Connection, Transport};

/// Asks every server for its status, round after round, until the last client is gone.
pub(crate) async fn watch(current: Weak<Current>, ways: Ways) {
    loop {
        let Some(shared) = current.upgrade().map(|current| current.now()) else {
            return;
        };
        let probing = shared.health.policy().probing;
        let Some(pause) = probing.pause(fastrand::u64(..)) else {
            return;
        };
        round(&shared, &ways).await;
        drop(shared);
        tokio::time::sleep(pause).await;
    }
}

async fn round(shared: &Arc<Shared>, ways: &Ways) {
    let watched = watched(shared);
    join_all(watched.into_iter().map(|one| one.look(shared, ways))).await;
}

/// A server, and what it does.
struct Watched {
    server: Server,
    posts: Vec<Post>,
}

/// A class at a place of its list.
#[derive(Clone, Copy)]
struct Post {
    class: Class,
    place: usize,
}

/// Each server once, however many services share it. Brokers and the console say nothing of
/// themselves at their ports.
fn watched(shared: &Shared) -> Vec<Watched> {
    let mut all: Vec<Watched> = Vec::new();
    for class in Class::all() {
        if matches!(class.service(), Service::PcpBroker | Service::Console) {
            continue;
        }
        let servers = shared.health.list(class).into_iter();
        let servers = servers.flat_map(|list| list.servers().enumerate());
        for (place, server) in servers {
            let post = Post { class, place };
            match all.iter_mut().find(|watched| watched.server == *server) {
                Some(watched) => watched.posts.push(post),
                None => all.push(Watched {
                    server: server.clone(),
                    posts: vec![post],
                }),
            }
        }
    }
    all
}

/// What came of asking a server for the status of all its services.
type Seen = Result<Option<Statuses>, Verdict>;

/// By the names of services.
type Statuses = serde_json::Map<String, serde_json::Value>;

impl Watched {
    async fn look(self, shared: &Arc<Shared>, ways: &Ways) {
        let began = shared.clock.now();
        let mut probes = Vec::new();
        let mut marks = Vec::new();
        for post in self.posts.iter().copied() {
            let health = &shared.health;
            match health.status_due(post.class, post.place, began) {
                Some(probe) => probes.push(Claimed {
                    shared: Arc::clone(shared),
                    probe,
                    came: Probed::Dropped,
                }),
                None => marks.extend(Some(post).zip(health.mark(post.class, post.place))),
            }
        }
        let seen = ask(shared, ways, &self.posts).await;
        meter::probe(&self.server, shared.clock.now().since(began));
        self.tell_mode(shared, &seen);
        let is_probed = !probes.is_empty();
        for mut claimed in probes {
            claimed.came = came_of(&seen, claimed.probe.class());
        }
        match &seen {
            Ok(Some(statuses)) => {
                for (post, mark) in marks {
                    weigh(shared, post, mark, statuses);
                }
            }
            Ok(None) | Err(Verdict::Local) => {}
            // Once, since it is the server that was not reached; a probe has said so already.
            Err(verdict) if !is_probed => {
                if let Some((post, mark)) = marks.first() {
                    shared.record(post.class, post.place, Some(*mark), *verdict);
                }
            }
            Err(_) => {}
        }
    }

    /// A host that cannot be asked any more says nothing of how it replicates.
    fn tell_mode(&self, shared: &Arc<Shared>, seen: &Seen) {
        let replicates = |post: &Post| post.class.service().is_replicated_by_mode();
        if !self.posts.iter().any(replicates) {
            return;
        }
        let mode = match seen {
            Ok(Some(statuses)) => statuses.values().find_map(mode),
            Ok(None) => None,
            Err(_) => Some(Mode::Unknown),
        };
        if let Some(mode) = mode {
            shared.tell(shared.health.set_mode(self.server.host(), mode));
        }
    }
}

fn mode(status: &serde_json::Value) -> Option<Mode> {
    let mode = status.get("status")?.get("replication")?.get("mode")?;
    Some(Mode::of(mode.as_str()?))
}

/// What a status says of a server that holds a class, or stands behind who holds it. That it is
/// running proves no work, so it only ends a doubt.
fn weigh(shared: &Arc<Shared>, Post { class, place }: Post, mark: Mark, statuses: &Statuses) {
    let now = shared.clock.now();
    let verdict = match is_running(statuses, class) {
        Some(false) => Verdict::NotReady(Processed::No),
        Some(true) if shared.health.state(class, place, now) == Some(State::Suspect) => {
            Verdict::Answered
        }
        _ => return,
    };
    shared.record(class, place, Some(mark), verdict);
}

fn came_of(seen: &Seen, class: Class) -> Probed {
    match seen {
        Ok(Some(statuses)) => match is_running(statuses, class) {
            Some(false) => Probed::Bad(Verdict::NotReady(Processed::No)),
            // It runs, or its status is not to be had under any name.
            Some(true) | None => Probed::Good,
        },
        Ok(None) => Probed::Good,
        Err(Verdict::Local) => Probed::Dropped,
        Err(verdict) => Probed::Bad(*verdict),
    }
}

/// Whether a class's service is running; `None` when its status is not there.
fn is_running(statuses: &Statuses, class: Class) -> Option<bool> {
    let mut names = class.service().status_names().iter();
    let status = names.find_map(|name| statuses.get(*name))?;
    Some(status.get("state")?.as_str()? == "running")
}

async fn ask(shared: &Shared, ways: &Ways, posts: &[Post]) -> Seen {
    let limit = shared.health.policy().patience.probe_limit;
    tokio::time::timeout(limit, ask_all(shared, ways, posts, limit))
        .await
        .unwrap_or(Err(Verdict::Lost(Loss::Silent)))
}

async fn ask_all(shared: &Shared, ways: &Ways, posts: &[Post], limit: Duration) -> Seen {
    let lost = Verdict::Lost(Loss::Reset);
    let Post { class, place } = *posts.first().ok_or(Verdict::Local)?;
    let (server, _) = shared.server(class, place).ok_or(Verdict::Local)?;
    let target = shared.target(class, place).ok_or(Verdict::Local)?;
    let connection = ways
        .of(class.service())
        .connect(server, limit)
        .await
        .map_err(|error| error.verdict())?;
    let request = services_request(target, limit).ok_or(Verdict::Local)?;
    let response = connection.send(request).await.map_err(|_| lost)?;
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::SERVICE_UNAVAILABLE {
        return Ok(None);
    }
    let body = Limited::new(response.into_body(), STATUS_MOST);
    let body: Bytes = body.collect().await.map_err(|_| lost)?.to_bytes();
    Ok(serde_json::from_slice(&body).ok())
}

/// Far more than the status of every service of a master, which is a few kilobytes.
const STATUS_MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(text: &str) -> Statuses {
        serde_json::from_str(text).unwrap()
    }

    const CLASSIFIER: Class = Class::Service(Service::NodeClassifier);

    #[test]
    fn the_mode_of_a_console_service_is_read() {
        let statuses = statuses(
            r#"{"activity-service":{"state":"running","status":{"db_up":true}},
                "classifier-service":{"state":"running",
                    "status":{"replication":{"mode":"replica","status":"running"}}}}"#,
        );
        assert_eq!(statuses.values().find_map(mode), Some(Mode::Replica));
        assert_eq!(is_running(&statuses, CLASSIFIER), Some(true));
        assert_eq!(is_running(&statuses, Class::Commands), None);
    }

    #[test]
    fn what_is_not_running_is_not_ready() {
        let seen = Ok(Some(statuses(
            r#"{"classifier-service":{"state":"starting"}}"#,
        )));
        let came = came_of(&seen, CLASSIFIER);
        assert_eq!(came, Probed::Bad(Verdict::NotReady(Processed::No)));
    }

    #[test]
    fn a_status_in_another_form_does_no_harm() {
        let statuses =
            statuses(r#"{"classifier-service":[1],"rbac-service":{"status":{"replication":"x"}}}"#);
        assert_eq!(statuses.values().find_map(mode), None);
        assert_eq!(is_running(&statuses, CLASSIFIER), None);
    }
}
