//! Stories drawn by a seed: several faults that come and go, clients that remember, and perhaps a
//! promotion.
//!
//! `STANDIN_MATRIX=600` plays stories for so many seconds instead of a few dozen, each by a seed of its
//! own. One that fails prints its seed; `STANDIN_MATRIX_SEED=SEED` plays it again.

use std::panic;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::{join_all, join3};
use standin::Policy;
use standin::policy::{Deadline, Failback, Overload};
use standin_lab::{Fault, Judgement, Lab, Service, Target};
use tokio::time::{Instant, sleep};

use crate::asked::{Asked, Outcome, judge};
use crate::client::Clients;
use crate::errand::Errand;
use crate::strike::{MASTER, REPLICA, faults};

/// Several things that happen on one lab.
#[derive(Debug)]
struct Story {
    policies: [Policy; CLIENTS],
    strikes: Vec<Strike>,
    requests: Vec<Request>,
    /// When the replica is promoted, if it is.
    promotion: Option<Duration>,
}

#[derive(Debug)]
struct Strike {
    host: &'static str,
    /// `None` strikes the whole host.
    service: Option<Service>,
    fault: Fault,
    at: Duration,
    lasts: Duration,
}

#[derive(Debug)]
struct Request {
    client: usize,
    errand: Errand,
    at: Duration,
    within: Duration,
}

const CLIENTS: usize = 3;
const REQUESTS: usize = 40;

impl Story {
    fn of(rng: &mut Rng) -> Self {
        let strikes = (0..rng.usize(1..=4)).map(|_| Strike::of(rng)).collect();
        let requests = (0..REQUESTS).map(|_| Request::of(rng)).collect();
        let policies = std::array::from_fn(|_| policy(rng));
        Self {
            policies,
            strikes,
            requests,
            promotion: (rng.u8(..8) == 0).then(|| span(rng, 60)),
        }
    }

    async fn play(&self) -> Judgement {
        let lab = Lab::builder().start().await.unwrap();
        let clients = Clients::of(&lab);
        let clients: Vec<_> = self
            .policies
            .iter()
            .map(|policy| clients.with(policy))
            .collect();
        let requests = join_all(self.requests.iter().map(|request| async {
            sleep(request.at).await;
            let asked = Asked::new(request.errand, request.within, "story");
            asked.ask(&clients[request.client], || {}).await
        }));
        let strikes = join_all(self.strikes.iter().map(|strike| strike.play(&lab)));
        let promotion = async {
            if let Some(at) = self.promotion {
                sleep(at).await;
                lab.promote(REPLICA).await.unwrap();
            }
        };
        let (outcomes, _, ()): (Vec<Outcome>, _, ()) = join3(requests, strikes, promotion).await;
        drop(clients);
        judge(&lab, &outcomes).await
    }
}

impl Strike {
    fn of(rng: &mut Rng) -> Self {
        let faults = faults();
        Self {
            host: [MASTER, MASTER, REPLICA][rng.usize(..3)],
            service: rng
                .bool()
                .then(|| Service::ALL[rng.usize(..Service::ALL.len())]),
            fault: faults[rng.usize(..faults.len())].clone(),
            at: span(rng, 60),
            lasts: span(rng, 60),
        }
    }

    async fn play(&self, lab: &Lab) {
        sleep(self.at).await;
        let target = match self.service {
            Some(service) => Target::Service(self.host, service),
            None => Target::Host(self.host),
        };
        let guard = lab.fault(target, self.fault.clone()).await.unwrap();
        sleep(self.lasts).await;
        guard.lift().await;
    }
}

impl Request {
    fn of(rng: &mut Rng) -> Self {
        Self {
            client: rng.usize(..CLIENTS),
            errand: Errand::ALL[rng.usize(..Errand::ALL.len())],
            at: span(rng, 90),
            within: Duration::from_secs([1, 5, 20, 60][rng.usize(..4)]),
        }
    }
}

fn policy(rng: &mut Rng) -> Policy {
    Policy {
        failback: match rng.u8(..3) {
            0 => Failback::Immediate,
            1 => Failback::Never,
            _ => Failback::default(),
        },
        overload: [Overload::Wait, Overload::Spill, Overload::WaitOnly][rng.usize(..3)],
        deadline: Deadline {
            grace: Duration::from_secs([0, 10][rng.usize(..2)]),
            ..Deadline::default()
        },
        ..Policy::default()
    }
}

/// Up to so many seconds; often several things come at one moment.
fn span(rng: &mut Rng, seconds: u64) -> Duration {
    match rng.bool() {
        true => Duration::from_secs(rng.u64(..seconds)),
        false => Duration::from_millis(rng.u64(..seconds * 1000)),
    }
}

/// Plays the story of a seed; how many requests it had.
fn play(seed: u64) -> usize {
    let again = format!(
        "STANDIN_MATRIX_SEED={seed} cargo test --test matrix whatever_happens -- --nocapture"
    );
    fastrand::seed(seed);
    let story = Story::of(&mut Rng::with_seed(seed));
    let played = panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(story.play())
    });
    let judgement = played.unwrap_or_else(|_| panic!("seed {seed} panics: {story:#?}\n{again}"));
    let complaints: Vec<&str> = judgement.complaints().collect();
    assert!(
        complaints.is_empty(),
        "seed {seed}: {complaints:#?}\n{story:#?}\n{again}"
    );
    judgement.judged
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number, not {value}")))
}

#[test]
fn whatever_happens() {
    if let Some(seed) = number("STANDIN_MATRIX_SEED") {
        println!("seed {seed}: {} requests", play(seed));
        return;
    }
    let (mut stories, mut requests) = (0, 0);
    match number("STANDIN_MATRIX") {
        None => {
            for seed in 0..ORDINARY {
                requests += play(seed);
                stories += 1;
            }
        }
        Some(seconds) => {
            // Outside the runtimes of the stories time is real.
            let end = Instant::now() + Duration::from_secs(seconds);
            let mut seeds = Rng::new();
            while Instant::now() < end {
                requests += play(seeds.u64(..));
                stories += 1;
            }
        }
    }
    println!("{stories} stories, {requests} requests, nothing doubled, misdirected, lost or late");
}

/// How many stories the ordinary run plays.
const ORDINARY: u64 = 60;
