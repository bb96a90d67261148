//! All that was found out, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};
use standin::{Role, Server, Service};

use super::state::{Counts, State};
use crate::code::Code;

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
    pub(super) state: State,
    /// How long it took to find out.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub(super) took: Duration,
    /// Why it is not running, as far as it is known.
    pub(super) detail: Option<String>,
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

    pub(super) const fn code(&self) -> Code {
        match self.running {
            0 => Code::NONE,
            running if running < self.expected => Code::SOME,
            _ => Code::DONE,
        }
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles = ["service", "server", "role", "state", "time"].map(str::to_owned);
        let rows = self.services.iter().map(Row::cells);
        let lines: Vec<[String; 5]> = std::iter::once(titles).chain(rows).collect();
        let width = |column: usize| {
            let cells = lines.iter().map(|cells| cells[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let [service, server, role, state, time] = [0, 1, 2, 3, 4].map(width);
        for cells in &lines {
            writeln!(
                out,
                "{:service$}  {:server$}  {:role$}  {:state$}  {:>time$}",
                cells[0], cells[1], cells[2], cells[3], cells[4]
            )?;
        }
        Ok(())
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        [
            self.service.to_string(),
            self.server.to_string(),
            self.role.to_string(),
            self.state.to_string(),
            format!("{:.3} s", self.took.as_secs_f64()),
        ]
    }
}

/// To the millisecond: the rest is noise.
fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use standin::Verdict;

    use super::*;

    fn row(service: Service, state: State) -> Row {
        Row {
            service,
            server: Server::new("m.test", service.port()).unwrap(),
            role: Role::Master,
            state,
            took: Duration::from_micros(12_400),
            detail: None,
        }
    }

    fn running() -> State {
        State::answered(StatusCode::OK, b"running")
    }

    fn report(states: impl IntoIterator<Item = State>) -> Report {
        let rows = Service::ALL.into_iter().zip(states);
        Report::new(rows.map(|(service, state)| row(service, state)).collect())
    }

    #[test]
    fn the_code_counts_what_is_to_run() {
        let down = || State::unanswered(Verdict::Local);
        assert_eq!(report([running(), running()]).code(), Code::DONE);
        assert_eq!(
            report([running(), State::ABSENT, State::INACTIVE]).code(),
            Code::DONE
        );
        assert_eq!(report([running(), down()]).code(), Code::SOME);
        assert_eq!(report([down(), State::INACTIVE]).code(), Code::NONE);
        assert_eq!(report([State::ABSENT]).code(), Code::NONE);
    }

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Vec::new();
        let report = report([running(), State::ABSENT]);
        report.write_table(&mut table).unwrap();
        assert_eq!(
            String::from_utf8(table).unwrap(),
            "service        server       role    state       time\n\
             puppet-server  m.test:8140  master  running  0.012 s\n\
             file-sync      m.test:8140  master  absent   0.012 s\n"
        );
    }
}
