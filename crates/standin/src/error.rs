//! Why a request got no answer, with everything that was tried.

use std::fmt;

use standin_core::order::Mood;
use standin_core::plan::{GiveUp, Plan};
use standin_core::policy::WriteFailure;
use standin_core::{Operation, Server, Verdict};
use standin_net::{TrustFailure, trust};

use crate::Attempt;
use crate::spool::SpoolError;

mod reason;
mod story;

use reason::Reason;
pub(crate) use story::{InALine, push_causes};

/// A request got no answer. It names the service, the operation and every attempt.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    operation: Option<Operation>,
    mood: Mood,
    attempts: Vec<Attempt>,
    failure: WriteFailure,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    spool: Option<SpoolError>,
}

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Every server was tried and none answered.
    Exhausted,
    /// The operation is for the master only and no master could be reached. It was not processed.
    NotDuringFailover,
    /// More than one host says that it is the master, and the request would do harm at the wrong one.
    /// It was not sent.
    TwoMasters,
    /// A server may have processed the request, and processing it twice would do harm.
    MaybeProcessed,
    /// No server could be trusted, or none trusted this agent.
    Untrusted,
    /// The fault is this machine's.
    Local,
    /// Time ran out.
    DeadlinePassed,
    /// So many requests were repeated of late that this one was not.
    OverBudget,
    /// The request was sent, and its body was too large to be kept for sending it again.
    BodyNotKept,
    /// An answer came, and it is larger than the [whole body](crate::WholeBody) that was asked for. What
    /// was to be done is done.
    AnswerTooLarge,
    /// The run lost the server it kept to, and it was to keep to it.
    GroupBroken,
    /// The installation has no server for the service.
    NoServers,
    /// Fewer PuppetDBs took a command than have to; [`TooFew`](crate::TooFew) beneath says who.
    TooFew,
    /// A server sent the request elsewhere, and it was not followed.
    Redirected,
    /// The request belongs to no service and has no address of its own.
    NoService,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: Option<Operation>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation,
            mood: Mood::Calm,
            attempts: Vec::new(),
            failure: WriteFailure::FailsTheRun,
            source: None,
            spool: None,
        }))
    }

    /// The end of a walk.
    pub(crate) fn after(kind: ErrorKind, plan: &Plan, attempts: Vec<Attempt>) -> Self {
        let mut error = Self::new(kind, Some(plan.operation()));
        error.0.mood = plan.mood();
        error.0.attempts = attempts;
        error
    }

    /// The same error with what was tried.
    pub(crate) fn tried(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The same error, which was logged and need not fail anything.
    pub(crate) fn softened(mut self) -> Self {
        self.0.failure = WriteFailure::IsLogged;
        self
    }

    /// The same error with what lies beneath it.
    pub(crate) fn beneath(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn because(
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(kind, None).beneath(source)
    }

    /// The same error of a request that was not spooled either.
    pub(crate) fn not_spooled(mut self, refusal: SpoolError) -> Self {
        self.0.spool = Some(refusal);
        self
    }

    /// Why the request was not spooled, if it should have been.
    #[must_use]
    pub fn spool(&self) -> Option<&SpoolError> {
        self.0.spool.as_ref()
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was asked for; `None` when the request belonged to no service.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Whether everyone who may be asked was benched when the request came, and was asked all the
    /// same.
    #[must_use]
    pub fn mood(&self) -> Mood {
        self.0.mood
    }

    /// What it means to whatever the request was a part of. [`WriteFailure::IsLogged`] is a command of
    /// PuppetDB that nobody took, where the policy says that work goes on without; it was logged.
    #[must_use]
    pub fn failure(&self) -> WriteFailure {
        self.0.failure
    }

    /// Every attempt, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// Why no server could be trusted, or none trusts this agent, if it is the same at each.
    #[must_use]
    pub fn common_distrust(&self) -> Option<TrustFailure> {
        if self.kind() != ErrorKind::Untrusted {
            return None;
        }
        if let Some(source) = self.0.source.as_deref() {
            return TrustFailure::find(source);
        }
        let failure = |attempt: &Attempt| TrustFailure::find(attempt.error.as_deref()?);
        let refused = self.attempts().iter();
        let refused = refused.filter(|attempt| attempt.verdict == Verdict::Untrusted);
        trust::common(refused.map(failure))
    }

    /// The whole story for a log, in lines: the reason, what lies beneath it, and each attempt with what
    /// lies beneath that.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = Reason(self).to_string();
        if let Some(source) = self.0.source.as_deref() {
            push_causes(&mut text, "  ", source);
        }
        for attempt in self.attempts() {
            text.push_str("\n  tried ");
            text.push_str(&attempt.to_string());
            if let Some(error) = attempt.error.as_deref() {
                push_causes(&mut text, "    ", error);
            }
        }
        if let Some(refusal) = self.spool() {
            text.push_str("\n  not spooled: ");
            text.push_str(&crate::spool::story(refusal));
        }
        text
    }
}

impl From<GiveUp> for ErrorKind {
    fn from(why: GiveUp) -> Self {
        match why {
            GiveUp::NotDuringFailover => Self::NotDuringFailover,
            GiveUp::TwoMasters => Self::TwoMasters,
            GiveUp::MaybeProcessed => Self::MaybeProcessed,
            GiveUp::Untrusted => Self::Untrusted,
            GiveUp::Local => Self::Local,
            GiveUp::DeadlinePassed => Self::DeadlinePassed,
            GiveUp::OverBudget => Self::OverBudget,
            _ => Self::Exhausted,
        }
    }
}

/// One level: what was asked for, why there is no answer, what to do, and who was tried. What happened
/// at each is in [`Error::attempts`] and [`Error::report`].
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reason(self).fmt(f)?;
        let mut tried: Vec<&Server> = Vec::new();
        for Attempt { server, .. } in self.attempts() {
            if !tried.contains(&server) {
                tried.push(server);
            }
        }
        for (index, server) in tried.iter().take(TOLD_MOST).enumerate() {
            let lead = if index == 0 { " (tried " } else { ", " };
            write!(f, "{lead}{server}")?;
        }
        match tried.len() {
            0 => Ok(()),
            all if all > TOLD_MOST => write!(f, " and {} more)", all - TOLD_MOST),
            _ => f.write_str(")"),
        }
    }
}

/// A message names so many servers: a pool may have dozens.
const TOLD_MOST: usize = 4;

/// The last attempt, unless something of our own lies beneath.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match (self.0.source.as_deref(), self.attempts().last()) {
            (Some(own), _) => Some(own),
            (None, Some(last)) => Some(last),
            (None, None) => None,
        }
    }
}

/// These hosts all say that they are the master.
#[derive(Debug, thiserror::Error)]
#[error("{} say that they are the source of replication", .0.join(" and "))]
pub(crate) struct Masters(pub(crate) Vec<String>);

#[cfg(test)]
mod tests;
