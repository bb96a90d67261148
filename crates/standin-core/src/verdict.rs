//! Verdicts: what is known to have happened in an attempt.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What is known to have happened in one attempt. What follows from it is decided elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The server answered, be it with a refusal or an error of the application.
    Answered,
    /// The server answered that the service does not work now.
    NotReady(Processed),
    /// The server works and asks to come again after this time.
    Busy(Duration),
    /// Nothing was sent.
    Unreached(Unreached),
    /// The server's certificate was not accepted, or ours was not: nothing was processed.
    Untrusted,
    /// The fault is this machine's: no descriptors, no ports, no network.
    Local,
    /// The request was or may have been sent, and no answer came.
    Lost(Loss),
    /// The answer broke off after its head.
    Cut,
}

/// Whether a server that was not ready may have done the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processed {
    /// Its answer says that it has not.
    No,
    /// It may have.
    Maybe,
}

/// Why a server was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unreached {
    /// Its host answered that nobody listens.
    Refused,
    /// Connecting, the TLS handshake included, took too long.
    TimedOut,
    /// A lower server was connected for so long that this one was passed over.
    PassedOver,
    /// The network says that there is no way to it.
    NoRoute,
    /// Its name could not be resolved.
    Name,
    /// The connection broke while it was made, or before the request was written.
    Reset,
}

/// How a request was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// The connection broke.
    Reset,
    /// The time for this attempt ran out while the server still spoke to others.
    TimedOut,
    /// The server fell silent towards everybody.
    Silent,
    /// The server's status was good, and its work took much longer than it usually does.
    Stuck,
    /// What came back was not HTTP.
    Garbage,
    /// More came back than is taken.
    Excess,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Answered => "answered",
            Self::NotReady(_) => "not ready",
            Self::Busy(_) => "busy",
            Self::Unreached(Unreached::Refused) => "refused",
            Self::Unreached(Unreached::TimedOut) => "connecting timed out",
            Self::Unreached(Unreached::PassedOver) => "slow to connect",
            Self::Unreached(Unreached::NoRoute) => "no route",
            Self::Unreached(Unreached::Name) => "name not resolved",
            Self::Unreached(Unreached::Reset) => "connection broke before the request was sent",
            Self::Untrusted => "not trusted",
            Self::Local => "fault of this machine",
            Self::Lost(Loss::Reset) => "connection broke before an answer",
            Self::Lost(Loss::TimedOut) => "no answer in time",
            Self::Lost(Loss::Silent) => "server fell silent",
            Self::Lost(Loss::Stuck) => "work is silent while the status is good",
            Self::Lost(Loss::Garbage) => "answer is not HTTP",
            Self::Lost(Loss::Excess) => "answer is larger than is taken",
            Self::Cut => "answer broke off",
        })
    }
}
