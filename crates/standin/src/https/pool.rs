//! Idle connections, kept by server.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use standin_core::{Moment, Server};
use standin_net::{Clock, Generation};

use crate::Body;

/// Connections that wait for a request, the most recently used taken first.
///
/// The pools of hyper-util cannot be asked how long a connection was idle, which requests that may
/// not be repeated need to know.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Server, Vec<Idle>>>,
    clock: Clock,
    keep_alive: Duration,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    generation: Generation,
    since: Moment,
}

/// More idle connections than this to one server are closed: an agent works on few things at once.
const IDLE_MOST: usize = 16;

impl Pool {
    pub(super) fn new(clock: Clock, keep_alive: Duration) -> Self {
        Self {
            idle: Mutex::default(),
            clock,
            keep_alive,
        }
    }

    /// A connection to `server` that was idle for at most `idle`, and for less than the keep-alive, and
    /// was made with the certificates that are in use now.
    pub(super) fn take(
        &self,
        server: &Server,
        idle: Duration,
        generation: Generation,
    ) -> Option<SendRequest<Body>> {
        let now = self.clock.now();
        let mut all = self.lock();
        let kept = all.get_mut(server)?;
        kept.retain(|kept| {
            !kept.sender.is_closed()
                && kept.generation == generation
                && now.since(kept.since) < self.keep_alive
        });
        let newest = kept.last()?;
        if now.since(newest.since) > idle {
            return None;
        }
        kept.pop().map(|idle| idle.sender)
    }

    pub(super) fn put(&self, server: &Server, sender: SendRequest<Body>, generation: Generation) {
        if sender.is_closed() {
            return;
        }
        let since = self.clock.now();
        let mut all = self.lock();
        let kept = match all.get_mut(server) {
            Some(kept) => kept,
            None => all.entry(server.clone()).or_default(),
        };
        if kept.len() == IDLE_MOST {
            kept.remove(0);
        }
        kept.push(Idle {
            sender,
            generation,
            since,
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
