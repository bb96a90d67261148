//! Takes up renewed files.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use arc_swap::ArcSwap;
use standin_core::Moment;
use tokio::task::JoinHandle;

use super::Current;
use crate::ssl_files::warn_of_readable_secrets;
use crate::stamps::{Look, Watched};
use crate::{Clock, SslFileError, SslFiles};

/// Files that were read once and may be renewed.
#[derive(Debug)]
pub(super) struct Reload {
    files: SslFiles,
    clock: Clock,
    /// When the files are to be looked at next.
    due: Mutex<Moment>,
    /// Held while they are.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    watched: Watched,
    health: Health,
    /// Since when sessions are kept.
    sessions_of: Moment,
}

/// Whether what is on disk can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    /// It cannot, which was said.
    Bad,
}

impl Reload {
    pub(super) fn new(files: SslFiles) -> Self {
        let clock = Clock::start();
        let mut watched = Watched::new(files.paths());
        watched.look(clock.time_of_day());
        Self {
            files,
            due: Mutex::new(clock.now() + BETWEEN_LOOKS),
            clock,
            state: Arc::new(Mutex::new(State {
                watched,
                health: Health::Good,
                sessions_of: clock.now(),
            })),
        }
    }

    /// Begins to look in the background, if it is time.
    pub(super) fn begin(&self, current: &Arc<ArcSwap<Current>>) -> Option<JoinHandle<()>> {
        {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.clock.now();
            if now < *due {
                return None;
            }
            *due = now + BETWEEN_LOOKS;
        }
        let (files, clock, current) = (self.files.clone(), self.clock, Arc::clone(current));
        let state = Arc::clone(&self.state);
        Some(tokio::task::spawn_blocking(move || {
            match state.try_lock() {
                Ok(mut state) => state.look(&files, clock, &current),
                Err(TryLockError::Poisoned(state)) => {
                    state.into_inner().look(&files, clock, &current);
                }
                // Whoever holds it looks already, at a file system that is slow.
                Err(TryLockError::WouldBlock) => {}
            }
        }))
    }

    /// The same, and waits for the end of it.
    pub(super) async fn finish(&self, current: &Arc<ArcSwap<Current>>) {
        if let Some(looking) = self.begin(current) {
            // What is in use will do when the file system is slow.
            let _ = tokio::time::timeout(SLOW_FILES, looking).await;
        }
    }
}

/// A look is six calls of the operating system; a second is soon enough for a renewal.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How long a certificate or a list may be past its end before a server that resumes sessions is
/// verified again.
const SESSIONS_LAST: Duration = Duration::from_secs(3600);

/// Files are read in a few milliseconds, unless they are on a network that is gone.
const SLOW_FILES: Duration = Duration::from_millis(250);

impl State {
    fn look(&mut self, files: &SslFiles, clock: Clock, current: &ArcSwap<Current>) {
        if clock.now().since(self.sessions_of) >= SESSIONS_LAST {
            self.sessions_of = clock.now();
            current.store(Arc::new(current.load().without_sessions()));
        }
        if self.watched.look(clock.time_of_day()) == Look::Unchanged {
            return;
        }
        match current.load().next(files) {
            Ok(next) => {
                if let Some(next) = next {
                    current.store(Arc::new(next));
                    warn_of_readable_secrets(files);
                    tracing::info!(cert = %files.cert.display(), "renewed TLS files are in use");
                }
                self.health = Health::Good;
            }
            Err(error) => self.warn(&error),
        }
    }

    fn warn(&mut self, error: &SslFileError) {
        if self.health == Health::Good {
            tracing::warn!(
                %error,
                "TLS files were changed and cannot be used; those read before stay in use"
            );
        }
        self.health = Health::Bad;
    }
}
