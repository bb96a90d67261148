//! Why no broker associated with the agent, with everything that was tried.

use std::error::Error;
use std::fmt;

use standin_core::Verdict;
use standin_core::plan::GiveUp;
use standin_net::{TrustFailure, trust};

use crate::Attempt;

/// No broker associated with the agent. It lists every attempt.
#[derive(Debug)]
pub struct AssociateError {
    kind: AssociateErrorKind,
    attempts: Vec<Attempt>,
}

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssociateErrorKind {
    /// The installation has no broker.
    #[error("no broker is configured; name them in pcp_broker_list")]
    NoBrokers,
    /// Every broker was tried.
    #[error("every broker was tried and none associated")]
    Exhausted,
    /// No broker could be trusted, or none trusts this agent.
    #[error("no broker could be trusted, or none trusts this agent; look at the certificates")]
    Untrusted,
    /// The fault is this machine's.
    #[error("this machine cannot connect to anybody; look at its network and open files")]
    Local,
    /// Time ran out.
    #[error("the time for it ran out")]
    DeadlinePassed,
}

impl AssociateError {
    pub(crate) const fn new(kind: AssociateErrorKind, attempts: Vec<Attempt>) -> Self {
        Self { kind, attempts }
    }

    /// The reason.
    #[must_use]
    pub const fn kind(&self) -> AssociateErrorKind {
        self.kind
    }

    /// Every attempt, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Why no broker could be trusted, or none trusts this agent, if it is the same at each.
    #[must_use]
    pub fn common_distrust(&self) -> Option<TrustFailure> {
        if self.kind != AssociateErrorKind::Untrusted {
            return None;
        }
        let failure = |attempt: &Attempt| TrustFailure::find(attempt.source.as_deref()?);
        let refused = self.attempts.iter();
        let refused = refused.filter(|attempt| attempt.verdict == Verdict::Untrusted);
        trust::common(refused.map(failure))
    }

    /// The whole story for a log: the error and, a line each, what was tried.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        for attempt in &self.attempts {
            text.push_str("\n  tried ");
            text.push_str(&attempt.to_string());
        }
        text
    }
}

impl From<GiveUp> for AssociateErrorKind {
    fn from(why: GiveUp) -> Self {
        match why {
            GiveUp::Untrusted => Self::Untrusted,
            GiveUp::Local => Self::Local,
            GiveUp::DeadlinePassed => Self::DeadlinePassed,
            // The others are for requests that replicas may not be sent or that cost a repeat.
            _ => Self::Exhausted,
        }
    }
}

impl fmt::Display for AssociateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("association with a PCP broker: ")?;
        match self.common_distrust().map(|failure| failure.trouble()) {
            Some(trouble) => write!(
                f,
                "the same at every broker: {trouble}; {}",
                trouble.remedy()
            )?,
            None => self.kind.fmt(f)?,
        }
        for (index, attempt) in self.attempts.iter().enumerate() {
            let lead = if index == 0 { " (" } else { "; " };
            write!(f, "{lead}{}: {}", attempt.server, attempt.verdict)?;
        }
        if !self.attempts.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl Error for AssociateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.attempts.last()?.source.as_deref()?;
        Some(source)
    }
}
