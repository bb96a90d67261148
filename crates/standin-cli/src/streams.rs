//! Where answers go, and where words about them go.

use std::fmt;
use std::io::Write;

/// Standard output and standard error.
pub(crate) struct Streams<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) verbosity: Verbosity,
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Why it failed.
    Failures,
    /// What was assumed, tried and answered, too.
    Everything,
}

impl Streams<'_> {
    /// A line on standard error. That nobody reads it is no reason to stop.
    pub(crate) fn say(&mut self, line: impl fmt::Display) {
        let _ = writeln!(self.err, "{line}");
    }

    /// The same, if the user asked for everything.
    pub(crate) fn mention(&mut self, line: impl fmt::Display) {
        if self.verbosity == Verbosity::Everything {
            self.say(line);
        }
    }
}
