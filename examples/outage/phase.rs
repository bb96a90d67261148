//! A phase: a fault that holds while the agents go on with their runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use standin::Policy;
use standin_lab::{Fault, Lab, Target};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::BoxError;
use crate::agent::{Agent, Errand, Outcome};
use crate::progress::Progress;
use crate::tally::Tally;

pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) fault: Option<(Target<'static>, Fault)>,
    /// How long it lasts; at most so long when agents are to return.
    pub(crate) lasts: Duration,
    pub(crate) ends: Ends,
    /// What is to be expected of a certificate request, a classifier edit and a code deploy.
    pub(crate) master_only: [MasterOnly; 3],
}

/// When a phase ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// When its time is over.
    InTime,
    /// When all work of all agents is back at the master.
    WhenBack,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MasterOnly {
    Works,
    Fails,
}

/// An agent whose process starts in each phase anew and knows nothing.
const NEWCOMER: &str = "new.test";

/// Requests are numbered, so that no two write the same.
static SERIAL: AtomicUsize = AtomicUsize::new(1);

impl Phase {
    /// Holds the fault while every agent does run after run, and tries what only a master may do.
    /// The phase lasts until the last run begun in its time is over.
    pub(crate) async fn play(
        &self,
        lab: &Lab,
        agents: &[Agent],
        policy: &Policy,
        index: usize,
        tally: &mut Tally,
        progress: &mut Progress,
    ) -> Result<(), BoxError> {
        let (outcomes, mut arrived) = mpsc::unbounded_channel::<Outcome>();
        let (over, is_over) = watch::channel(Over::No);
        let start = |agent: Agent| {
            let (is_over, outcomes) = (is_over.clone(), outcomes.clone());
            tokio::spawn(run_after_run(agent, is_over, outcomes))
        };
        let mut runs: Vec<_> = agents.iter().cloned().map(start).collect();
        // The fault strikes agents that are in the middle of a run, and one that starts in it.
        let guard = match self.fault.clone() {
            Some((target, fault)) => Some(lab.fault(target, fault).await?),
            None => None,
        };
        runs.push(start(Agent::enrol(lab, NEWCOMER, policy)?));
        let edits = tokio::spawn(master_only(agents.to_vec(), outcomes));
        let end = Instant::now() + self.lasts;
        let mut ending = false;
        let mut looks = tokio::time::interval(Duration::from_millis(250));
        loop {
            tokio::select! {
                outcome = arrived.recv() => match outcome {
                    Some(outcome) => {
                        progress.tick(&outcome);
                        tally.add(index, self, outcome);
                    }
                    None => break,
                },
                () = sleep_until(end), if !ending => {
                    ending = true;
                    over.send_replace(Over::Yes);
                    if self.ends == Ends::WhenBack {
                        tally.never_came_back(self);
                    }
                }
                _ = looks.tick(), if !ending && self.ends == Ends::WhenBack => {
                    if agents.iter().all(Agent::is_back) {
                        ending = true;
                        over.send_replace(Over::Yes);
                    }
                }
            }
        }
        edits.await?;
        for run in runs {
            run.await?;
        }
        if let Some(guard) = guard {
            guard.lift().await;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    Yes,
}

async fn run_after_run(
    agent: Agent,
    is_over: watch::Receiver<Over>,
    outcomes: mpsc::UnboundedSender<Outcome>,
) {
    let agent = Arc::new(agent);
    while *is_over.borrow() == Over::No {
        let run = agent.begin_run();
        for errand in Errand::RUN {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let outcome = agent.go(errand, Some(&run), serial).await;
            if outcomes.send(outcome).is_err() {
                return;
            }
        }
        // A breath between two runs: the point is outages, not load.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What only a master may do, tried by the first agent, once in a phase.
async fn master_only(agents: Vec<Agent>, outcomes: mpsc::UnboundedSender<Outcome>) {
    for agent in agents.iter().take(1) {
        for errand in Errand::MASTER_ONLY {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let outcome = agent.go(errand, None, serial).await;
            if outcomes.send(outcome).is_err() {
                return;
            }
        }
    }
}
