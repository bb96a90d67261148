//! The main job on the embedded lab: agents do whole runs without pause while the infrastructure
//! breaks in five ways and comes back.
//!
//! `cargo run --example outage` prints a timeline; with `--json` the same as JSON. It ends with 0
//! only if everything that should work did, and nothing that should not.

use std::process::ExitCode;
use std::time::Duration;

use standin::Policy;
use standin::policy::{Failback, Hysteresis};
use standin_lab::{Fault, Lab, Service, Target};

#[path = "outage/agent.rs"]
mod agent;
#[path = "outage/phase.rs"]
mod phase;
#[path = "outage/progress.rs"]
mod progress;
#[path = "outage/story.rs"]
mod story;
#[path = "outage/tally.rs"]
mod tally;

use agent::Agent;
use phase::{Ends, MasterOnly, Phase};
use progress::Progress;
use tally::Tally;

/// Agents that live through all of it; in each phase one more starts anew.
const AGENTS: [&str; 2] = ["agent.test", "web.test"];

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What happens, in order. Partial failures come first, as they are the harder ones to get right.
fn phases() -> [Phase; 6] {
    let master = Target::Host("master.test");
    let seconds = Duration::from_secs;
    [
        Phase {
            name: "all well",
            fault: None,
            lasts: seconds(4),
            ends: Ends::InTime,
            master_only: [MasterOnly::Works; 3],
        },
        Phase {
            name: "the master's classifier dies",
            fault: Some((
                Target::Service("master.test", Service::NodeClassifier),
                Fault::Refuse,
            )),
            lasts: seconds(6),
            ends: Ends::InTime,
            master_only: [MasterOnly::Works, MasterOnly::Fails, MasterOnly::Works],
        },
        Phase {
            name: "the master's PuppetDB is black-holed",
            fault: Some((
                Target::Service("master.test", Service::PuppetDb),
                Fault::BlackHole,
            )),
            lasts: seconds(9),
            ends: Ends::InTime,
            master_only: [MasterOnly::Works; 3],
        },
        Phase {
            name: "the whole master refuses",
            fault: Some((master, Fault::Refuse)),
            lasts: seconds(5),
            ends: Ends::InTime,
            master_only: [MasterOnly::Fails; 3],
        },
        Phase {
            name: "the whole master is black-holed",
            fault: Some((master, Fault::BlackHole)),
            lasts: seconds(7),
            ends: Ends::InTime,
            master_only: [MasterOnly::Fails; 3],
        },
        Phase {
            name: "the master is back",
            fault: None,
            lasts: seconds(26),
            ends: Ends::WhenBack,
            master_only: [MasterOnly::Works; 3],
        },
    ]
}

/// The default policy, with dwell and spread shortened: a fleet would return within six minutes,
/// and nobody wants to watch that.
fn policy() -> Policy {
    Policy {
        failback: Failback::Hysteresis(Hysteresis {
            dwell: Duration::from_secs(2),
            spread: Duration::ZERO,
            ..Hysteresis::default()
        }),
        ..Policy::default()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            story::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, BoxError> {
    let format = match std::env::args().nth(1).as_deref() {
        None => story::Format::Text,
        Some("--json") => story::Format::Json,
        Some(other) => return Err(format!("unknown option {other}; there is --json").into()),
    };
    let lab = Lab::builder().start().await?;
    let policy = policy();
    let agents = AGENTS
        .iter()
        .map(|name| Agent::enrol(&lab, name, &policy))
        .collect::<Result<Vec<_>, _>>()?;

    let phases = phases();
    let mut progress = Progress::begin(&phases);
    let mut tally = Tally::new();
    for (index, phase) in phases.iter().enumerate() {
        progress.enter(index);
        phase
            .play(&lab, &agents, &policy, index, &mut tally, &mut progress)
            .await?;
    }
    progress.end();
    tally.judge_writes(&lab.journal(), lab.replica().name());
    story::tell(format, &policy, &phases, &tally);
    Ok(match tally.failures() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
