//! `standin lab compare`: standin and other clients in the same outages, side by side.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use standin_lab::scenario::{ClientCommand, Event, Outcome, Report};

use super::play;
use super::run::{Tally, broken, jobs};
use crate::code::Code;
use crate::failure::Failure;
use crate::streams::Streams;

/// Play scenarios with standin and with other clients, and print a table of what each made of them
///
/// The table is Markdown. The time in it is that of the slowest request.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct CompareArgs {
    /// Scenarios, or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    scenarios: Vec<PathBuf>,
    /// A client to compare with, and its command line; may be given again
    #[arg(long, value_name = "NAME=COMMAND", value_parser = other)]
    client: Vec<ClientCommand>,
    /// How many are played at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = jobs)]
    jobs: usize,
}

/// Plays all with each, and prints the table.
///
/// # Errors
/// When a file is no scenario, or lab or client cannot be had.
pub(crate) async fn run(args: &CompareArgs, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    let scenarios = play::read(&args.scenarios)?;
    let mut clients = vec![play::standin()?];
    clients.extend(args.client.iter().cloned());
    let mut results: Vec<Vec<Option<Report>>> = Vec::new();
    for client in &clients {
        let mut reports: Vec<Option<Report>> = scenarios.iter().map(|_| None).collect();
        play::play(&scenarios, client, args.jobs, |at, result| {
            let report = result.map_err(|error| broken(&scenarios[at], &error))?;
            streams.mention(format_args!(
                "{}: {}: {}",
                client.name,
                scenarios[at].name,
                cell(&report)
            ));
            reports[at] = Some(report);
            Ok(())
        })
        .await?;
        results.push(reports);
    }

    let mut table = String::from("| scenario | source |");
    for client in &clients {
        // Writing to a string cannot fail.
        let _ = write!(table, " {} |", client.name);
    }
    table.push_str("\n|---|---|");
    table.push_str(&"---|".repeat(clients.len()));
    table.push('\n');
    for (at, named) in scenarios.iter().enumerate() {
        let _ = write!(
            table,
            "| {} | {} |",
            named.scenario.title, named.scenario.source
        );
        for reports in &results {
            let _ = write!(
                table,
                " {} |",
                reports[at].as_ref().map(cell).unwrap_or_default()
            );
        }
        table.push('\n');
    }
    let mut tallies = Vec::new();
    for reports in &results {
        let mut tally = Tally::default();
        reports
            .iter()
            .flatten()
            .for_each(|report| tally.add(&report.outcome));
        tallies.push(tally);
    }
    let told = clients
        .iter()
        .zip(&tallies)
        .map(|(client, tally)| tally.of(&client.name));
    let told = told.collect::<Vec<_>>().join("; ");
    writeln!(
        streams.out,
        "{table}\n{} scenarios: {told}",
        scenarios.len()
    )
    .map_err(|error| Failure::unwritten("standard output", &error))?;
    Ok(tallies.first().map_or(Code::DONE, Tally::code))
}

fn cell(report: &Report) -> String {
    let took = |event: &Event| match event {
        Event::Answered { took, .. } | Event::Failed { took, .. } => Some(*took),
        _ => None,
    };
    let slowest = report
        .timeline
        .iter()
        .filter_map(|entry| took(&entry.event))
        .max();
    let slowest = slowest.unwrap_or_default().as_secs_f64();
    match &report.outcome {
        Outcome::Passed => format!("passed, {slowest:.2} s"),
        Outcome::Failed(missed) => {
            let first = missed.first().map_or("", String::as_str);
            format!("**failed**: {}", first.replace('|', "\\|"))
        }
        Outcome::Unfit(_) => "-".to_owned(),
    }
}

fn other(text: &str) -> Result<ClientCommand, String> {
    text.split_once('=')
        .and_then(|(name, line)| ClientCommand::new(name, line))
        .ok_or_else(|| "write NAME=COMMAND".to_owned())
}

const AFTER: &str = "\
Exit codes:
  0  standin passed every scenario, whatever the others did
  1  standin failed some
  2  command line, a file that is no scenario, or a client that cannot be started";
