//! Exit codes.

use standin::ErrorKind;

/// How the command ends. The help of each command documents its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(u8);

impl Code {
    /// All is well.
    pub(crate) const DONE: Self = Self(0);
    /// The answer could not be written.
    pub(crate) const UNWRITTEN: Self = Self(1);
    /// Some service does not run where it should, and runs at another server.
    pub(crate) const SOME: Self = Self(1);
    /// Nothing is broken, and something will be felt in an outage.
    pub(crate) const WARNED: Self = Self(1);
    /// Something is broken, or will be in an outage.
    pub(crate) const FAULTY: Self = Self(2);
    /// Command line or settings; nothing was sent.
    pub(crate) const USAGE: Self = Self(2);
    /// Some service runs nowhere.
    pub(crate) const NOWHERE: Self = Self(2);
    /// Answered 4xx.
    pub(crate) const REFUSED: Self = Self(4);
    /// Answered 5xx.
    pub(crate) const BROKEN: Self = Self(5);
    /// Only the master may be asked.
    pub(crate) const NOT_DURING_FAILOVER: Self = Self(10);
    /// Sent, and no answer came.
    pub(crate) const MAYBE_PROCESSED: Self = Self(11);
    /// No certificate was accepted.
    pub(crate) const UNTRUSTED: Self = Self(12);
    /// Time ran out.
    pub(crate) const DEADLINE: Self = Self(13);
    /// No server answered.
    pub(crate) const NOBODY: Self = Self(14);

    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotDuringFailover | ErrorKind::TwoMasters => Self::NOT_DURING_FAILOVER,
            ErrorKind::MaybeProcessed => Self::MAYBE_PROCESSED,
            ErrorKind::Untrusted => Self::UNTRUSTED,
            ErrorKind::DeadlinePassed => Self::DEADLINE,
            ErrorKind::NoServers | ErrorKind::NoService => Self::USAGE,
            _ => Self::NOBODY,
        }
    }
}
