//! An agent: it asks for one thing after another, and is held to what it is promised.

use std::rc::Rc;
use std::time::Duration;

use fastrand::Rng;
use http::{Method, Request, StatusCode};
use standin::policy::{Connect, Deadline, Failback, Hysteresis, Patience, Trip};
use standin::{
    Body, Error, ErrorKind, FailoverLayer, Installation, OnLoss, Over, Policy, Run, Served,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::ledger::Ledger;
use crate::plain::Plain;
use crate::story::{MASTER, REPLICA, STORM};

/// The default policy with times some five times shorter, so that a simulation can be.
pub(crate) fn policy() -> Policy {
    let millis = Duration::from_millis;
    Policy {
        deadline: Deadline {
            long: LONG,
            cheap: millis(6500),
            reserve: millis(2000),
            ..Deadline::default()
        },
        connect: Connect {
            preference: millis(800),
            limit: millis(1000),
            limit_benched: millis(600),
            ..Connect::default()
        },
        trip: Trip {
            bench: millis(1000),
            bench_most: BENCH_MOST,
            decay: millis(5000),
            host_silence: millis(2000),
            ..Trip::default()
        },
        patience: Patience {
            after: millis(500),
            probe_limit: millis(500),
            interval_most: millis(4000),
            silence: millis(1000),
            silence_long: millis(2000),
            stuck: millis(3000),
            stuck_long: millis(5000),
            ..Patience::default()
        },
        failback: Failback::Hysteresis(Hysteresis {
            dwell: DWELL,
            spread: SPREAD,
            ..Hysteresis::default()
        }),
        ..Policy::default()
    }
}

const LONG: Duration = Duration::from_secs(8);
const DWELL: Duration = Duration::from_secs(4);
const SPREAD: Duration = Duration::from_secs(4);
const BENCH_MOST: Duration = Duration::from_secs(4);
/// No run is longer, for it keeps to the replica if it began there.
const RUN: Duration = Duration::from_secs(3);
/// Every service is asked something new within this.
const NEXT: Duration = Duration::from_secs(4);

/// What was under way as all healed may speak against the master until its deadline. Then a bench has
/// to end and somebody to ask, before the dwell begins and after it; and runs that began before end.
pub(crate) const HEALED: Duration = STORM
    .saturating_add(LONG)
    .saturating_add(BENCH_MOST)
    .saturating_add(NEXT)
    .saturating_add(DWELL)
    .saturating_add(SPREAD)
    .saturating_add(NEXT)
    .saturating_add(RUN);

/// Agents stop asking then; what is under way ends within a deadline.
pub(crate) const END: Duration = HEALED.saturating_add(Duration::from_secs(2));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    Node,
    Catalog,
    Query,
    UndatedCommand,
    Classification,
    Edit,
    Deploy,
}

impl Errand {
    const ALL: [Self; 7] = [
        Self::Node,
        Self::Catalog,
        Self::Query,
        Self::UndatedCommand,
        Self::Classification,
        Self::Edit,
        Self::Deploy,
    ];

    const fn is_harmful(self) -> bool {
        matches!(self, Self::UndatedCommand | Self::Edit | Self::Deploy)
    }

    const fn is_for_the_master_only(self) -> bool {
        matches!(self, Self::Edit | Self::Deploy)
    }

    fn request(self, number: u64) -> Request<Body> {
        let (method, path) = match self {
            Self::Node => (Method::GET, "/puppet/v3/node/agent"),
            Self::Catalog => (Method::POST, "/puppet/v3/catalog/agent"),
            Self::Query => (Method::GET, "/pdb/query/v4/nodes"),
            Self::UndatedCommand => (Method::POST, "/pdb/cmd/v1"),
            Self::Classification => (Method::GET, "/classifier-api/v1/groups"),
            Self::Edit => (Method::POST, "/classifier-api/v1/groups"),
            Self::Deploy => (Method::POST, "/code-manager/v1/deploys"),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?number={number}"));
        request.body(Body::from("facts")).unwrap()
    }
}

pub(crate) struct Agent {
    name: &'static str,
    /// The number of its first request; it has the next hundred thousand.
    number: u64,
    ledger: Ledger,
    layer: FailoverLayer,
    client: Over<Plain>,
}

impl Agent {
    pub(crate) fn new(name: &'static str, place: usize, ledger: Ledger) -> Self {
        let installation = Installation::of_hosts(MASTER, Some(REPLICA)).unwrap();
        let layer = FailoverLayer::builder(installation).agent(name);
        let layer = layer.policy(policy()).build().unwrap();
        Self {
            name,
            number: (place as u64 + 1) * 100_000,
            ledger,
            client: layer.over(Plain::default()),
            layer,
        }
    }

