//! What happens to health.

use smallvec::SmallVec;

use super::{Hearing, Mode};
use crate::cell::Change;
use crate::{Class, Server};

/// Something changed that an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The health of a server changed.
    Server {
        /// Which.
        server: Server,
        /// How.
        change: Change,
    },
    /// The health of a service at a server changed.
    Service {
        /// Whose.
        class: Class,
        /// Where.
        server: Server,
        /// How.
        change: Change,
    },
    /// A host fell silent as a whole, or was heard again: the difference between a full and a
    /// partial failure.
    Host {
        /// Which.
        host: String,
        /// What was heard of it.
        hearing: Hearing,
    },
    /// A host said that it replicates in another way than before: after a promotion, a former
    /// replica is the source.
    Mode {
        /// Which.
        host: String,
        /// What it said.
        mode: Mode,
    },
    /// Two hosts or more say that they are the source: writes that may not be repeated are refused.
    TwoMasters {
        /// Who says so, in the order in which they were listed.
        hosts: Vec<String>,
    },
    /// Work moved to a later server of the list.
    Failover {
        /// Whose.
        class: Class,
        /// Who held it.
        from: Server,
        /// Who holds it now.
        to: Server,
    },
    /// Work returned to an earlier server of the list.
    Failback {
        /// Whose.
        class: Class,
        /// Who held it.
        from: Server,
        /// Who holds it now.
        to: Server,
    },
}

/// What happened to health; nearly always nothing.
pub type Events = SmallVec<[Event; 1]>;
