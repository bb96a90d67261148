//! All that was found out, for people.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use standin::State as Health;

use super::memory::{Holder, Memory};
use super::report::{Report, Row};
use super::state::Counts;
use crate::check::now;
use crate::day::day;
use crate::paint::{Colours, Tone};

/// # Errors
/// When it cannot be written.
pub(super) fn write(report: &Report, colours: Colours, out: &mut dyn Write) -> io::Result<()> {
    let titles = TITLES.map(|title| Cell::new(Tone::Title, title));
    let rows = report.services.iter().map(|row| cells(row, now()));
    let lines: Vec<[Cell; COLUMNS]> = std::iter::once(titles).chain(rows).collect();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = lines.iter().map(|cells| cells[column].text.chars().count());
        cells.max().unwrap_or_default()
    });
    for cells in &lines {
        let padded: [String; COLUMNS] = std::array::from_fn(|column| {
            let (Cell { tone, text }, width) = (&cells[column], widths[column]);
            match column {
                TIME => colours.paint(*tone, format_args!("{text:>width$}")),
                LAST => colours.paint(*tone, text),
                _ => colours.paint(*tone, format_args!("{text:width$}")),
            }
        });
        writeln!(out, "{}", padded.join("  "))?;
    }
    Ok(())
}

struct Cell {
    tone: Tone,
    text: String,
}

impl Cell {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            tone,
            text: text.into(),
        }
    }
}

fn cells(row: &Row, now: SystemTime) -> [Cell; COLUMNS] {
    let plain = |text: String| Cell::new(Tone::Plain, text);
    [
        plain(row.service.to_string()),
        plain(row.server.to_string()),
        plain(row.role.to_string()),
        match row.reachable {
            true => Cell::new(Tone::Plain, "yes"),
            false => Cell::new(Tone::Bad, "no"),
        },
        state(row),
        plain(format!("{:.3} s", row.took.as_secs_f64())),
        expiry(row, now),
        plain(row.mode.clone().unwrap_or_else(|| NOTHING.to_owned())),
        memory(row.memory.as_ref()),
    ]
}

fn state(row: &Row) -> Cell {
    let tone = match row.state.counts() {
        Counts::Running => Tone::Good,
        Counts::NotRunning => Tone::Bad,
        Counts::Not => Tone::Faint,
    };
    Cell::new(tone, row.state.to_string())
}

fn expiry(row: &Row, now: SystemTime) -> Cell {
    let Some((end, day)) = row.not_after.and_then(|end| Some((end, day(end)?))) else {
        return Cell::new(Tone::Faint, NOTHING);
    };
    let tone = match end.duration_since(now) {
        Err(_) => Tone::Bad,
        Ok(left) if left < SOON => Tone::Doubtful,
        Ok(_) => Tone::Plain,
    };
    Cell::new(tone, day)
}

fn memory(memory: Option<&Memory>) -> Cell {
    let Some(Memory { state, holder, .. }) = memory else {
        return Cell::new(Tone::Faint, NOTHING);
    };
    let (tone, word) = match state {
        Health::Ready => (Tone::Plain, "ready"),
        Health::Suspect => (Tone::Doubtful, "suspect"),
        Health::Probing => (Tone::Doubtful, "probing"),
        Health::Benched => (Tone::Bad, "benched"),
    };
    match holder {
        Holder::Yes => Cell::new(tone, format!("{word}, holder")),
        Holder::No => Cell::new(tone, word),
    }
}

const TITLES: [&str; COLUMNS] = [
    "service",
    "server",
    "role",
    "reachable",
    "state",
    "time",
    "expires",
    "replication",
    "memory",
];
const COLUMNS: usize = 9;
const TIME: usize = 5;
const LAST: usize = COLUMNS - 1;
const NOTHING: &str = "-";

/// As `standin check` warns of certificates.
const SOON: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use standin::Service;

    use super::super::report::tests::{row, running};
    use super::super::state::State;
    use super::*;

    fn table(colours: Colours) -> String {
        let mut table = Vec::new();
        let rows = vec![
            row(Service::PuppetServer, running()),
            row(Service::FileSync, State::ABSENT),
        ];
        write(&Report::new(rows), colours, &mut table).unwrap();
        String::from_utf8(table).unwrap()
    }

    #[test]
    fn columns_stand_below_each_other() {
        assert_eq!(
            table(Colours::Off),
            "service        server       role    reachable  state       time  expires  replication  memory\n\
             puppet-server  m.test:8140  master  yes        running  0.012 s  -        -            -\n\
             file-sync      m.test:8140  master  yes        absent   0.012 s  -        -            -\n"
        );
    }

    #[test]
    fn colours_take_no_room() {
        let coloured = table(Colours::On);
        assert!(
            coloured.contains("\u{1b}[32mrunning\u{1b}[0m  "),
            "{coloured:?}"
        );
        assert!(
            coloured.contains("\u{1b}[2mabsent \u{1b}[0m  "),
            "{coloured:?}"
        );
    }
}
