//! Who gets a command of PuppetDB, and what it means that nobody took it.

use std::num::NonZeroUsize;

use serde::Serialize;

/// How commands of PuppetDB are submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Commands {
    /// Who gets one. Default the first server that takes it, as PuppetDB's terminus.
    pub submission: Submission,
    /// What it means that it was not taken. Default that work fails, as in PuppetDB's terminus.
    pub failure: WriteFailure,
}

/// Who gets a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Submission {
    /// The first server that takes it: `command_broadcast = false`.
    #[default]
    First,
    /// Every server, all at once: `command_broadcast = true`.
    ///
    /// A command that must not arrive twice goes to the first that takes it all the same; where more
    /// than one have to take it, it is refused.
    Broadcast {
        /// So many have to take it, those that are only submitted to included:
        /// `min_successful_submissions`. No more than there are PuppetDBs in the list.
        least: NonZeroUsize,
    },
}

impl Submission {
    /// To every server, of which one has to take it: what Puppet Enterprise sets.
    pub const ALL: Self = Self::Broadcast {
        least: NonZeroUsize::MIN,
    };
}

/// What it means that a command was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteFailure {
    /// What it was a part of fails: `soft_write_failure = false`.
    #[default]
    FailsTheRun,
    /// It is logged, and whoever sent it goes on: `soft_write_failure = true`.
    IsLogged,
}
