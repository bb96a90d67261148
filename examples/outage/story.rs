//! Tells what happened: a timeline for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr, stdout};
use std::time::Duration;

use serde::Serialize;
use standin::Policy;
use standin::policy::Failback;

use crate::phase::Phase;
use crate::tally::{Added, By, Tally};

#[derive(Clone, Copy)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) fn tell(format: Format, policy: &Policy, phases: &[Phase], tally: &Tally) {
    let text = match format {
        Format::Text => text(policy, phases, tally),
        Format::Json => json(policy, phases, tally),
    };
    // A reader that went away does not change what happened.
    let _ = stdout().write_all(text.as_bytes());
}

pub(crate) fn complain(error: &dyn std::error::Error) {
    let mut text = format!("outage: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    let _ = writeln!(stderr(), "{text}");
}

const LANES: [&str; 6] = [
    "puppet-server",
    "classifier",
    "puppetdb",
    "ca",
    "classifier edit",
    "code deploy",
];

fn text(policy: &Policy, phases: &[Phase], tally: &Tally) -> String {
    let paint = Paint::new();
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", policy_line(policy));
    let _ = writeln!(
        text,
        "{} master.test   {} replica.test   {} failed, as it should   each column is half a second\n",
        paint.mark(By::Master, "█"),
        paint.mark(By::Replica, "░"),
        paint.mark(By::Nobody, "×"),
    );
    for (index, phase) in phases.iter().enumerate() {
        let Some((from, to)) = tally.spans.get(&index).copied() else {
            continue;
        };
        let _ = writeln!(
            text,
            "{:>5.1} s  {}",
            from.as_secs_f64(),
            paint.bold(phase.name)
        );
        for lane in LANES {
            let Some(service) = tally.services.get(&(index, lane)) else {
                continue;
            };
            let marks = lane_marks(tally, lane, from, to, &paint);
            let mut told: Vec<String> = service
                .answered_by
                .iter()
                .map(|(host, count)| format!("{count} by {}", short(host)))
                .collect();
            let refused = service.refused_in.iter().max();
            told.extend(refused.map(|took| {
                format!(
                    "not during failover, said in {:.1} ms",
                    took.as_secs_f64() * 1e3
                )
            }));
            let added = service.added().map_or_else(String::new, |added| {
                format!(
                    "waited {:.1} ms first, {:.1} ms median, {:.0} ms most",
                    added.first, added.p50, added.max
                )
            });
            let _ = writeln!(
                text,
                "         {lane:<16}{marks}  {:<30} {added}",
                told.join(", ")
            );
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{} requests", tally.requests);
    for (title, list) in [
        ("failed that should work", &tally.failed_that_should_work),
        ("worked that should fail", &tally.worked_that_should_fail),
        (
            "writes at the replica that should not be there",
            &tally.writes_at_replica_that_should_not,
        ),
    ] {
        let _ = writeln!(text, "{:>5}  {title}", list.len());
        for line in list {
            let _ = writeln!(text, "       {line}");
        }
    }
    text
}

fn policy_line(policy: &Policy) -> String {
    let Failback::Hysteresis(back) = &policy.failback else {
        return "policy: defaults".into();
    };
    let (connect, patience) = (&policy.connect, &policy.patience);
    format!(
        "policy   head start {:?}, preference {:?}, connect limit {:?}, deadline {:?} (catalog {:?})\n         \
         patience {:?}, then silent for {:?} (catalog {:?})\n         \
         failback after {} good probes and {:?} (default 30 s), spread {:?} (default 5 min)",
        connect.head_start,
        connect.preference,
        connect.limit,
        policy.deadline.cheap,
        policy.deadline.long,
        patience.after,
        patience.silence,
        patience.silence_long,
        back.good,
        back.dwell,
        back.spread,
    )
}

/// A lane of the picture: who answered in each half second, the replica shown where both did.
fn lane_marks(tally: &Tally, lane: &str, from: Duration, to: Duration, paint: &Paint) -> String {
    const COLUMN: Duration = Duration::from_millis(500);
    let column = |at: Duration| (at.saturating_sub(from).as_millis() / COLUMN.as_millis()) as usize;
    let mut columns: Vec<Option<By>> = vec![None; column(to) + 1];
    for mark in &tally.marks {
        if mark.service == lane && mark.at >= from && mark.at <= to {
            let cell = &mut columns[column(mark.at)];
            *cell = match (*cell, mark.by) {
                (Some(By::Nobody), _) | (_, By::Nobody) => Some(By::Nobody),
                (Some(By::Replica), _) | (_, By::Replica) => Some(By::Replica),
                (_, By::Master) => Some(By::Master),
            };
        }
    }
    const WIDTH: usize = 40;
    let mut lane = String::new();
    for cell in columns.iter().take(WIDTH) {
        lane.push_str(&match cell {
            None => " ".into(),
            Some(By::Master) => paint.mark(By::Master, "█"),
            Some(By::Replica) => paint.mark(By::Replica, "░"),
            Some(By::Nobody) => paint.mark(By::Nobody, "×"),
        });
    }
    lane.push_str(&" ".repeat(WIDTH.saturating_sub(columns.len())));
    lane
}

fn short(host: &str) -> &str {
    host.split('.').next().unwrap_or(host)
}

/// Colours, where they are wanted: a terminal, and `NO_COLOR` not set.
enum Paint {
    Colours,
    Plain,
}

impl Paint {
    fn new() -> Self {
        match stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            true => Self::Colours,
            false => Self::Plain,
        }
    }

    fn mark(&self, by: By, text: &str) -> String {
        let code = match by {
            By::Master => "32",
            By::Replica => "33",
            By::Nobody => "31",
        };
        self.wrap(code, text)
    }

    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(&self, code: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.into(),
        }
    }
}

#[derive(Serialize)]
struct Story<'a> {
    policy: &'a Policy,
    phases: Vec<PhaseStory<'a>>,
    requests: usize,
    failed_that_should_work: usize,
    worked_that_should_fail: usize,
    writes_at_replica_that_should_not: usize,
    stories: Vec<&'a String>,
}

