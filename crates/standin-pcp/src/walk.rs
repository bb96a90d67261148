//! One walk along the brokers: drives the core's plan on real connections.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use standin_core::health::{Alone, Health};
use standin_core::plan::{Plan, Step};
use standin_core::verdict::Unreached;
use standin_core::{Moment, Server, Verdict};
use standin_net::racing::{Racing, Rest};
use standin_net::{ConnectError, Stream};

use crate::candidate::Candidate;
use crate::keeper::Wishes;
use crate::shared::{CLASS, Shared, upgrade_operation};
use crate::upgrade::{Socket, UpgradeError, upgrade};
use crate::{AssociateError, AssociateErrorKind, Attempt};

/// What a walk came to.
pub(crate) struct Made {
    pub(crate) broker: Candidate,
    pub(crate) socket: Socket,
    /// The attempts that failed before, in order.
    pub(crate) failed: Vec<Attempt>,
}

/// Associates with the broker that holds the service, or with the next one that will.
///
/// Connections are raced, upgrades are not: with the default policy a broker that cannot be connected
/// to costs at most [`preference`](standin_core::policy::Connect::preference), and one that falls
/// silent after TLS at most [`limit`](standin_core::policy::Connect::limit). An upgrade that failed
/// is tried at the next broker, whatever the reason, since nothing but the wish to associate was
/// sent.
///
/// Who lost the race is finished in the background, within the limit, for what it shows. Dropping the
/// future closes what was begun besides.
pub(crate) async fn walk(shared: Arc<Shared>, wishes: Wishes) -> Result<Made, AssociateError> {
    let (begun, random) = (shared.clock.now(), fastrand::u64(..));
    let nobody = || AssociateError::new(AssociateErrorKind::NoBrokers, Vec::new());
    let health = shared.health();
    let plan = health
        .plan(upgrade_operation(), wishes.first, None, begun, random)
        .ok_or_else(nobody)?;
    let walk = Walk {
        shared: &shared,
        health,
        plan,
        begun,
        failed: Vec::new(),
    };
    walk.go(&wishes).await
}

/// Associates with this broker and no other.
pub(crate) async fn associate(shared: Arc<Shared>, broker: Candidate) -> Result<Made, Attempt> {
    let begun = shared.clock.now();
    let failed = |verdict: Verdict, source: Arc<dyn Error + Send + Sync>| {
        broker.attempt(&shared, verdict, Some(source), (begun, begun))
    };
    let limit = shared.health().policy().connect.limit;
    let connected = shared.connector.connect(&broker.server, limit).await;
    let stream = connected.map_err(|error| failed(error.verdict(), Arc::new(error)))?;
    let until = shared.clock.now() + limit;
    let socket = upgrade_until(&shared, &broker.server, stream, until).await;
    let socket = socket.map_err(|error| failed(error.verdict(), Arc::new(error)))?;
    Ok(Made {
        broker,
        socket,
        failed: Vec::new(),
    })
}

struct Walk<'a> {
    shared: &'a Arc<Shared>,
    health: Arc<Health>,
    plan: Plan,
    begun: Moment,
    failed: Vec<Attempt>,
}

