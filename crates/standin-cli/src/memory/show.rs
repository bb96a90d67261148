//! A memory, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use standin_core::WallTime;
use standin_core::memory::{Held, Lost, Memory, Met, Recollection, Took};

/// # Errors
/// When it cannot be written.
pub(super) fn json(path: &Path, memory: &Memory, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Shown<'a> {
        file: &'a Path,
        agents: &'a BTreeMap<String, Recollection>,
    }
    let agents = &memory.agents;
    serde_json::to_writer_pretty(&mut *out, &Shown { file: path, agents })?;
    writeln!(out)
}

/// # Errors
/// When it cannot be written.
pub(super) fn text(
    path: &Path,
    memory: &Memory,
    now: WallTime,
    out: &mut dyn Write,
) -> io::Result<()> {
    let path = path.display();
    if memory.agents.is_empty() {
        return writeln!(out, "{path}: nothing is remembered");
    }
    writeln!(out, "{path}")?;
    for (certname, known) in &memory.agents {
        writeln!(out, "\n{certname}")?;
        let classes = known.classes.iter();
        section(
            out,
            "Who holds what",
            classes.map(|(class, held)| (class, holder(held, now))),
        )?;
        let servers = known.servers.iter();
        section(
            out,
            "Servers",
            servers.map(|(server, met)| (server, meeting(met, now))),
        )?;
        let usual = known.usual.iter();
        section(
            out,
            "Usual times",
            usual.map(|(operation, took)| (operation, times(took, now))),
        )?;
    }
    Ok(())
}

fn section<'a>(
    out: &mut dyn Write,
    title: &str,
    lines: impl Iterator<Item = (&'a String, String)>,
) -> io::Result<()> {
    let lines: Vec<_> = lines.collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max();
    let Some(width) = width else {
        return Ok(());
    };
    writeln!(out, "  {title}:")?;
    for (name, story) in lines {
        writeln!(out, "    {name:width$}  {story}")?;
    }
    Ok(())
}

fn holder(held: &Held, now: WallTime) -> String {
    let before = held.before.iter().map(|(server, lost)| {
        let Lost {
            down_since,
            good_since,
            stuck,
        } = lost;
        let down = format!("{server} lost it {}", ago(*down_since, now));
        let stuck = if *stuck { ", its work was silent" } else { "" };
        let good = match good_since {
            Some(since) => format!(", it was well again {}", ago(*since, now)),
            None => String::new(),
        };
        format!("; {down}{stuck}{good}")
    });
    let before: String = before.collect();
    format!("{}, seen {}{before}", held.holder, ago(held.at, now))
}

fn meeting(met: &Met, now: WallTime) -> String {
    let word = if met.doubted { "doubted" } else { "well" };
    let connects = match met.connects_in_micros {
        0 => String::new(),
        micros => format!(", connects in {:.3} s", f64::from(micros) / 1e6),
    };
    format!("{word}{connects}, seen {}", ago(met.at, now))
}

fn times(took: &Took, now: WallTime) -> String {
    let count = took.millis.len();
    let longest = took.millis.iter().max().copied().unwrap_or_default();
    let longest = f64::from(longest) / 1e3;
    format!(
        "{longest:.3} s at most in the last {count}, the last {}",
        ago(took.at, now)
    )
}

fn ago(then: WallTime, now: WallTime) -> String {
    let age = then.age(now).unwrap_or(Duration::ZERO).as_secs();
    match age {
        0..120 => format!("{age} s ago"),
        120..7200 => format!("{} min ago", age / 60),
        7200..172_800 => format!("{} h ago", age / 3600),
        _ => format!("{} days ago", age / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_the_largest_unit_of_which_there_are_two() {
        let now = WallTime::from_millis(1_000_000_000);
        let age = |seconds: u64| ago(WallTime::from_millis(1_000_000_000 - seconds * 1000), now);
        assert_eq!(age(0), "0 s ago");
        assert_eq!(age(119), "119 s ago");
        assert_eq!(age(120), "2 min ago");
        assert_eq!(age(7200), "2 h ago");
        assert_eq!(age(172_800), "2 days ago");
    }
}
