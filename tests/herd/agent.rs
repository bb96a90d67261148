//! An agent: a run every half hour, and in it one request after another.

use std::time::Duration;

use standin_core::health::{Mark, ServerId};
use standin_core::memory::Memory;
use standin_core::patience::Patience;
use standin_core::plan::Plan;
use standin_core::{Health, Moment, Operation};

/// How an agent lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A process for each run, with a splay of its own; memory is carried on.
    OneRun,
    /// One process that runs at fixed times and learns from its requests alone.
    LongLived,
    /// The same, and it watches its servers' status.
    Watching,
}

pub(crate) const RUN_INTERVAL: Duration = Duration::from_secs(1800);
/// How far the runs of a process for each run are splayed.
pub(crate) const SPLAY: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(crate) struct Agent {
    /// When its runs are due within the run interval.
    pub(crate) offset: Duration,
    /// There while its process is.
    pub(crate) health: Option<Health>,
    pub(crate) memory: Memory,
    pub(crate) run: Option<Run>,
    /// How many processes it had, so that what came for an earlier one is known as such.
    pub(crate) life: u32,
    /// The number of what it waits for: its run does one thing at a time.
    pub(crate) expects: u64,
    /// Whether the replica ever worked for it.
    pub(crate) was_at_replica: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Run {
    /// So many requests of the script are behind it.
    pub(crate) done: usize,
    pub(crate) pin: Option<ServerId>,
    pub(crate) left_silent_work: bool,
    pub(crate) walk: Option<Walk>,
}

/// A request on its way.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) plan: Plan,
    pub(crate) operation: Operation,
    pub(crate) takes: Duration,
    pub(crate) attempt: Option<Attempt>,
}

/// A request that was sent.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) place: usize,
    pub(crate) mark: Mark,
    pub(crate) began: Moment,
    pub(crate) until: Moment,
    pub(crate) patience: Patience,
}

/// The requests of a run, and for how long an instance of a healthy server works on each, in
/// milliseconds from and to: a classified node, plugins, a catalog of a few hundred resources,
/// files, and a report. Together 4.4 s in the mean.
pub(crate) const SCRIPT: [(&str, &str, u64, u64); 7] = [
    ("GET", "/puppet/v3/node/agent", 50, 150),
    ("GET", "/puppet/v3/file_metadatas/pluginfacts", 50, 150),
    ("GET", "/puppet/v3/file_metadatas/plugins", 100, 300),
    ("POST", "/puppet/v3/catalog/agent", 2000, 5000),
    ("GET", "/puppet/v3/file_metadata/modules/a", 20, 60),
    ("GET", "/puppet/v3/file_metadata/modules/b", 20, 60),
    ("PUT", "/puppet/v3/report/agent", 100, 500),
];

/// How long the agent itself works after each request, in milliseconds from and to: it applies its
/// catalog before it asks for files.
pub(crate) const WORK_BETWEEN: (u64, u64) = (100, 2000);
