//! What happened, counted by phase and service.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::Serialize;
use standin::{ErrorKind, Role};
use standin_lab::{Journal, Service};

use crate::agent::{Errand, Outcome};
use crate::phase::{MasterOnly, Phase};
use tokio::time::Instant;

pub(crate) struct Tally {
    begun: Instant,
    pub(crate) requests: usize,
    pub(crate) services: BTreeMap<(usize, &'static str), ServiceTally>,
    pub(crate) failed_that_should_work: Vec<String>,
    pub(crate) worked_that_should_fail: Vec<String>,
    pub(crate) writes_at_replica_that_should_not: Vec<String>,
    /// When each phase had its first and its last answer, counted from the beginning.
    pub(crate) spans: BTreeMap<usize, (Duration, Duration)>,
    /// Who answered when, for the lanes of the picture.
    pub(crate) marks: Vec<Mark>,
}

#[derive(Default)]
pub(crate) struct ServiceTally {
    pub(crate) answered_by: BTreeMap<String, usize>,
    pub(crate) added: Vec<Duration>,
    pub(crate) refused_in: Vec<Duration>,
}

pub(crate) struct Mark {
    pub(crate) at: Duration,
    pub(crate) service: &'static str,
    pub(crate) by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Master,
    Replica,
    Nobody,
}

/// Times in milliseconds that failing over put before requests.
#[derive(Serialize)]
pub(crate) struct Added {
    pub(crate) first: f64,
    pub(crate) p50: f64,
    pub(crate) max: f64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            requests: 0,
            services: BTreeMap::new(),
            failed_that_should_work: Vec::new(),
            worked_that_should_fail: Vec::new(),
            writes_at_replica_that_should_not: Vec::new(),
            spans: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, index: usize, phase: &Phase, outcome: Outcome) {
        self.requests += 1;
        let at = self.begun.elapsed();
        let span = self.spans.entry(index).or_insert((at, at));
        span.1 = at;
        let service = outcome.errand.service();
        let place = Errand::MASTER_ONLY
            .iter()
            .position(|errand| *errand == outcome.errand);
        let expected = place.map_or(MasterOnly::Works, |place| phase.master_only[place]);
        let tally = self.services.entry((index, service)).or_default();
        let story = |report: &str| format!("{}, {:?}: {report}", phase.name, outcome.errand);
        let by = match (outcome.result, expected) {
            (Ok(served), expected) => {
                if expected == MasterOnly::Fails {
                    let text = format!("answered by {}", served.server);
                    self.worked_that_should_fail.push(story(&text));
                }
                let host = served.server.host().to_owned();
                *tally.answered_by.entry(host).or_default() += 1;
                tally.added.push(served.sent_after);
                match served.role {
                    Role::Replica => By::Replica,
                    _ => By::Master,
                }
            }
            (Err(failure), MasterOnly::Fails) => {
                tally.refused_in.push(outcome.took);
                if failure.kind != Some(ErrorKind::NotDuringFailover) {
                    let text = format!("failed in another way: {}", failure.report);
                    self.worked_that_should_fail.push(story(&text));
                }
                By::Nobody
            }
            (Err(failure), MasterOnly::Works) => {
                self.failed_that_should_work.push(story(&failure.report));
                By::Nobody
            }
        };
        self.marks.push(Mark { at, service, by });
    }

    /// The master is well and work did not return to it in time.
    pub(crate) fn never_came_back(&mut self, phase: &Phase) {
        let story = format!("{}: no failback within {:?}", phase.name, phase.lasts);
        self.failed_that_should_work.push(story);
    }

    /// Looks into the lab's own journal: no write for a master may have reached the replica.
    pub(crate) fn judge_writes(&mut self, journal: &Journal, replica: &str) {
        let astray = journal.matching(|receipt| {
            let master_only = match receipt.service {
                Service::CertificateAuthority | Service::CodeManager | Service::Orchestrator => {
                    true
                }
                Service::NodeClassifier => receipt.path_and_query.contains("/v1/groups"),
                _ => false,
            };
            *receipt.host == *replica && master_only && receipt.method != Method::GET
        });
        self.writes_at_replica_that_should_not = astray
            .iter()
            .map(|receipt| format!("{} {}", receipt.method, receipt.path_and_query))
            .collect();
    }

    pub(crate) fn failures(&self) -> usize {
        self.failed_that_should_work.len()
            + self.worked_that_should_fail.len()
            + self.writes_at_replica_that_should_not.len()
    }
}

impl ServiceTally {
    pub(crate) fn added(&self) -> Option<Added> {
        let first = *self.added.first()?;
        let mut sorted = self.added.clone();
        sorted.sort();
        Some(Added {
            first: millis(first),
            p50: millis(sorted[sorted.len() / 2]),
            max: millis(*sorted.last()?),
        })
    }
}

pub(crate) fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e5).round() / 100.0
}
