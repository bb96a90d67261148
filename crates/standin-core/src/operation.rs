//! Operations: what is known of a request before it is sent.

use std::fmt;

use serde::Serialize;

use crate::{ReplicaServes, Role, Service};

mod operations;
mod path;
mod table;

pub use operations::{InvalidRule, Operations, RuleFault};
use path::{Spelling, without_query};
pub use table::{Row, Unrouted};

/// One kind of request, judged by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Operation {
    /// Whose it is.
    pub service: Service,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Whether the same request may arrive twice.
    pub repeat: Repeat,
    /// How long a healthy server may take.
    pub length: Length,
}

/// Whether an operation changes anything at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Changes nothing, however it travels.
    Read,
    /// Changes something.
    Write,
}

/// What happens when a server processes the same request twice, or two servers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// The same as when it is processed once.
    Harmless,
    /// Something is done twice.
    Harmful,
}

/// How long a healthy server may take to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// A look-up: seconds at most.
    Cheap,
    /// A catalog, a report, all code parsed, or a whole database read: minutes are normal.
    Long,
}

/// A service, or the part of one whose health is its own.
///
/// PuppetDB takes commands while its database is down and then answers no query, so these two are
/// judged apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Class {
    /// A whole service, or PuppetDB's queries.
    Service(Service),
    /// PuppetDB's commands.
    Commands,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = Service::ALL.len() + 1;

    /// Every class.
    pub fn all() -> impl Iterator<Item = Self> {
        Service::ALL
            .into_iter()
            .map(Self::Service)
            .chain([Self::Commands])
    }

    /// Its place in [`Class::all`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Service(service) => service.index(),
            Self::Commands => Service::ALL.len(),
        }
    }

    /// The service it belongs to.
    #[must_use]
    pub const fn service(self) -> Service {
        match self {
            Self::Service(service) => service,
            Self::Commands => Service::PuppetDb,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => service.fmt(f),
            Self::Commands => f.pad("puppetdb commands"),
        }
    }
}

impl Operation {
    /// The operation of a request with this method and path, or `None` when the path belongs to no
    /// service, or may lead out of the one that it begins with.
    ///
    /// The table of [`Row`]s is asked first. A path that it does not know is judged by its method, as
    /// RFC 9110 section 9.2 has it; upper case and a slash at the end make another path. One that is
    /// spelled so that servers may read it differently (dot segments, encoded separators, parameters)
    /// fits no row, and whatever is no read there is a write that may not be repeated. A query is not
    /// looked at.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let path = without_query(path);
        let service = Service::of_path(path)?;
        match Spelling::of(path) {
            Spelling::Plain => Some(match table::find(service, method, path) {
                Some((_, known)) => known.operation(service),
                None => Self::by_method(service, method),
            }),
            Spelling::Odd => {
                let mut operation = Self::by_method(service, method);
                if operation.effect == Effect::Write {
                    operation.repeat = Repeat::Harmful;
                }
                Some(operation)
            }
            Spelling::LeadsOut => None,
        }
    }

    /// What the method alone says of a request to `service`.
    ///
    /// PUT and DELETE are idempotent by RFC 9110, but edits of the services that only a master may
    /// write are not repeated: between two of them somebody else's may have come.
    #[must_use]
    pub fn by_method(service: Service, method: &str) -> Self {
        let (effect, repeat) = match method {
            "GET" | "HEAD" | "OPTIONS" | "TRACE" => (Effect::Read, Repeat::Harmless),
            "PUT" | "DELETE" if service.replica_serves() == ReplicaServes::Everything => {
                (Effect::Write, Repeat::Harmless)
            }
            _ => (Effect::Write, Repeat::Harmful),
        };
        Self {
            service,
            effect,
            repeat,
            length: Length::Cheap,
        }
    }

    /// The part of the service whose health this operation shares.
    #[must_use]
    pub fn class(self) -> Class {
        match (self.service, self.effect) {
            (Service::PuppetDb, Effect::Write) => Class::Commands,
            (service, _) => Class::Service(service),
        }
    }

    /// How many there are that take their own time: see [`Operation::index`].
    pub const COUNT: usize = Service::ALL.len() * 4;

    /// Its place among those that take their own time: by service, effect and length.
    #[must_use]
    pub const fn index(self) -> usize {
        let effect = match self.effect {
            Effect::Read => 0,
            Effect::Write => 1,
        };
        let length = match self.length {
            Length::Cheap => 0,
            Length::Long => 2,
        };
        self.service.index() * 4 + effect + length
    }

    /// One for each that takes its own time, as if it were harmless.
    pub fn every() -> impl Iterator<Item = Self> {
        let kinds = [Effect::Read, Effect::Write]
            .map(|effect| [Length::Cheap, Length::Long].map(|length| (effect, length)));
        Service::ALL.into_iter().flat_map(move |service| {
            let kinds = kinds.into_iter().flatten();
            kinds.map(move |(effect, length)| Self {
                service,
                effect,
                repeat: Repeat::Harmless,
                length,
            })
        })
    }

    /// What it is called where its usual time is kept.
    #[must_use]
    pub fn key(self) -> String {
        let length = match self.length {
            Length::Cheap => "cheap",
            Length::Long => "long",
        };
        format!("{length} {self}")
    }

    /// Whether a copy of it can show that a server works: it does no harm, and takes little time.
    #[must_use]
    pub const fn may_probe(self) -> bool {
        matches!(
            (self.repeat, self.length),
            (Repeat::Harmless, Length::Cheap)
        )
    }

    /// Whether a host of this role may be sent it.
    #[must_use]
    pub fn may_go_to(self, role: Role) -> bool {
        if role != Role::Replica {
            return true;
        }
        match self.service.replica_serves() {
            ReplicaServes::Everything => true,
            ReplicaServes::Reads => self.effect == Effect::Read,
            ReplicaServes::Nothing => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Read => "read",
            Effect::Write => "write",
        };
        write!(f, "{effect} of {}", self.service)
    }
}

#[cfg(test)]
mod tests;
