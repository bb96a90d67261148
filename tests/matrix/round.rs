//! One fault in one phase, met by every errand at once.

use std::time::Duration;

use futures_util::future::{join, join_all};
use standin_lab::{Ended, Fault, Judgement, Lab, Received};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::asked::{Asked, Outcome, judge};
use crate::client::{Client, Clients};
use crate::errand::Errand;
use crate::strike::{Whom, lift, strike};

/// When the fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before there is a connection.
    BeforeConnecting,
    /// Before the request goes out on a connection that stands.
    OnWarmConnections,
    /// When the request was read whole and nothing is answered yet.
    UnderWay,
    /// When the head of the answer is there and its body, where it has one, is on the way.
    InTheBody,
}

impl Phase {
    pub(crate) const ALL: [Self; 4] = [
        Self::BeforeConnecting,
        Self::OnWarmConnections,
        Self::UnderWay,
        Self::InTheBody,
    ];
}

/// A fault, when it strikes and whom.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) fault: Fault,
    pub(crate) phase: Phase,
    pub(crate) whom: Whom,
}

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) judgement: Judgement,
    /// How many requests were acknowledged to their clients.
    pub(crate) acknowledged: usize,
}

/// A lab with clients, for one round after the other.
pub(crate) struct Stage {
    lab: Lab,
    clients: Clients,
}

/// The time that each request is given.
const WITHIN: Duration = Duration::from_secs(20);

impl Stage {
    pub(crate) async fn start() -> Self {
        let lab = Lab::builder().start().await.unwrap();
        let clients = Clients::of(&lab);
        Self { lab, clients }
    }

    /// Plays a round with clients that `make` makes, one for each errand.
    pub(crate) async fn play(&self, round: &Round, make: impl Fn(&Clients) -> Client) -> Came {
        self.lab.journal().clear();
        let of = format!("{:?}-{:?}", round.phase, round.whom);
        let agents: Vec<Agent> = Errand::ALL
            .map(|errand| Agent {
                asked: Asked::new(errand, WITHIN, &of),
                client: make(&self.clients),
            })
            .into();
        let outcomes = match round.phase {
            Phase::BeforeConnecting => self.before_connecting(round, &agents).await,
            Phase::OnWarmConnections => {
                join_all(agents.iter().map(Agent::warm_up)).await;
                self.before_connecting(round, &agents).await
            }
            Phase::UnderWay => self.under_way(round, &agents).await,
            Phase::InTheBody => self.in_the_body(round, &agents).await,
        };
        drop(agents);
        let acknowledged = |outcome: &&Outcome| outcome.deed.ended == Ended::Acknowledged;
        Came {
            judgement: judge(&self.lab, &outcomes).await,
            acknowledged: outcomes.iter().filter(acknowledged).count(),
        }
    }

    async fn before_connecting(&self, round: &Round, agents: &[Agent]) -> Vec<Outcome> {
        let guards = strike(&self.lab, round.whom, &round.fault).await;
        let outcomes = join_all(agents.iter().map(|agent| agent.ask(|| {}))).await;
        lift(guards).await;
        outcomes
    }

    async fn under_way(&self, round: &Round, agents: &[Agent]) -> Vec<Outcome> {
        let hold = strike(&self.lab, round.whom, &Fault::WorkSilent).await;
        let journal = self.lab.journal();
        let striking = async {
            for Agent { asked, .. } in agents {
                let whole = journal.wait_for(|receipt| {
                    receipt.path_and_query.ends_with(&asked.mark)
                        && receipt.received == Received::Whole
                });
                timeout(WITHIN, whole).await.expect("every request arrives");
            }
            let guards = strike(&self.lab, round.whom, &round.fault).await;
            lift(hold).await;
            guards
        };
        let asking = join_all(agents.iter().map(|agent| agent.ask(|| {})));
        let (outcomes, guards) = join(asking, striking).await;
        lift(guards).await;
        outcomes
    }

    async fn in_the_body(&self, round: &Round, agents: &[Agent]) -> Vec<Outcome> {
        let drip = Fault::DripBody(Duration::from_secs(5));
        let hold = strike(&self.lab, round.whom, &drip).await;
        let heads = watch::Sender::new(0);
        let striking = async {
            let mut heads = heads.subscribe();
            let all = heads.wait_for(|heads| *heads == agents.len());
            timeout(WITHIN, all)
                .await
                .expect("every head comes")
                .unwrap();
            let guards = strike(&self.lab, round.whom, &round.fault).await;
            lift(hold).await;
            guards
        };
        let one_more = || heads.send_modify(|heads| *heads += 1);
        let asking = join_all(agents.iter().map(|agent| agent.ask(one_more)));
        let (outcomes, guards) = join(asking, striking).await;
        lift(guards).await;
        outcomes
    }
}

/// An errand and the client that runs it.
struct Agent {
    asked: Asked,
    client: Client,
}

impl Agent {
    async fn warm_up(&self) {
        let errand = self.asked.errand;
        let request = errand.warm_up();
        self.client
            .send(errand.service, request, WITHIN, || {})
            .await;
    }

    async fn ask(&self, at_head: impl FnOnce()) -> Outcome {
        self.asked.ask(&self.client, at_head).await
    }
}
