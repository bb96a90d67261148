//! The queue of outgoing messages, shared by who sends and who writes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use standin_core::{Moment, Repeat, Server};
use standin_net::Clock;
use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::link::Confirmed;
use crate::queue::{Item, Queue, Settled};
use crate::{Delivery, Message, Outcome, terms};

type Whose = oneshot::Sender<Outcome>;

/// The queue behind a lock that is held for a few moves of memory, and a bell for the writer.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Mutex<Queue<Whose>>,
    ttl: Duration,
    clock: Clock,
    bell: Notify,
}

impl Outgoing {
    pub(crate) fn new(bounds: terms::Queue, clock: Clock) -> Self {
        Self {
            ttl: bounds.ttl,
            queue: Mutex::new(Queue::new(bounds)),
            clock,
            bell: Notify::new(),
        }
    }

    pub(crate) fn push(
        &self,
        message: &Message,
        ttl: Option<Duration>,
        repeat: Repeat,
    ) -> Delivery {
        let (whose, delivery) = oneshot::channel();
        let item = Item {
            id: message.id().to_owned(),
            text: message.encode().into(),
            expires: self.clock.now() + ttl.unwrap_or(self.ttl),
            repeat,
            whose,
        };
        let pushed = self.queue().push(item);
        match pushed {
            Ok(()) => self.bell.notify_one(),
            Err(refused) => tell([refused]),
        }
        Delivery(delivery)
    }

    /// Resolves when something was pushed since it last did.
    pub(crate) async fn pushed(&self) {
        self.bell.notified().await;
    }

    /// The next message to write on the connection `link` to `server`, with its number.
    pub(crate) fn next(&self, link: u64, server: &Server) -> Option<(u64, Utf8Bytes)> {
        self.expire();
        self.queue().next(link, server)
    }

    pub(crate) fn confirmed(&self, link: u64, number: u64) {
        let settled = self.queue().confirmed(link, number);
        tell(settled);
    }

    /// Whether everything that was written on the connection `link` is confirmed.
    pub(crate) fn is_confirmed(&self, link: u64) -> Confirmed {
        match self.queue().has_unconfirmed(link) {
            true => Confirmed::NotYet,
            false => Confirmed::All,
        }
    }

    pub(crate) fn lost(&self, link: u64) {
        let settled = self.queue().lost(link);
        tell(settled);
    }

    pub(crate) fn refused(&self, id: &str, reason: &str) {
        let settled = self.queue().refused(id, reason);
        tell(settled);
    }

    pub(crate) fn expire(&self) {
        let settled = self.queue().expire(self.clock.now());
        tell(settled);
    }

    /// Refuses what is left and all that is still to come.
    pub(crate) fn close(&self) {
        let settled = self.queue().close();
        tell(settled);
    }

    pub(crate) fn next_expiry(&self) -> Option<Moment> {
        self.queue().next_expiry()
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        self.queue().counts()
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Whose>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who no longer waits for an outcome is not told.
fn tell(settled: impl IntoIterator<Item = Settled<Whose>>) {
    for (whose, outcome) in settled {
        let _ = whose.send(outcome);
    }
}
