//! What happened and what to do, in words.

use std::fmt;

use standin_core::order::Mood;
use standin_core::{Operation, ReplicaServes};

use super::{Error, ErrorKind};

/// An error without its attempts.
pub(super) struct Reason<'a>(pub(super) &'a Error);

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
        match (error.kind(), error.operation()) {
            (ErrorKind::NotDuringFailover, Some(operation)) => not_during_failover(f, operation),
            (kind, _) => f.write_str(words(kind, error.mood())),
        }
    }
}

/// Names the rule: what a replica may be asked of the service.
fn not_during_failover(f: &mut fmt::Formatter<'_>, operation: Operation) -> fmt::Result {
    let service = operation.service;
    match service.replica_serves() {
        ReplicaServes::Reads => write!(f, "a replica serves only reads of {service}")?,
        ReplicaServes::Nothing => {
            write!(
                f,
                "a replica serves nothing of {service} until it is promoted"
            )?;
        }
        // A list without a replica: then nobody but the master is there.
        ReplicaServes::Everything => write!(f, "only the master may be asked for this")?,
    }
    f.write_str(
        ", and the master cannot be reached; it does not work during failover, so try again when \
         the master is back or its replica is promoted",
    )
}

fn words(kind: ErrorKind, mood: Mood) -> &'static str {
    match kind {
        ErrorKind::Exhausted if mood == Mood::Panic => {
            "no server answered; all had failed before, and all were tried all the same; see at each \
             why"
        }
        ErrorKind::Exhausted => "no server answered; see at each why",
        ErrorKind::NotDuringFailover => {
            "only the master may be asked for this, and it cannot be reached; try again when it is back"
        }
        ErrorKind::TwoMasters => {
            "more than one host says that it is the master, and this must not be done at the wrong \
             one; take the former master out of service, or make it a replica"
        }
        ErrorKind::MaybeProcessed => {
            "it was sent and no answer came; it may have been processed, so look before you repeat it"
        }
        ErrorKind::Untrusted => {
            "no server could be trusted, or none trusts this agent; see at each which certificate it is"
        }
        ErrorKind::Local => {
            "the fault is this machine's and no server's; look at the cause beneath"
        }
        ErrorKind::DeadlinePassed => {
            "the time for it ran out; see at each what took it, or give it more"
        }
        ErrorKind::OverBudget => {
            "the first server did not serve it and too many requests were repeated of late; ask again \
             later"
        }
        ErrorKind::BodyNotKept => {
            "its body was sent once and was too large to be kept, so it cannot go to another server; \
             keep more of it, make it with Body::rebuilt_by, or send it again"
        }
        ErrorKind::AnswerTooLarge => {
            "it was answered with more than was asked for; take more with WholeBody::at_most, or read \
             the answer as it comes"
        }
        ErrorKind::GroupBroken => "the run lost the server that it keeps to; begin the run again",
        ErrorKind::TooFew => "too few servers took it; see beneath which did",
        ErrorKind::NoServers => {
            "no server is configured for this service; name one in the settings"
        }
        ErrorKind::Redirected => {
            "it was sent on and on, or to where it is not followed; look at the cause beneath"
        }
        ErrorKind::NoService => {
            "its path belongs to no service of Puppet and its address names no server; write a path of \
             a service, or a whole URL"
        }
    }
}