impl Walk<'_> {
    async fn go(mut self, wishes: &Wishes) -> Result<Made, AssociateError> {
        let (health, clock) = (Arc::clone(&self.health), self.shared.clock);
        let mut passes = self.put_last(wishes);
        loop {
            let first = match self.plan.step(clock.now(), health.budget()) {
                Step::Attempt { place, .. } => place,
                Step::Wait(until) => {
                    passes -= 1;
                    if passes == 0 {
                        return Err(AssociateError::new(
                            AssociateErrorKind::Exhausted,
                            self.failed,
                        ));
                    }
                    tokio::time::sleep_until(clock.instant(until)).await;
                    continue;
                }
                Step::GiveUp(why) => return Err(AssociateError::new(why.into(), self.failed)),
            };
            let Some((broker, stream)) = self.reach(first).await else {
                continue;
            };
            let began = clock.now();
            let until = (began + health.policy().connect.limit).min(self.plan.deadline());
            match upgrade_until(self.shared, &broker.server, stream, until).await {
                Ok(socket) => {
                    return Ok(Made {
                        broker,
                        socket,
                        failed: self.failed,
                    });
                }
                Err(error) => self.note(&broker, error.verdict(), Some(Arc::new(error)), began),
            }
        }
    }

    /// Counts those to be tried last as tried, so that their turn comes in a second pass. Returns how
    /// many passes that makes.
    fn put_last(&mut self, wishes: &Wishes) -> u8 {
        let health = &self.health;
        let all = health.list(CLASS).map_or(0, |list| list.len());
        let last = match wishes.last.as_slice() {
            last if last.len() < all => last,
            // Everybody failed: then it matters who did so just now.
            [.., latest] if all > 1 => std::slice::from_ref(latest),
            _ => return 1,
        };
        let now = self.shared.clock.now();
        for place in last.iter().filter_map(|id| health.place(CLASS, *id)) {
            let failed = Verdict::Unreached(Unreached::Reset);
            self.plan.record(place, failed, now, 0);
        }
        if last.is_empty() { 1 } else { 2 }
    }

    /// The connection that wins the race of those not tried yet.
    async fn reach(&mut self, first: usize) -> Option<(Candidate, Stream)> {
        let shared = self.shared;
        let began = shared.clock.now();
        let lanes = self.plan.lanes(first, began);
        let lanes: Vec<Candidate> = lanes
            .filter_map(|place| Candidate::at(&self.health, place))
            .collect();
        let alone = match lanes.len() {
            1 => Alone::Yes,
            _ => Alone::No,
        };
        let connect = |lane: usize| {
            let Candidate { place, server, .. } = lanes[lane].clone();
            let limit = self.health.connect_limit(CLASS, place, alone, began);
            let (connector, clock) = (shared.connector.clone(), shared.clock);
            async move {
                let began = clock.now();
                let stream = connector.connect(&server, limit).await?;
                Ok((stream, clock.now().since(began)))
            }
        };
        let times = self.health.race_times(CLASS, first, began);
        let mut racing = Racing::new(lanes.len(), shared.clock, &times);
        let deadline = shared.clock.instant(self.plan.deadline());
        let Ok(won) = tokio::time::timeout_at(deadline, racing.run(connect)).await else {
            let timed_out = Verdict::Unreached(Unreached::TimedOut);
            self.note(lanes.first()?, timed_out, None, began);
            return None;
        };
        let failed = racing.take_failed();
        let before = |lane: usize| won.as_ref().is_some_and(|(won, _)| lane < *won);
        let connecting = racing.connecting().map(|(lane, _)| lane);
        let passed_over: Vec<usize> = connecting.filter(|lane| before(*lane)).collect();
        let rest = racing.into_rest(|_| true);
        for (lane, error) in failed {
            let verdict = error.verdict();
            self.note(&lanes[lane], verdict, Some(Arc::new(error)), began);
        }
        for &lane in &passed_over {
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.note(&lanes[lane], verdict, None, began);
        }
        let won = won.map(|(lane, (stream, took))| {
            lanes[lane].connected(shared, took);
            (lanes[lane].clone(), stream)
        });
        if !rest.is_empty() {
            tokio::spawn(finish(Arc::clone(shared), rest, lanes, passed_over));
        }
        won
    }

    /// Records a failed attempt: for health, for the plan, and for the story.
    fn note(
        &mut self,
        broker: &Candidate,
        verdict: Verdict,
        source: Option<Arc<dyn Error + Send + Sync>>,
        began: Moment,
    ) {
        let shared = self.shared;
        broker.record(shared, verdict);
        let (now, random) = (shared.clock.now(), fastrand::u64(..));
        self.plan
            .record(broker.place, as_unsent(verdict), now, random);
        let attempt = broker.attempt(shared, verdict, source, (self.begun, began));
        tracing::debug!(service = %CLASS, server = %attempt.server, %attempt, "attempt failed");
        self.failed.push(attempt);
    }
}

/// Connections that lost their race are finished for what they show.
async fn finish(
    shared: Arc<Shared>,
    mut rest: Rest<(Stream, Duration)>,
    lanes: Vec<Candidate>,
    passed_over: Vec<usize>,
) {
    while let Some((lane, made)) = rest.next().await {
        let broker = &lanes[lane];
        match made {
            Ok((_, took)) => broker.connected(&shared, took),
            // Its slowness is recorded already: one connection counts once.
            Err(error) if passed_over.contains(&lane) && is_slow(&error) => {}
            Err(error) => broker.record(&shared, error.verdict()),
        }
    }
}

async fn upgrade_until(
    shared: &Shared,
    server: &Server,
    stream: Stream,
    until: Moment,
) -> Result<Socket, UpgradeError> {
    let uri = shared.uri(server);
    let upgraded = tokio::time::timeout_at(shared.clock.instant(until), upgrade(&uri, stream))
        .await
        .unwrap_or(Err(UpgradeError::Silent));
    if let Err(UpgradeError::Untrusted(failure)) = &upgraded {
        shared.connector.was_refused(server, failure);
    }
    upgraded
}

fn is_slow(error: &ConnectError) -> bool {
    error.verdict() == Verdict::Unreached(Unreached::TimedOut)
}

/// To the plan the upgrade is a part of connecting: nothing of the caller's is sent before it
/// stands. So moving on is free, and an outage of all brokers uses up no budget of repeats.
const fn as_unsent(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::NotReady(_) | Verdict::Lost(_) => Verdict::Unreached(Unreached::Reset),
        verdict => verdict,
    }
}
