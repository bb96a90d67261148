//! Says what happened to health: one warning for each change of state.

use standin_core::health::{Event, Events};

/// Emits one `tracing` event at `warn` for each.
///
/// The fields are `server`, `service`, `from` and `to`.
pub fn tell(events: Events) {
    for event in events {
        match event {
            Event::Server { server, change } => tracing::warn!(
                %server, from = ?change.from, to = ?change.to, "server changed state"
            ),
            Event::Service {
                class,
                server,
                change,
            } => tracing::warn!(
                service = %class, %server, from = ?change.from, to = ?change.to,
                "service changed state"
            ),
            Event::Failover { class, from, to } => {
                tracing::warn!(service = %class, %from, %to, "failover");
            }
            Event::Failback { class, from, to } => {
                tracing::warn!(service = %class, %from, %to, "failback");
            }
            _ => {}
        }
    }
}
