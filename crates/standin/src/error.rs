//! Why a request got no answer, with everything that was tried.

use std::fmt;

use standin_core::order::Mood;
use standin_core::plan::{GiveUp, Plan};
use standin_core::policy::WriteFailure;
use standin_core::{Operation, Verdict};
use standin_net::{TrustFailure, trust};

use crate::Attempt;
use crate::spool::SpoolError;

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

    /// The whole story for a log: the error and, a line each, what was tried.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = Reason(self).to_string();
        for attempt in self.attempts() {
            text.push_str("\n  tried ");
            text.push_str(&attempt.to_string());
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reason(self).fmt(f)?;
        for (index, attempt) in self.attempts().iter().enumerate() {
            let lead = if index == 0 { " (" } else { "; " };
            write!(f, "{lead}{}: {}", attempt.server, Short(attempt))?;
        }
        if !self.attempts().is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// What happened and what to do, without the attempts.
struct Reason<'a>(&'a Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        match error.operation() {
            Some(operation) => write!(f, "{operation}: ")?,
            None => f.write_str("request: ")?,
        }
        if let Some(failure) = error.common_distrust() {
            let (trouble, remedy) = (failure.trouble(), failure.trouble().remedy());
            return write!(f, "the same at every server: {trouble}; {remedy}");
        }
        f.write_str(match error.kind() {
            ErrorKind::Exhausted if error.mood() == Mood::Panic => {
                "no server answered; all had failed before, and all were tried all the same"
            }
            ErrorKind::Exhausted => "no server answered",
            ErrorKind::NotDuringFailover => {
                "only the master may be asked for this and it cannot be reached; it does not work \
                 during failover, so try again when the master is back or its replica is promoted"
            }
            ErrorKind::TwoMasters => {
                "more than one host says that it is the master, and this must not be done at the \
                 wrong one; take the former master out of service, or make it a replica"
            }
            ErrorKind::MaybeProcessed => {
                "the connection was lost after the request was sent; it may have been processed, \
                 so look before you repeat it"
            }
            ErrorKind::Untrusted => "no server could be trusted, or none trusts this agent",
            ErrorKind::Local => {
                "the fault is this machine's and no server's; look at the cause beneath"
            }
            ErrorKind::DeadlinePassed => "the time for it ran out",
            ErrorKind::OverBudget => {
                "the first server did not serve it and too many requests were repeated of late"
            }
            ErrorKind::BodyNotKept => {
                "its body was sent once and was too large to be kept, so it cannot go to another \
                 server; keep more of it or send it again"
            }
            ErrorKind::GroupBroken => {
                "the run lost the server that it keeps to; begin the run again"
            }
            ErrorKind::NoServers => "no server is configured for this service",
            ErrorKind::TooFew => "too few servers took it",
            ErrorKind::Redirected => "it was sent on and on, or to where it is not followed",
            ErrorKind::NoService => {
                "its path belongs to no service of Puppet and its address names no server"
            }
        })
    }
}

struct Short<'a>(&'a Attempt);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.verdict, self.0.status) {
            (Verdict::NotReady(_) | Verdict::Busy(_), Some(status)) => {
                write!(f, "{}, {status}", self.0.verdict)
            }
            (verdict, _) => verdict.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let last = self
            .attempts()
            .last()
            .and_then(|last| last.error.as_deref());
        let own = self.0.source.as_deref();
        own.or(last)
            .map(|error| error as &(dyn std::error::Error + 'static))
    }
}

/// These hosts all say that they are the master.
#[derive(Debug, thiserror::Error)]
#[error("{} say that they are the source of replication", .0.join(" and "))]
pub(crate) struct Masters(pub(crate) Vec<String>);
