//! What is known of one server, for every service that shares it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::{Health, Host};
use crate::cell::Cell;
use crate::{Moment, Server};

/// A server, in a form that a change of lists leaves true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerId(pub(super) usize);

impl ServerId {
    /// The id as a number, for whoever keeps it in an atomic.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }

    /// The id that [`ServerId::get`] gave.
    #[must_use]
    pub const fn from_number(number: usize) -> Self {
        Self(number)
    }
}

#[derive(Debug)]
pub(super) struct ServerHealth {
    pub(super) name: Server,
    pub(super) host: Arc<Host>,
    pub(super) cell: Cell,
    /// Whether the last that was heard of this port is silence.
    pub(super) silent: AtomicBool,
    /// What connecting usually takes, in microseconds; 0 until it is known.
    connects: AtomicU32,
    /// When its health last changed, or it was last connected to; 0 while neither happened.
    seen: AtomicU64,
}

impl ServerHealth {
    /// What connecting to it usually takes, TLS included; `None` until it is known.
    pub(super) fn connects_in(&self) -> Option<Duration> {
        match self.connects.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(u64::from(micros))),
        }
    }

    /// When there was last something to learn of it.
    pub(super) fn seen(&self) -> Option<Moment> {
        match self.seen.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Moment::from_nanos(nanos)),
        }
    }

    /// There is something to learn of it now.
    pub(super) fn see(&self, now: Moment) {
        self.seen.fetch_max(now.as_nanos(), Ordering::AcqRel);
    }

    /// What an earlier process learned of it at `at`.
    pub(super) fn recall(&self, connects_in_micros: u32, at: Moment) {
        self.connects.store(connects_in_micros, Ordering::Relaxed);
        self.see(at);
    }

    /// A connection took so long: a moving average whose newest value counts for a fifth, as the
    /// round trips of MongoDB's drivers.
    pub(super) fn connected_in(&self, took: Duration) {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        let average = |before: u32| match before {
            0 => took,
            before => before - before / 5 + took / 5,
        };
        let _ = self
            .connects
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
                Some(average(before).max(1))
            });
    }
}

impl Health {
    /// The id of a server, which is added when it is new.
    pub(super) fn know(&mut self, server: &Server) -> ServerId {
        let known = self.servers.iter().position(|known| known.name == *server);
        ServerId(known.unwrap_or_else(|| {
            let host = self.know_host(server.host());
            let health = ServerHealth {
                name: server.clone(),
                host,
                cell: Cell::default(),
                silent: AtomicBool::new(false),
                connects: AtomicU32::new(0),
                seen: AtomicU64::new(0),
            };
            self.servers.push(health.into());
            self.servers.len() - 1
        }))
    }

    fn know_host(&mut self, name: &str) -> Arc<Host> {
        if let Some(known) = self.hosts.iter().find(|known| *known.name == *name) {
            return Arc::clone(known);
        }
        let host = Arc::new(Host::new(name));
        self.hosts.push(Arc::clone(&host));
        host
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Installation, Policy};

    #[test]
    fn the_usual_time_to_connect_follows_what_is_seen() {
        let installation = Installation::of_hosts("m", None).unwrap();
        let health = Health::new(&installation, Policy::default(), 0);
        let server = &health.servers[0];
        assert_eq!(server.connects_in(), None);
        server.connected_in(Duration::from_millis(100));
        assert_eq!(server.connects_in(), Some(Duration::from_millis(100)));
        server.connected_in(Duration::from_millis(200));
        assert_eq!(server.connects_in(), Some(Duration::from_millis(120)));
        server.connected_in(Duration::MAX);
        server.connected_in(Duration::ZERO);
        assert!(server.connects_in().is_some());
    }
}
