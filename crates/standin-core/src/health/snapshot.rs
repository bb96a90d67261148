//! A picture of health, for people and for files.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::Health;
use crate::cell::State;
use crate::{Class, Role, Server};

/// What is known of every service at every server, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// One for each class that the installation has.
    pub classes: Vec<ClassSnapshot>,
}

/// One service, or the part of one with health of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassSnapshot {
    /// Its name.
    pub class: String,
    /// Who holds it.
    pub holder: Server,
    /// Its servers in the operator's order.
    pub entries: Vec<EntrySnapshot>,
}

/// A service at a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntrySnapshot {
    /// Where.
    pub server: Server,
    /// What its host is, declared or assumed.
    pub role: Role,
    /// What is known of the server, for every service that shares it.
    pub server_state: State,
    /// What is known of this service there.
    pub service_state: State,
}

impl Health {
    /// A picture of it now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let classes = Class::all().filter_map(|class| {
            let health = self.class(class)?;
            let listed = health.list.entries();
            let entries = health.entries.iter().zip(listed);
            Some(ClassSnapshot {
                class: class.to_string(),
                holder: listed[health.holder.load(Ordering::Acquire)].server.clone(),
                entries: entries
                    .map(|(entry, listed)| EntrySnapshot {
                        server: listed.server.clone(),
                        role: listed.role,
                        server_state: self.servers[entry.server].1.state(),
                        service_state: entry.cell.state(),
                    })
                    .collect(),
            })
        });
        Snapshot {
            classes: classes.collect(),
        }
    }
}
