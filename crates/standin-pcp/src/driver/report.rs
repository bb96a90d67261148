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
        let broker = link.broker.clone();
        let Some(last) = self.last.replace(broker.clone()) else {
            return;
        };
        let (from, to) = (last.server, broker.server);
        if last.id == broker.id {
            return;
        }
        self.tell(match broker.place < last.place {
            true => Event::FailedBack { from, to },
            false => Event::Moved { from, to },
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