    /// Asks now and then until the end, whether the last answer is there or not.
    pub(crate) async fn live(self, mut rng: Rng) -> turmoil::Result {
        let agent = Rc::new(self);
        let (mut number, mut run, mut ends) = (agent.number, None, Duration::ZERO);
        let mut errands = Vec::new();
        let mut asking = JoinSet::new();
        while now() < END {
            // Half of the time as a run of some requests.
            if rng.u8(0..6) == 0 || now() >= ends {
                run = rng.bool().then(|| agent.layer.begin_run(OnLoss::Cross));
                ends = now() + RUN;
            }
            for _ in 0..rng.usize(1..3) {
                number += 1;
                if errands.is_empty() {
                    errands.extend(Errand::ALL);
                    rng.shuffle(&mut errands);
                }
                let Some(errand) = errands.pop() else { break };
                let (agent, run) = (Rc::clone(&agent), run.clone());
                asking.spawn_local(async move { agent.ask(number, errand, run).await });
            }
            sleep(Duration::from_millis(rng.u64(100..700))).await;
        }
        while let Some(asked) = asking.join_next().await {
            asked?;
        }
        Ok(())
    }

    async fn ask(&self, number: u64, errand: Errand, run: Option<Run>) {
        let mut request = errand.request(number);
        if let Some(run) = run {
            request.extensions_mut().insert(run);
        }
        let (begun, began_at) = (Instant::now(), now());
        let result = self.client.request(request).await;
        let took = begun.elapsed();
        let result = result.map(|response| {
            let served = response.extensions().get::<Served>().cloned();
            (response.status(), served.expect("who served it"))
        });
        let told = match &result {
            Ok((status, served)) => {
                format!("{status} by {} after {:?}", served.server, served.failed)
            }
            Err(error) => error.report().replace('\n', ";"),
        };
        let name = self.name;
        self.ledger
            .tell(&format!("{name} {number} {errand:?} took {took:?}: {told}"));
        self.ledger.answered(match &result {
            Ok((_, served)) => served.server.host(),
            Err(_) => "nobody",
        });
        self.judge(number, errand, took, &result);
        if began_at > HEALED {
            let by_the_master =
                matches!(&result, Ok((StatusCode::OK, served)) if served.server.host() == MASTER);
            self.ledger.hold(by_the_master, || {
                format!("{number}, {errand:?} of {name}: healed, and yet {told}")
            });
        }
    }

    fn judge(
        &self,
        number: u64,
        errand: Errand,
        took: Duration,
        result: &Result<(StatusCode, Served), Error>,
    ) {
        let whole = self.ledger.whole(number);
        let hold = |is_so: bool, rule: &str| {
            self.ledger.hold(is_so, || {
                format!("{number}, {errand:?}: {rule}: {whole:?}, {took:?}")
            });
        };
        let policy = policy();
        let most = match errand {
            Errand::Catalog | Errand::Deploy => policy.deadline.long,
            _ => policy.deadline.cheap,
        };
        hold(took <= most + ROUNDED, "the deadline is passed");
        if errand.is_harmful() {
            hold(whole.len() <= 1, "it arrived twice");
        }
        if errand.is_for_the_master_only() {
            hold(
                !whole.iter().any(|host| host == REPLICA),
                "it was written at the replica",
            );
        }
        if let Err(error) = result
            && error.kind() == ErrorKind::NotDuringFailover
        {
            hold(whole.is_empty(), "it was said not to be processed");
        }
    }
}

fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

/// Tokio's timers count milliseconds, and round up.
const ROUNDED: Duration = Duration::from_millis(2);