#[derive(Serialize)]
struct PhaseStory<'a> {
    name: &'a str,
    fault: String,
    services: BTreeMap<&'a str, ServiceStory<'a>>,
}

#[derive(Serialize)]
struct ServiceStory<'a> {
    answered_by: &'a BTreeMap<String, usize>,
    added_ms: Option<Added>,
    not_during_failover: usize,
}

fn json(policy: &Policy, phases: &[Phase], tally: &Tally) -> String {
    let phases = phases.iter().enumerate().map(|(index, phase)| {
        let services = LANES.into_iter().filter_map(|lane| {
            let service = tally.services.get(&(index, lane))?;
            let story = ServiceStory {
                answered_by: &service.answered_by,
                added_ms: service.added(),
                not_during_failover: service.refused_in.len(),
            };
            Some((lane, story))
        });
        PhaseStory {
            name: phase.name,
            fault: match &phase.fault {
                Some((target, fault)) => format!("{fault:?} at {target:?}"),
                None => "none".into(),
            },
            services: services.collect(),
        }
    });
    let story = Story {
        policy,
        phases: phases.collect(),
        requests: tally.requests,
        failed_that_should_work: tally.failed_that_should_work.len(),
        worked_that_should_fail: tally.worked_that_should_fail.len(),
        writes_at_replica_that_should_not: tally.writes_at_replica_that_should_not.len(),
        stories: tally
            .failed_that_should_work
            .iter()
            .chain(&tally.worked_that_should_fail)
            .chain(&tally.writes_at_replica_that_should_not)
            .collect(),
    };
    match serde_json::to_string_pretty(&story) {
        Ok(text) => text + "\n",
        Err(error) => format!("{{\"error\":\"{error}\"}}\n"),
    }
}
