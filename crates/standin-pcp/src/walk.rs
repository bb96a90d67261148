//! The walk of one association: drives the core's plan on real connections.

use std::error::Error;
use std::sync::Arc;

use standin_core::health::{Alone, Mark};
use standin_core::plan::{Plan, Step};
use standin_core::verdict::Unreached;
use standin_core::{Moment, Server, Verdict};
use standin_net::racing::Racing;
use standin_net::{ConnectError, Stream};

use crate::brokers::{CLASS, Shared};
use crate::upgrade::{Socket, UpgradeError, upgrade};
use crate::{AssociateError, Association, Attempt, BrokerUri};

/// One call of [`Brokers::associate`](crate::Brokers::associate).
pub(crate) struct Walk<'a> {
    shared: &'a Arc<Shared>,
    plan: Plan,
    begun: Moment,
    failed: Vec<Attempt>,
}

/// A broker that is tried, and what its verdict is recorded with.
#[derive(Clone, Copy)]
struct Candidate {
    place: usize,
    mark: Option<Mark>,
}

impl<'a> Walk<'a> {
    pub(crate) const fn new(shared: &'a Arc<Shared>, plan: Plan, begun: Moment) -> Self {
        Self {
            shared,
            plan,
            begun,
            failed: Vec::new(),
        }
    }

    pub(crate) async fn go(mut self) -> Result<Association, AssociateError> {
        let (health, clock) = (&self.shared.health, self.shared.clock);
        loop {
            let first = match self.plan.step(clock.now(), health.budget()) {
                Step::Attempt { place, .. } => place,
                Step::Wait(until) => {
                    tokio::time::sleep_until(clock.instant(until)).await;
                    continue;
                }
                Step::GiveUp(why) => return Err(AssociateError::new(why.into(), self.failed)),
            };
            let Some((place, stream)) = self.reach(first).await else {
                continue;
            };
            let Some(server) = self.server(place) else {
                continue;
            };
            if let Some(socket) = self.upgrade(place, &server, stream).await {
                return Ok(Association::new(server, socket, self.failed));
            }
        }
    }

    /// The connection that wins the race of those not tried yet.
    async fn reach(&mut self, first: usize) -> Option<(usize, Stream)> {
        let shared = self.shared;
        let began = shared.clock.now();
        let lanes = self.plan.lanes(first, began);
        let lanes: Vec<Candidate> = lanes.map(|at| self.candidate(at)).collect();
        let alone = match lanes.len() {
            1 => Alone::Yes,
            _ => Alone::No,
        };
        let connect = |lane: usize| {
            let place = lanes[lane].place;
            let limit = shared.health.connect_limit(CLASS, place, alone, began);
            let (server, connector) = (self.server(place), shared.connector.clone());
            async move {
                let server = server.ok_or_else(ConnectError::timed_out)?;
                connector.connect(&server, limit).await
            }
        };
        let times = shared.health.race_times(CLASS, lanes.first()?.place, began);
        let mut racing = Racing::new(lanes.len(), shared.clock, &times);
        let deadline = shared.clock.instant(self.plan.deadline());
        let Ok(won) = tokio::time::timeout_at(deadline, racing.run(connect)).await else {
            let timed_out = Verdict::Unreached(Unreached::TimedOut);
            self.note(*lanes.first()?, timed_out, None, began);
            return None;
        };
        let failed = racing.take_failed();
        let before = |lane: usize| won.as_ref().is_some_and(|(won, _)| lane < *won);
        let connecting = racing.connecting().map(|(lane, _)| lane);
        let passed_over: Vec<usize> = connecting.filter(|lane| before(*lane)).collect();
        let mut rest = racing.into_rest(|_| true);
        for (lane, error) in failed {
            let verdict = error.verdict();
            self.note(lanes[lane], verdict, Some(Arc::new(error)), began);
        }
        for lane in passed_over {
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.note(lanes[lane], verdict, None, began);
        }
        let won = won.map(|(lane, stream)| (lanes[lane].place, stream));
        if !rest.is_empty() {
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                while let Some((lane, result)) = rest.next().await {
                    if let Err(error) = result {
                        shared.record(lanes[lane].place, lanes[lane].mark, error.verdict());
                    }
                }
            });
        }
        won
    }

    async fn upgrade(&mut self, place: usize, server: &Server, stream: Stream) -> Option<Socket> {
        let (health, clock) = (&self.shared.health, self.shared.clock);
        let began = clock.now();
        let candidate = self.candidate(place);
        let until = (began + health.policy().connect.limit).min(self.plan.deadline());
        let uri = BrokerUri::of(server);
        let upgraded = tokio::time::timeout_at(clock.instant(until), upgrade(&uri, stream))
            .await
            .unwrap_or(Err(UpgradeError::Silent));
        match upgraded {
            Ok(socket) => {
                self.shared.record(place, candidate.mark, Verdict::Answered);
                // Had the holder not failed or been benched, it would have been asked first.
                let moved = health.take_over(CLASS, place, clock.now());
                standin_net::events::tell(moved.into_iter().collect());
                Some(socket)
            }
            Err(error) => {
                if let UpgradeError::Untrusted(failure) = &error {
                    self.shared.connector.was_refused(server, failure);
                }
                self.note(candidate, error.verdict(), Some(Arc::new(error)), began);
                None
            }
        }
    }

    /// Records a failed attempt: for health, for the plan, and for the story.
    fn note(
        &mut self,
        candidate: Candidate,
        verdict: Verdict,
        source: Option<Arc<dyn Error + Send + Sync>>,
        began: Moment,
    ) {
        let Candidate { place, mark } = candidate;
        let now = self.shared.clock.now();
        self.shared.record(place, mark, verdict);
        self.plan
            .record(place, as_unsent(verdict), now, fastrand::u64(..));
        let Some(entry) = self.shared.health.entry(CLASS, place) else {
            return;
        };
        let attempt = Attempt {
            server: entry.server.clone(),
            role: entry.role,
            verdict,
            after: began.since(self.begun),
            took: now.since(began),
            source,
        };
        tracing::debug!(service = %CLASS, server = %attempt.server, %attempt, "attempt failed");
        self.failed.push(attempt);
    }

    fn candidate(&self, place: usize) -> Candidate {
        let mark = self.shared.health.mark(CLASS, place);
        Candidate { place, mark }
    }

    fn server(&self, place: usize) -> Option<Server> {
        let entry = self.shared.health.entry(CLASS, place)?;
        Some(entry.server.clone())
    }
}

/// To the plan the upgrade is a part of connecting: nothing of the caller's is sent before it
/// stands. So moving on is free, and an outage of all brokers uses up no budget of repeats.
const fn as_unsent(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::NotReady(_) | Verdict::Lost(_) => Verdict::Unreached(Unreached::Reset),
        verdict => verdict,
    }
}
