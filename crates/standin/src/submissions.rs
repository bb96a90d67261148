//! What became of a command at each server.

use std::num::NonZeroUsize;
use std::sync::Arc;

use http::StatusCode;
use standin_core::Server;
use tokio::sync::watch;

use crate::Error;

/// What becomes of a broadcast command at each server: in the extensions of its response, which comes
/// as soon as enough servers have taken it. The others go on in the background, each within the
/// request's deadline. A stream that is larger than what is kept of it reaches one server only.
#[derive(Clone, Debug)]
pub struct Submissions(watch::Receiver<State>);

/// What became of a command at one server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Submission {
    /// Where.
    pub server: Server,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a submission.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The server took the command.
    Taken,
    /// The server answered with this status and did not take it.
    Refused(StatusCode),
    /// The server gave no answer; the error lists every attempt there.
    Failed(Arc<Error>),
}

/// Fewer servers took a command than have to. It lies beneath an error of the kind
/// [`ErrorKind::TooFew`](crate::ErrorKind::TooFew).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TooFew {
    /// Some did.
    #[error("{} of the {least} servers took it that have to: {}", .took.len(), names(.took))]
    Took {
        /// Those that did. To send them the command again does no harm.
        took: Vec<Server>,
        /// How many have to.
        least: NonZeroUsize,
    },
    /// It was not sent: it must not arrive at more than one.
    #[error(
        "{least} servers have to take it and it must not arrive twice: it has no producer timestamp, \
         and its payload is such that none can be added; send one"
    )]
    MayArriveOnce {
        /// How many have to take it.
        least: NonZeroUsize,
    },
}

impl Submissions {
    pub(crate) const fn of(told: watch::Receiver<State>) -> Self {
        Self(told)
    }

    /// What is known so far, in the order in which it became known.
    #[must_use]
    pub fn so_far(&self) -> Vec<Submission> {
        self.0.borrow().done.clone()
    }

    /// How many servers have not been heard of yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.0.borrow().pending
    }

    /// What became of it at every server, once that is known: no later than the request's deadline. If
    /// the runtime ends before, those that were given up with it are missing.
    ///
    /// # Cancel safety
    /// Dropping the future stops the waiting and nothing else.
    pub async fn all(mut self) -> Vec<Submission> {
        // An error says that nobody is left to tell more.
        let _ = self.0.wait_for(|state| state.pending == 0).await;
        self.so_far()
    }
}

/// What is known at one moment.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) done: Vec<Submission>,
    pending: usize,
}

impl State {
    pub(crate) const fn expecting(pending: usize) -> Self {
        Self {
            done: Vec::new(),
            pending,
        }
    }

    pub(crate) fn note(&mut self, server: Server, outcome: Outcome) {
        self.done.push(Submission { server, outcome });
        self.pending = self.pending.saturating_sub(1);
    }

    pub(crate) fn took(&self) -> impl Iterator<Item = &Server> {
        let taken = |one: &&Submission| matches!(one.outcome, Outcome::Taken);
        self.done.iter().filter(taken).map(|one| &one.server)
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = &Error> {
        self.done.iter().filter_map(|one| match &one.outcome {
            Outcome::Failed(error) => Some(error.as_ref()),
            Outcome::Taken | Outcome::Refused(_) => None,
        })
    }
}

fn names(servers: &[Server]) -> String {
    let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
    names.join(", ")
}
