//! One try of one broker.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use standin_core::{Role, Server, Verdict};

/// One try of one broker that did not lead to an association.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where.
    pub server: Server,
    /// What its host is.
    pub role: Role,
    /// What is known to have happened.
    pub verdict: Verdict,
    /// When it began, counted from the call.
    pub after: Duration,
    /// How long it took; connections that were raced count until the race was over.
    pub took: Duration,
    /// The error beneath: a [`standin_net::ConnectError`] or an [`UpgradeError`](crate::UpgradeError).
    /// None when a lower broker was connected first, or time ran out.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            role,
            verdict,
            ..
        } = self;
        let seconds = self.took.as_secs_f64();
        write!(f, "{server} ({role}): {verdict} after {seconds:.3} s")?;
        let mut cause = self
            .source
            .as_deref()
            .map(|error| error as &(dyn Error + 'static));
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Attempt", 6)?;
        fields.serialize_field("server", &self.server)?;
        fields.serialize_field("role", &self.role)?;
        fields.serialize_field("verdict", &self.verdict)?;
        fields.serialize_field("after", &self.after.as_secs_f64())?;
        fields.serialize_field("took", &self.took.as_secs_f64())?;
        fields.serialize_field("cause", &self.source.as_ref().map(ToString::to_string))?;
        fields.end()
    }
}
