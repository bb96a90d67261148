//! One request of one client, and what is held against what its client says.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use standin_lab::{Deed, Judgement, Lab, Oracle, Receipt, Received, Told};
use tokio::time::{Instant, sleep};

use crate::client::{Client, Promise};
use crate::errand::Errand;

/// An errand to be run.
pub(crate) struct Asked {
    pub(crate) errand: Errand,
    /// A text that stands in this request only.
    pub(crate) mark: String,
    pub(crate) within: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) deed: Deed,
    pub(crate) promise: Promise,
}

/// By the paused clock a deadline is kept to the tick of its timers.
const SLACK: Duration = Duration::from_millis(50);

/// Longer than it takes until everything that is under way anywhere has come to rest.
const REST: Duration = Duration::from_secs(600);

impl Asked {
    /// `of` tells people what it is about.
    pub(crate) fn new(errand: Errand, within: Duration, of: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            errand,
            mark: format!("number={number:07}-{of}-{:?}", errand.kind),
            within,
        }
    }

    /// Runs it, and calls `at_head` when its answer or error is there.
    pub(crate) async fn ask(&self, client: &Client, at_head: impl FnOnce()) -> Outcome {
        let request = self.errand.request(&self.mark);
        let began = Instant::now();
        let mut took = Duration::ZERO;
        let ended_at = || {
            took = began.elapsed();
            at_head();
        };
        let service = self.errand.service;
        let came = client.send(service, request, self.within, ended_at).await;
        Outcome {
            deed: Deed {
                mark: self.mark.clone(),
                kind: self.errand.kind,
                ended: came.ended,
                took,
                deadline: self.within,
            },
            promise: came.promise,
        }
    }
}

/// Judges what came of requests once everything is at rest: what was written to a server that was
/// silent arrives when it speaks again.
pub(crate) async fn judge(lab: &Lab, outcomes: &[Outcome]) -> Judgement {
    sleep(REST).await;
    for Outcome { deed, promise } in outcomes {
        let may_be_done = |receipt: &Receipt| {
            let of_it = receipt.path_and_query.contains(&deed.mark);
            of_it && receipt.received == Received::Whole && receipt.told != Told::NotDone
        };
        if *promise == Promise::NotProcessed {
            let arrived = lab.journal().matching(may_be_done);
            assert!(
                arrived.is_empty(),
                "{deed:?} was said not to be: {arrived:?}"
            );
        }
    }
    let oracle = Oracle::new(lab.journal(), SLACK);
    oracle.judge(outcomes.iter().map(|outcome| &outcome.deed))
}
