//! `standin lab run`: scenarios, and what a client makes of them.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use standin_lab::scenario::{ClientCommand, Outcome, Report};

use super::play::{self, Named};
use crate::code::Code;
use crate::failure::{Failure, chain};
use crate::streams::Streams;

/// Play scenarios, and say what a client made of them
///
/// Of a single scenario the timeline is printed, of several a line each. Each is played on a lab of its own.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct RunArgs {
    /// Scenarios, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    scenarios: Vec<PathBuf>,
    /// The command line of the client under test instead of standin; what it has to speak is in the documentation of
    /// standin_lab::protocol
    #[arg(long, value_name = "COMMAND")]
    client: Option<String>,
    /// How many are played at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = super::run::jobs)]
    jobs: usize,
    /// Write JSON, an object for each scenario with its timeline
    #[arg(long)]
    json: bool,
    /// Draw a single scenario
    #[arg(long, value_name = "FILE.svg")]
    report: Option<PathBuf>,
}

/// Plays all, and tells.
///
/// # Errors
/// When a file is no scenario, or lab or client cannot be had.
pub(crate) async fn run(args: &RunArgs, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    let scenarios = play::read(&args.scenarios)?;
    if args.report.is_some() && scenarios.len() != 1 {
        let story = "--report draws one scenario; name one";
        return Err(Failure::new(Code::USAGE, story));
    }
    let client = match &args.client {
        None => play::standin()?,
        Some(line) => ClientCommand::new("client", line)
            .ok_or_else(|| Failure::new(Code::USAGE, "--client: there is no command in it"))?,
    };
    let mut tally = Tally::default();
    play::play(&scenarios, &client, args.jobs, |at, result| {
        let report = result.map_err(|error| broken(&scenarios[at], &error))?;
        tally.add(&report.outcome);
        let text = match (args.json, scenarios.len()) {
            (true, _) => json(&report)?,
            (false, 1) => timeline(&report),
            (false, _) => line(&scenarios[at].name, &report),
        };
        streams
            .out
            .write_all(text.as_bytes())
            .and_then(|()| streams.out.flush())
            .map_err(|error| Failure::unwritten("standard output", &error))?;
        if let Some(path) = &args.report {
            std::fs::write(path, report.svg())
                .map_err(|error| Failure::unwritten(&path.display().to_string(), &error))?;
        }
        Ok(())
    })
    .await?;
    if !args.json {
        let last = tally.line(&client.name, scenarios.len());
        writeln!(streams.out, "{last}")
            .map_err(|error| Failure::unwritten("standard output", &error))?;
    }
    Ok(tally.code())
}

/// How many of the scenarios came to what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    passed: usize,
    failed: usize,
    unfit: usize,
}

impl Tally {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Unfit(_) => self.unfit += 1,
        }
    }

    pub(super) fn of(&self, client: &str) -> String {
        let Self {
            passed,
            failed,
            unfit,
        } = self;
        let mut text = format!("{client} {passed} passed, {failed} failed");
        if *unfit > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {unfit} not for it");
        }
        text
    }

    fn line(&self, client: &str, all: usize) -> String {
        format!("{all} scenarios: {}", self.of(client))
    }

    pub(super) fn code(&self) -> Code {
        match self.failed {
            0 => Code::DONE,
            _ => Code::SOME,
        }
    }
}

/// A scenario could not be played.
pub(super) fn broken(named: &Named, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Code::USAGE, format!("{}: {}", named.name, chain(error)))
}

fn json(report: &Report) -> Result<String, Failure> {
    let mut text = serde_json::to_string(report).map_err(|error| Failure::usage(&error))?;
    text.push('\n');
    Ok(text)
}

fn timeline(report: &Report) -> String {
    let mut text = format!("{}\n({})\n\n", report.title, report.source);
    for entry in &report.timeline {
        // As above.
        let _ = writeln!(text, "{entry}");
    }
    text.push('\n');
    text
}

fn line(name: &str, report: &Report) -> String {
    match &report.outcome {
        Outcome::Passed => format!("passed  {name}: {}\n", report.title),
        Outcome::Unfit(why) => format!("not for {}  {name}: {why}\n", report.client),
        Outcome::Failed(missed) => {
            let missed: String = missed
                .iter()
                .map(|why| format!("        {why}\n"))
                .collect();
            format!("FAILED  {name}: {}\n{missed}", report.title)
        }
    }
}

pub(super) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1 on is wanted".to_owned()),
        Ok(number) => Ok(number),
    }
}

const AFTER: &str = "\
Exit codes:
  0  every scenario passed
  1  some failed
  2  command line, a file that is no scenario, or a client that cannot be started";
