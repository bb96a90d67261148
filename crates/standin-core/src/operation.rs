//! Operations: what is known of a request before it is sent.

use std::fmt;

use serde::Serialize;

use crate::{ReplicaServes, Role, Service};

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
    /// A catalog or a report: minutes are normal.
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
    /// service.
    ///
    /// A path that no row of the table knows is judged by its method as RFC 9110 section 9.2 has it.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let service = Service::of_path(path)?;
        let row = rows(service).iter().find(|row| row.fits(method, path));
        Some(match row {
            Some(row) => Self {
                service,
                effect: row.effect,
                repeat: Repeat::Harmless,
                length: row.length,
            },
            None => Self::by_method(service, method),
        })
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

struct Row {
    method: &'static str,
    /// What the path begins with.
    path: &'static str,
    rest: Rest,
    effect: Effect,
    length: Length,
}

/// What may stand after the beginning of a row's path.
#[derive(Clone, Copy)]
enum Rest {
    /// Nothing.
    End,
    /// One segment.
    Segment,
    /// Anything.
    Any,
}

impl Row {
    fn fits(&self, method: &str, path: &str) -> bool {
        self.method == method
            && path
                .strip_prefix(self.path)
                .is_some_and(|rest| match self.rest {
                    Rest::End => rest.is_empty(),
                    Rest::Segment => !rest.is_empty() && !rest.contains('/'),
                    Rest::Any => true,
                })
    }
}

const fn row(
    method: &'static str,
    (path, rest): (&'static str, Rest),
    effect: Effect,
    length: Length,
) -> Row {
    Row {
        method,
        path,
        rest,
        effect,
        length,
    }
}

/// Rows that the method alone would get wrong. Each is harmless when repeated.
///
/// Reads that travel as POST because they carry a body; facts, reports and file-bucket entries, of
/// which the server keeps the last or knows the content; PuppetDB commands, of which the newest
/// producer timestamp wins.
const fn rows(service: Service) -> &'static [Row] {
    use Effect::{Read, Write};
    use Length::{Cheap, Long};
    use Rest::{Any, End, Segment};
    match service {
        Service::PuppetServer => {
            const {
                &[
                    row("POST", ("/puppet/v3/catalog/", Segment), Read, Long),
                    row("GET", ("/puppet/v3/catalog/", Segment), Read, Long),
                    row("POST", ("/puppet/v4/catalog", End), Read, Long),
                    row("PUT", ("/puppet/v3/report/", Segment), Write, Long),
                    row("PUT", ("/puppet/v3/facts/", Segment), Write, Cheap),
                    row("PUT", ("/puppet/v3/file_bucket_file/", Any), Write, Cheap),
                ]
            }
        }
        Service::PuppetDb => {
            const {
                &[
                    row("POST", ("/pdb/query/", Any), Read, Cheap),
                    row("POST", ("/pdb/cmd/v1", End), Write, Cheap),
                ]
            }
        }
        Service::NodeClassifier => {
            const {
                &[
                    row(
                        "POST",
                        ("/classifier-api/v1/classified/nodes/", Segment),
                        Read,
                        Cheap,
                    ),
                    row(
                        "POST",
                        ("/classifier-api/v2/classified/nodes/", Segment),
                        Read,
                        Cheap,
                    ),
                    row(
                        "POST",
                        ("/classifier-api/v1/rules/translate", End),
                        Read,
                        Cheap,
                    ),
                    row(
                        "POST",
                        ("/classifier-api/v1/validate/group", End),
                        Read,
                        Cheap,
                    ),
                ]
            }
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Operation {
        Operation::of(method, path).unwrap()
    }

    #[test]
    fn reads_that_travel_as_post_may_go_to_a_replica() {
        for path in [
            "/puppet/v3/catalog/agent",
            "/pdb/query/v4/nodes",
            "/classifier-api/v1/classified/nodes/agent",
        ] {
            let operation = of("POST", path);
            assert_eq!(operation.effect, Effect::Read, "{path}");
            assert_eq!(operation.repeat, Repeat::Harmless, "{path}");
            assert!(operation.may_go_to(Role::Replica), "{path}");
        }
    }

    #[test]
    fn edits_go_to_a_master_only_and_are_not_repeated() {
        for (method, path) in [
            ("POST", "/classifier-api/v1/groups"),
            ("DELETE", "/classifier-api/v1/groups/1"),
            ("POST", "/classifier-api/v1/classified/nodes"),
            ("PUT", "/puppet-ca/v1/certificate_request/agent"),
            ("POST", "/rbac-api/v1/auth/token"),
            ("POST", "/code-manager/v1/deploys"),
            ("POST", "/orchestrator/v1/command/deploy"),
        ] {
            let operation = of(method, path);
            assert_eq!(operation.effect, Effect::Write, "{path}");
            assert_eq!(operation.repeat, Repeat::Harmful, "{path}");
            assert!(!operation.may_go_to(Role::Replica), "{path}");
            assert!(operation.may_go_to(Role::Master), "{path}");
            assert!(operation.may_go_to(Role::Pool), "{path}");
        }
    }

    #[test]
    fn not_even_a_read_of_the_ca_goes_to_a_replica() {
        assert!(!of("GET", "/puppet-ca/v1/certificate/ca").may_go_to(Role::Replica));
    }

    #[test]
    fn a_report_and_a_command_are_writes_that_a_replica_takes() {
        for (method, path) in [("PUT", "/puppet/v3/report/a"), ("POST", "/pdb/cmd/v1")] {
            let operation = of(method, path);
            assert_eq!(operation.effect, Effect::Write);
            assert_eq!(operation.repeat, Repeat::Harmless);
            assert!(operation.may_go_to(Role::Replica));
        }
    }

    #[test]
    fn queries_and_commands_have_health_of_their_own() {
        assert_eq!(of("POST", "/pdb/cmd/v1").class(), Class::Commands);
        assert_eq!(
            of("GET", "/pdb/query/v4/nodes").class(),
            Class::Service(Service::PuppetDb)
        );
    }

    #[test]
    fn an_unknown_path_is_judged_by_its_method() {
        assert_eq!(of("GET", "/puppet/v9/new").effect, Effect::Read);
        assert_eq!(of("PUT", "/puppet/v9/new").repeat, Repeat::Harmless);
        assert_eq!(of("POST", "/puppet/v9/new").repeat, Repeat::Harmful);
        assert_eq!(of("get", "/puppet/v9/new").repeat, Repeat::Harmful);
    }

    #[test]
    fn a_path_of_no_service_is_no_operation() {
        assert_eq!(Operation::of("GET", "/status/v1/simple"), None);
    }

    #[test]
    fn operations_that_take_their_own_time_are_told_apart() {
        let all: Vec<Operation> = Operation::every().collect();
        let keys: std::collections::HashSet<String> =
            all.iter().map(|operation| operation.key()).collect();
        let mut indices: Vec<usize> = all.iter().map(|operation| operation.index()).collect();
        indices.sort_unstable();
        assert_eq!(indices, (0..Operation::COUNT).collect::<Vec<_>>());
        assert_eq!(keys.len(), Operation::COUNT);
    }

    #[test]
    fn classes_stand_in_the_order_of_their_indices() {
        assert_eq!(Class::all().count(), Class::COUNT);
        assert!(
            Class::all()
                .enumerate()
                .all(|(at, class)| class.index() == at)
        );
    }
}
