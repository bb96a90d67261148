//! States: how a service is at a server, in a word.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::{Serialize, Serializer};
use standin::Verdict;

/// How a service is at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    word: Cow<'static, str>,
    counts: Counts,
}

/// What a state means for the installation as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    Running,
    NotRunning,
    /// It is not expected to run.
    Not,
}

impl State {
    /// A replica's copy that works only after promotion.
    pub(super) const INACTIVE: Self = Self::of("inactive", Counts::Not);
    /// The server has no service of that name.
    pub(super) const ABSENT: Self = Self::of("absent", Counts::Not);

    /// What a status has as its state. What Puppet's status service never says is not known.
    pub(crate) fn told(said: &str) -> Self {
        match SAID.into_iter().find(|word| *word == said) {
            Some(RUNNING) => Self::of(RUNNING, Counts::Running),
            Some(word) => Self::of(word, Counts::NotRunning),
            None => Self::of(UNKNOWN, Counts::NotRunning),
        }
    }

    /// An answer that is no status.
    pub(super) fn other(status: StatusCode) -> Self {
        Self {
            word: format!("HTTP {}", status.as_u16()).into(),
            counts: Counts::NotRunning,
        }
    }

    /// Why there was no answer.
    pub(crate) fn unanswered(verdict: Verdict) -> Self {
        Self {
            word: verdict.to_string().into(),
            counts: Counts::NotRunning,
        }
    }

    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    const fn of(word: &'static str, counts: Counts) -> Self {
        Self {
            word: Cow::Borrowed(word),
            counts,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word)
    }
}

const RUNNING: &str = "running";
const UNKNOWN: &str = "unknown";

/// What Puppet's status service says of a service.
const SAID: [&str; 5] = [RUNNING, "starting", "stopping", "error", UNKNOWN];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_believed_if_it_is_a_state() {
        let told = |said| {
            let state = State::told(said);
            (state.to_string(), state.counts())
        };
        assert_eq!(told("running"), ("running".into(), Counts::Running));
        assert_eq!(told("starting"), ("starting".into(), Counts::NotRunning));
        assert_eq!(told("splendid"), ("unknown".into(), Counts::NotRunning));
    }

    #[test]
    fn an_answer_that_is_no_status_is_shown() {
        let state = State::other(StatusCode::FORBIDDEN);
        assert_eq!(
            (state.to_string(), state.counts()),
            ("HTTP 403".into(), Counts::NotRunning)
        );
    }
}
