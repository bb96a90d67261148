//! How an answer was got: who served it, and what was tried before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Serialize, Serializer};
use standin_core::{Role, Server, Verdict};

use crate::error::push_causes;

type SharedError = Arc<dyn std::error::Error + Send + Sync>;

/// Who served a response, in its extensions.
///
/// Hiera data is not replicated: a catalog that a [`Role::Replica`] compiled may differ from the
/// master's, and an agent that cares can tell by [`Served::role`].
#[derive(Clone, Debug, Serialize)]
pub struct Served {
    /// The server that answered.
    pub server: Server,
    /// What its host is.
    pub role: Role,
    /// From the call until the request went to this server: what connecting and the failed attempts
    /// took.
    pub sent_after: Duration,
    /// From the call to the head of the response.
    pub took: Duration,
    /// Whether the run had been served by another server before.
    pub switched: Switched,
    /// The attempts that failed before, in order; empty when the first succeeded.
    pub failed: Vec<Attempt>,
}

/// Whether a run's service moved from one server to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Switched {
    /// The run has kept to this server, or there is no run.
    No,
    /// An earlier answer of the run came from another server.
    Yes,
}

/// One try of a request at one server.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Where.
    pub server: Server,
    /// What its host is.
    pub role: Role,
    /// What is known to have happened.
    pub verdict: Verdict,
    /// The status of the answer, if there was one.
    #[serde(serialize_with = "status")]
    pub status: Option<StatusCode>,
    /// When it began, counted from the call.
    pub after: Duration,
    /// How long it took.
    pub took: Duration,
    /// The error beneath, if there was one.
    #[serde(skip)]
    pub error: Option<SharedError>,
}

impl Attempt {
    /// The whole story for a log, in lines: what happened, and what lies beneath it.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        if let Some(error) = self.error.as_deref() {
            push_causes(&mut text, "  ", error);
        }
        text
    }
}

/// One level: where, and what happened. The error beneath is its source.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            role,
            verdict,
            ..
        } = self;
        write!(f, "{server} ({role}): {verdict}")?;
        if let Some(status) = self.status {
            write!(f, ", {status}")?;
        }
        write!(f, " after {:.3} s", self.took.as_secs_f64())
    }
}

impl std::error::Error for Attempt {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let error = self.error.as_deref()?;
        Some(error)
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
fn status<S: Serializer>(status: &Option<StatusCode>, serializer: S) -> Result<S::Ok, S::Error> {
    match status {
        Some(status) => serializer.serialize_some(&status.as_u16()),
        None => serializer.serialize_none(),
    }
}
