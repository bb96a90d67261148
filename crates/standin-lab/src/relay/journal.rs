//! The connections that came to a relay, and how many bytes passed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::Direction;

/// The connections that a relay accepted, in the order in which they came. Clones share one record.
#[derive(Clone)]
pub struct RelayJournal {
    started: Instant,
    passages: Arc<watch::Sender<Vec<Passage>>>,
}

/// One connection through a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// When it came, since the relay's start.
    pub at: Duration,
    /// The bytes that were passed on to the server.
    pub to_server: u64,
    /// The bytes that were passed on to the client.
    pub to_client: u64,
    /// How it ended, once it has.
    pub ended: Option<PassageEnd>,
}

/// How a connection through a relay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassageEnd {
    /// Both sides had done.
    Done,
    /// One side broke it off, and so it was broken off to the other.
    Broken(io::ErrorKind),
    /// The server was not reached.
    Unreached(io::ErrorKind),
    /// A fault ended it.
    ByFault,
}

impl RelayJournal {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            passages: Arc::default(),
        }
    }

    /// All connections so far.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        self.passages.borrow().clone()
    }

    /// Waits until there is a connection that `wanted` says yes to, and returns the first such.
    ///
    /// Cancel safe. Waits for ever if none comes.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&Passage) -> bool) -> Passage {
        let mut passages = self.passages.subscribe();
        loop {
            let found = passages
                .borrow_and_update()
                .iter()
                .find(|passage| wanted(passage))
                .cloned();
            if let Some(found) = found {
                return found;
            }
            if passages.changed().await.is_err() {
                // Cannot be: this journal holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Enters a connection that has just come.
    pub(super) fn open(&self) -> Entry {
        let at = self.started.elapsed();
        let mut number = 0;
        self.passages.send_modify(|passages| {
            number = passages.len();
            passages.push(Passage {
                at,
                to_server: 0,
                to_client: 0,
                ended: None,
            });
        });
        Entry {
            passages: Arc::clone(&self.passages),
            number,
        }
    }
}

impl fmt::Debug for RelayJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayJournal")
            .field("passages", &self.passages.borrow().len())
            .finish_non_exhaustive()
    }
}

/// The line of one connection.
#[derive(Clone)]
pub(super) struct Entry {
    passages: Arc<watch::Sender<Vec<Passage>>>,
    number: usize,
}

impl Entry {
    pub(super) fn passed(&self, way: Direction, bytes: usize) {
        self.update(|passage| {
            *match way {
                Direction::ToServer => &mut passage.to_server,
                Direction::ToClient => &mut passage.to_client,
            } += bytes as u64;
        });
    }

    pub(super) fn ended(&self, how: PassageEnd) {
        self.update(|passage| passage.ended = Some(how));
    }

    fn update(&self, change: impl FnOnce(&mut Passage)) {
        self.passages.send_modify(|passages| {
            if let Some(passage) = passages.get_mut(self.number) {
                change(passage);
            }
        });
    }
}
