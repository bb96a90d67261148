//! States: how a service is at a server, in a word.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::{Serialize, Serializer};
use standin::Verdict;

/// How a service is at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    word: Cow<'static, str>,
    counts: Counts,
}

/// What a state means for the installation as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
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

    /// What the status was answered with; `said` is the body.
    pub(super) fn answered(status: StatusCode, said: &[u8]) -> Self {
        let said = said.trim_ascii();
        let word = SAID.into_iter().find(|word| word.as_bytes() == said);
        match (status, word) {
            (StatusCode::OK, Some(RUNNING)) => Self::of(RUNNING, Counts::Running),
            (StatusCode::NOT_FOUND, _) => Self::ABSENT,
            (_, Some(word)) if word != RUNNING => Self::of(word, Counts::NotRunning),
            _ => Self {
                word: format!("HTTP {}", status.as_u16()).into(),
                counts: Counts::NotRunning,
            },
        }
    }

    /// Why there was no answer.
    pub(super) fn unanswered(verdict: Verdict) -> Self {
        Self {
            word: verdict.to_string().into(),
            counts: Counts::NotRunning,
        }
    }

    pub(super) const fn counts(&self) -> Counts {
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

/// What Puppet's status service says of a service.
const SAID: [&str; 5] = [RUNNING, "starting", "stopping", "error", "unknown"];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, said: &str) -> (String, Counts) {
        let state = State::answered(StatusCode::from_u16(status).unwrap(), said.as_bytes());
        (state.to_string(), state.counts())
    }

    #[test]
    fn what_is_said_is_believed_if_the_status_agrees() {
        assert_eq!(of(200, "running\n"), ("running".into(), Counts::Running));
        assert_eq!(of(503, "starting"), ("starting".into(), Counts::NotRunning));
        assert_eq!(of(503, "running"), ("HTTP 503".into(), Counts::NotRunning));
        assert_eq!(of(200, "<html>"), ("HTTP 200".into(), Counts::NotRunning));
        assert_eq!(
            of(403, "Forbidden"),
            ("HTTP 403".into(), Counts::NotRunning)
        );
    }

    #[test]
    fn what_is_not_there_does_not_count() {
        assert_eq!(of(404, "not found: ca"), ("absent".into(), Counts::Not));
    }
}
