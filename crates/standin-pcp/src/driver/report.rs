//! What the task tells: events, how things stand, and the memory.

use std::sync::Arc;

use super::Driver;
use crate::Event;
use crate::broker::{Standing, With};
use crate::shared::CLASS;

impl Driver {
    /// The present association is a new one: is it with another broker than the last?
    pub(super) fn arrived(&mut self) {
        let Some(link) = &self.present else { return };
        let (place, to) = (link.broker.place, link.broker.server.clone());
        let last = self.last_place.replace(place);
        let Some(last) = last.filter(|last| *last != place) else {
            return;
        };
        let Some(entry) = self.shared.health.entry(CLASS, last) else {
            return;
        };
        let from = entry.server.clone();
        self.tell(match place > last {
            true => Event::Moved { from, to },
            false => Event::FailedBack { from, to },
        });
    }

    /// Tells whoever listens, and the log.
    pub(super) fn tell(&self, event: Event) {
        match &event {
            Event::Misconfigured { .. } => tracing::error!(service = %CLASS, "{event}"),
            Event::Associated { .. } | Event::Stable { .. } => {
                tracing::info!(service = %CLASS, "{event}");
            }
            _ => tracing::warn!(service = %CLASS, "{event}"),
        }
        // Nobody has to listen.
        let _ = self.events.send(event);
    }

    pub(super) fn tell_standing(&self) {
        let standing = Standing {
            with: self.present.as_ref().map(|link| With {
                server: link.broker.server.clone(),
                since: link.since,
                is_stable: self.keeper.is_stable(),
            }),
            next_attempt: self.keeper.rests_until(),
        };
        self.standing.send_if_modified(|known| {
            let is_new = *known != standing;
            if is_new {
                *known = standing;
            }
            is_new
        });
    }

    /// Writes down what was learned, in the background.
    pub(super) fn remember(&self) {
        if self.shared.memory.is_some() {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move { shared.remember().await });
        }
    }
}
