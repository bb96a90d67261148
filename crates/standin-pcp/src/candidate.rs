//! A broker that is tried.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use standin_core::health::{Health, Mark, ServerId};
use standin_core::{Moment, Role, Server, Verdict};

use crate::Attempt;
use crate::shared::{CLASS, Shared};

/// A broker that is tried, and what its verdict is recorded with.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: ServerId,
    /// Where it stood in the list when it was tried.
    pub(crate) place: usize,
    /// With that list. What it learns counts for later lists too.
    health: Arc<Health>,
    pub(crate) server: Server,
    role: Role,
    mark: Mark,
}

impl Candidate {
    /// Whoever stands at this place of the list.
    pub(crate) fn at(health: &Arc<Health>, place: usize) -> Option<Self> {
        let entry = health.entry(CLASS, place)?;
        Some(Self {
            id: health.id(CLASS, place)?,
            place,
            health: Arc::clone(health),
            server: entry.server.clone(),
            role: entry.role,
            mark: health.mark(CLASS, place)?,
        })
    }

    /// Tells health what came of it.
    pub(crate) fn record(&self, shared: &Shared, verdict: Verdict) {
        let (now, random) = (shared.clock.now(), fastrand::u64(..));
        let health = &self.health;
        let events = health.record(CLASS, self.place, self.mark, verdict, now, random);
        standin_net::events::tell(events);
    }

    /// A connection to it took so long.
    pub(crate) fn connected(&self, shared: &Shared, took: Duration) {
        let now = shared.clock.now();
        standin_net::events::tell(self.health.connected(CLASS, self.place, took, now));
    }

    /// The service is with it from now on.
    pub(crate) fn take_over(&self, shared: &Shared) {
        let moved = self.health.take_over(CLASS, self.place, shared.clock.now());
        standin_net::events::tell(moved.into_iter().collect());
    }

    /// An attempt at it that failed now and began at `began`, in a walk that did at `begun`.
    pub(crate) fn attempt(
        &self,
        shared: &Shared,
        verdict: Verdict,
        source: Option<Arc<dyn Error + Send + Sync>>,
        (begun, began): (Moment, Moment),
    ) -> Attempt {
        Attempt {
            server: self.server.clone(),
            role: self.role,
            verdict,
            after: began.since(begun),
            took: shared.clock.now().since(began),
            source,
        }
    }
}
