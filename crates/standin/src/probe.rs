//! Asks a server for its status: is it alive, is a service of it well?

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt;
use http::{Request, StatusCode};
use standin_core::health::{Probe, Probed};
use standin_core::patience::Sign;
use standin_core::verdict::{Loss, Processed};
use standin_core::{Class, Moment, Operation, Verdict};

use crate::Body;
use crate::meter;
use crate::rebase::status_request;
use crate::shared::Shared;
use crate::transport::{Connection, Transport};

/// Whether the server at `place` says anything at all, on a connection of its own.
pub(crate) async fn sign_of_life<T: Transport>(
    shared: &Arc<Shared>,
    transport: &T,
    class: Class,
    place: usize,
) -> Sign {
    let Some((server, _)) = shared.server(class, place) else {
        return Sign::Unknown;
    };
    let question = shared.hub.sign_of(server, || {
        let (shared, transport) = (Arc::clone(shared), transport.clone());
        async move {
            let begun = shared.clock.now();
            let status = ask(&shared, &transport, class, place).await;
            if let Some((server, _)) = shared.server(class, place) {
                meter::probe(server, shared.clock.now().since(begun));
            }
            match status {
                Ok(_) | Err(Verdict::Untrusted) => Sign::Life,
                Err(Verdict::Local) => Sign::Unknown,
                Err(_) => Sign::Silence,
            }
        }
        .boxed()
    });
    question.await
}

/// Answers a probe by asking for the status, in the background.
pub(crate) fn by_status<T: Transport>(shared: &Arc<Shared>, transport: &T, probe: Probe) {
    let (asked, transport) = (Arc::clone(shared), transport.clone());
    let (class, place) = (probe.class(), probe.place());
    answer(shared, probe, async move {
        came_of(ask(&asked, &transport, class, place).await)
    });
}

/// Answers a probe by having work done that may be done twice, in the background: nobody waits for
/// it, and its answer is thrown away. Without `work` it is given back.
pub(crate) fn by_work<T: Transport>(
    shared: &Arc<Shared>,
    transport: &T,
    probe: Probe,
    operation: Operation,
    work: Option<Request<Body>>,
) {
    let (asked, transport) = (Arc::clone(shared), transport.clone());
    let (class, place) = (probe.class(), probe.place());
    answer(shared, probe, async move {
        let Some(work) = work else {
            return Probed::Dropped;
        };
        let health = &asked.health;
        let usual = health.usual().p95(operation).unwrap_or_default();
        // What is usual and no multiple of it: a probe that hangs keeps the next one out.
        let least = health
            .policy()
            .patience
            .stuck_after(operation.length, Duration::ZERO);
        let limit = least.max(usual);
        let doing = do_work(&asked, &transport, class, place, operation, work);
        let stuck = Probed::Bad(Verdict::Lost(Loss::Stuck));
        tokio::time::timeout(limit, doing).await.unwrap_or(stuck)
    });
}

async fn do_work<T: Transport>(
    shared: &Shared,
    transport: &T,
    class: Class,
    place: usize,
    operation: Operation,
    work: Request<Body>,
) -> Probed {
    let Some((server, _)) = shared.server(class, place) else {
        return Probed::Dropped;
    };
    let limit = shared.health.policy().connect.limit;
    let connection = match transport.connect(server, limit).await {
        Ok(connection) => connection,
        Err(error) => return came_of(Err(error.verdict())),
    };
    let Ok(response) = connection.send(work).await else {
        return Probed::Bad(Verdict::Lost(Loss::Reset));
    };
    let classify = &shared.hub.classify;
    match classify.classify(operation, response.status(), response.headers()) {
        Verdict::Answered => Probed::Good,
        Verdict::Busy(_) => Probed::Dropped,
        verdict => Probed::Bad(verdict),
    }
}

/// What a status, or the want of one, shows.
fn came_of(status: Result<StatusCode, Verdict>) -> Probed {
    match status {
        Ok(StatusCode::TOO_MANY_REQUESTS) => Probed::Dropped,
        Ok(status) if status.is_server_error() => Probed::Bad(Verdict::NotReady(Processed::No)),
        // 404 and 403 say that the status is not to be had, not that the service is down.
        Ok(_) => Probed::Good,
        Err(Verdict::Local) => Probed::Dropped,
        Err(verdict) => Probed::Bad(verdict),
    }
}

/// Has a probe answered in the background.
fn answer(
    shared: &Arc<Shared>,
    probe: Probe,
    asking: impl Future<Output = Probed> + Send + 'static,
) {
    let mut claimed = Claimed {
        shared: Arc::clone(shared),
        probe,
        came: Probed::Dropped,
    };
    // Outside a runtime the probe is given back; only the ready-made client needs one for it.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let begun = claimed.shared.clock.now();
        claimed.came = asking.await;
        claimed.took(begun);
        drop(claimed);
    });
}

/// A probe that is handed back whatever becomes of the task that asks.
pub(crate) struct Claimed {
    pub(crate) shared: Arc<Shared>,
    pub(crate) probe: Probe,
    pub(crate) came: Probed,
}

impl Claimed {
    /// The question was asked at `begun`, and is over.
    fn took(&self, begun: Moment) {
        let (class, place) = (self.probe.class(), self.probe.place());
        if let Some((server, _)) = self.shared.server(class, place) {
            meter::probe(server, self.shared.clock.now().since(begun));
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let (now, random) = (self.shared.clock.now(), fastrand::u64(..));
        let events = self
            .shared
            .health
            .probed(&self.probe, self.came, now, random);
        self.shared.tell(events);
    }
}

/// The status that a service's status names are answered with: the first that is not 404.
async fn ask<T: Transport>(
    shared: &Shared,
    transport: &T,
    class: Class,
    place: usize,
) -> Result<StatusCode, Verdict> {
    let limit = shared.health.policy().patience.probe_limit;
    let silent = Err(Verdict::Lost(Loss::Silent));
    tokio::time::timeout(limit, ask_names(shared, transport, class, place, limit))
        .await
        .unwrap_or(silent)
}

async fn ask_names<T: Transport>(
    shared: &Shared,
    transport: &T,
    class: Class,
    place: usize,
    limit: Duration,
) -> Result<StatusCode, Verdict> {
    let lost = Verdict::Lost(Loss::Reset);
    let (server, _) = shared.server(class, place).ok_or(Verdict::Local)?;
    let target = shared.target(class, place).ok_or(Verdict::Local)?;
    if class.service().status_names().is_empty() {
        // The console has none: that it is connected to is all there is to know.
        let connected = transport.connect(server, limit).await;
        return connected
            .map(|_| StatusCode::OK)
            .map_err(|error| error.verdict());
    }
    let mut last = StatusCode::NOT_FOUND;
    for name in class.service().status_names() {
        let connection = transport
            .connect(server, limit)
            .await
            .map_err(|error| error.verdict())?;
        let request = status_request(target, name, limit).ok_or(Verdict::Local)?;
        let response = connection.send(request).await.map_err(|_| lost)?;
        last = response.status();
        if last != StatusCode::NOT_FOUND {
            break;
        }
    }
    Ok(last)
}
