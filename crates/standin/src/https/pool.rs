//! Connections to each server: the idle ones, and how many there may be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use standin_core::{Moment, Server};
use standin_net::{Clock, Generation};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::Body;

/// Connections that wait for a request, the most recently used taken first, and leave to make more.
///
/// The pools of hyper-util cannot be asked how long a connection was idle, which requests that may
/// not be repeated need to know.
#[derive(Debug)]
pub(super) struct Pool {
    /// Looked through, since an agent knows few servers.
    lanes: Mutex<Vec<Lane>>,
    clock: Clock,
    keep_alive: Duration,
    most: usize,
}

/// The connections to one server.
#[derive(Debug)]
struct Lane {
    server: Server,
    idle: Vec<Idle>,
    open: Arc<Semaphore>,
    /// One was given back, or closed.
    freed: Arc<Notify>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    generation: Generation,
    since: Moment,
}

/// Leave for a connection to be, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Leave {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

/// What comes of asking for a connection.
#[derive(Debug)]
pub(super) enum Admitted {
    /// One was given back just now.
    Kept(SendRequest<Body>),
    /// One may be made.
    New(Leave),
}

/// A connection given back so lately is as good as a new one to whoever waited for it.
const JUST_NOW: Duration = Duration::from_millis(100);

impl Pool {
    pub(super) fn new(clock: Clock, keep_alive: Duration, most: usize) -> Self {
        Self {
            lanes: Mutex::default(),
            clock,
            keep_alive,
            most: most.clamp(1, Semaphore::MAX_PERMITS),
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
        let lane = all.iter_mut().find(|lane| lane.server == *server)?;
        let kept = &mut lane.idle;
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
        let lane = self.lane(&mut all, server);
        lane.idle.push(Idle {
            sender,
            generation,
            since,
        });
        lane.freed.notify_one();
    }

    /// Waits for leave to connect to `server`, or for a connection that is given back. As long as
    /// there are fewer than there may be it does not wait.
    pub(super) async fn admit(&self, server: &Server, generation: Generation) -> Admitted {
        loop {
            let freed = {
                let mut all = self.lock();
                let lane = self.lane(&mut all, server);
                if let Ok(permit) = Arc::clone(&lane.open).try_acquire_owned() {
                    return Admitted::New(Leave {
                        permit: Some(permit),
                        freed: Arc::clone(&lane.freed),
                    });
                }
                Arc::clone(&lane.freed)
            };
            if let Some(kept) = self.take(server, JUST_NOW, generation) {
                return Admitted::Kept(kept);
            }
            self.make_room(server);
            freed.notified().await;
        }
    }

    /// Closes the connection that was idle for longest: it is in the way of one that is needed.
    fn make_room(&self, server: &Server) {
        let mut all = self.lock();
        let lane = self.lane(&mut all, server);
        if !lane.idle.is_empty() {
            lane.idle.remove(0);
        }
    }

    fn lane<'a>(&self, all: &'a mut Vec<Lane>, server: &Server) -> &'a mut Lane {
        let known = all.iter().position(|lane| lane.server == *server);
        let at = known.unwrap_or_else(|| {
            all.push(Lane {
                server: server.clone(),
                idle: Vec::new(),
                open: Arc::new(Semaphore::new(self.most)),
                freed: Arc::default(),
            });
            all.len() - 1
        });
        &mut all[at]
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.permit = None;
        self.freed.notify_one();
    }
}
