//! What an operator decides over health.

use super::{Event, Events, Health};
use crate::cell::{Cell, Change};
use crate::{Class, Moment, Server};

/// What an operator's word is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A server, for every service that shares it.
    Server(Server),
    /// One service at a server.
    Service(Class, Server),
}

impl Health {
    /// Benches it until [`Health::force_up`], whatever is seen of it: it is tried after all others,
    /// as the benched are, and nobody probes it. Nothing when the installation does not have it.
    pub fn force_down(&self, target: &Target) -> Events {
        self.force(target, Cell::force_down)
    }

    /// Takes back [`Health::force_down`] and forgets what speaks against it. Work returns to it as it
    /// returns after any bench.
    pub fn force_up(&self, target: &Target, now: Moment) -> Events {
        self.force(target, |cell| cell.force_up(now))
    }

    fn force(&self, target: &Target, turn: impl Fn(&Cell) -> Option<Change>) -> Events {
        let event = match target {
            Target::Server(name) => self
                .servers
                .iter()
                .find(|known| known.name == *name)
                .and_then(|known| turn(&known.cell))
                .map(|change| Event::Server {
                    server: name.clone(),
                    change,
                }),
            Target::Service(class, name) => self
                .class(*class)
                .and_then(|health| {
                    let place = health.list.position(name)?;
                    turn(&health.entries[place].cell)
                })
                .map(|change| Event::Service {
                    class: *class,
                    server: name.clone(),
                    change,
                }),
        };
        event.into_iter().collect()
    }
}
