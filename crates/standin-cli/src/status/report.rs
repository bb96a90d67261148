//! All that was found out, for programs.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use standin::{Role, Server, Service};

use super::ask::Found;
use super::memory::{Memory, Remembered};
use super::state::{Counts, State};
use crate::code::Code;
use crate::day::moment;

/// How every service is at every server.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// How many are running.
    running: usize,
    /// How many are to be running.
    expected: usize,
    pub(super) services: Vec<Row>,
}

/// How one service is at one server.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) service: Service,
    pub(super) server: Server,
    pub(super) role: Role,
    /// Whether the server answered at all.
    pub(super) reachable: bool,
    pub(super) state: State,
    /// How long it took to find out.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(super) took: Duration,
    #[serde(rename = "certificate_not_after", serialize_with = "rfc3339")]
    pub(super) not_after: Option<SystemTime>,
    #[serde(rename = "replication_mode")]
    pub(super) mode: Option<String>,
    pub(super) memory: Option<Memory>,
    /// Why it is not running, as far as it is known.
    pub(super) detail: Option<String>,
}

impl Row {
    pub(super) fn new(found: Found, remembered: &Remembered<'_>) -> Self {
        let Found {
            question,
            told,
            finding,
        } = found;
        Self {
            memory: remembered.at(question.service, &question.server),
            service: question.service,
            server: question.server,
            role: question.role,
            reachable: finding.is_answer(),
            state: told.state,
            took: finding.took,
            not_after: finding.not_after,
            mode: told.mode,
            detail: told.detail,
        }
    }
}

impl Report {
    pub(super) fn new(services: Vec<Row>) -> Self {
        let count = |what| {
            let rows = services.iter();
            rows.filter(|row| row.state.counts() == what).count()
        };
        let running = count(Counts::Running);
        Self {
            running,
            expected: running + count(Counts::NotRunning),
            services,
        }
    }

    /// By the worst that there is.
    pub(super) fn code(&self) -> Code {
        let runs = |service| {
            let mut rows = self.services.iter();
            rows.any(|row| row.service == service && row.state.counts() == Counts::Running)
        };
        let wanting = self.services.iter();
        let mut wanting = wanting.filter(|row| row.state.counts() == Counts::NotRunning);
        match self.running {
            0 => Code::NOWHERE,
            running if running == self.expected => Code::DONE,
            _ if wanting.all(|row| runs(row.service)) => Code::SOME,
            _ => Code::NOWHERE,
        }
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// To the millisecond: the rest is noise.
fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
fn rfc3339<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.and_then(moment).serialize(serializer)
}

#[cfg(test)]
pub(super) mod tests {
    use standin::Verdict;

    use super::*;

    pub(in super::super) fn row(service: Service, state: State) -> Row {
        Row {
            service,
            server: Server::new("m.test", service.port()).unwrap(),
            role: Role::Master,
            reachable: true,
            state,
            took: Duration::from_micros(12_400),
            not_after: None,
            mode: None,
            memory: None,
            detail: None,
        }
    }

    pub(in super::super) fn running() -> State {
        State::told("running")
    }

    fn report<const N: usize>(rows: [(Service, State); N]) -> Report {
        let rows = rows.map(|(service, state)| row(service, state));
        Report::new(rows.into())
    }

    #[test]
    fn the_code_is_that_of_the_worst() {
        use Service::{CodeManager, PuppetDb, PuppetServer};
        let down = || State::unanswered(Verdict::Local);
        let all = report([(PuppetServer, running()), (PuppetDb, running())]);
        assert_eq!(all.code(), Code::DONE);
        let uncounted = [
            (PuppetServer, running()),
            (PuppetDb, State::ABSENT),
            (CodeManager, State::INACTIVE),
        ];
        assert_eq!(report(uncounted).code(), Code::DONE);
        let elsewhere = [
            (PuppetServer, running()),
            (PuppetDb, down()),
            (PuppetDb, running()),
        ];
        assert_eq!(report(elsewhere).code(), Code::SOME);
        let nowhere = [(PuppetServer, running()), (PuppetDb, down())];
        assert_eq!(report(nowhere).code(), Code::NOWHERE);
        let nothing = report([(PuppetServer, State::ABSENT)]);
        assert_eq!(nothing.code(), Code::NOWHERE);
    }
}
