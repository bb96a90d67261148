//! Says what happened to health: one warning for each change of state.

use standin_core::health::{Event, Events, Hearing};

/// Emits one `tracing` event at `warn` for each.
///
/// The fields are `server`, `service`, `from` and `to`; `host`, `hosts` and `mode` where a whole
/// host is meant.
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
            Event::Host { host, hearing } => match hearing {
                Hearing::Silence => tracing::warn!(%host, "host is silent at every port"),
                Hearing::Answer => tracing::warn!(%host, "host is heard again"),
            },
            Event::Mode { host, mode } => {
                tracing::warn!(%host, ?mode, "host replicates in another way");
            }
            Event::TwoMasters { hosts } => tracing::warn!(
                ?hosts,
                "more than one host is the source: writes that may not be repeated are refused"
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
