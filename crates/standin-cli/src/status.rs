//! `standin status`: how every service is at every server.

mod ask;
mod report;
mod state;

use std::io;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::access::Access;
use crate::cli::Common;
use crate::code::Code;
use crate::failure::Failure;
use crate::seconds::seconds;
use crate::streams::Streams;

use ask::Question;
use report::Report;

/// Show how every service is at every server
///
/// All servers of the settings are asked at once, each for the status of each service that is to be
/// there. The console is left out, for it has no status to ask for.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct StatusArgs {
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    /// How long all of it may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    deadline: Duration,
}

/// Asks, and writes what is answered.
///
/// # Errors
/// When the settings make no client, or the report cannot be written.
pub(crate) async fn run(
    args: &StatusArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let Access {
        client,
        installation,
    } = Access::open(common, streams)?;
    let until = Instant::now() + args.deadline;
    let questions = installation
        .lists()
        .flat_map(|(service, list)| list.entries().iter().map(move |entry| (service, entry)))
        .filter(|(service, _)| !service.status_names().is_empty())
        .map(|(service, entry)| Question::new(service, entry, args.deadline));
    let asked = join_all(questions.map(|question| question.ask(&client, until))).await;
    let report = Report::new(asked);
    for row in &report.services {
        if let Some(detail) = &row.detail {
            let (service, server, role) = (row.service, &row.server, row.role);
            streams.mention(format_args!("{service} at {server} ({role}): {detail}"));
        }
    }
    let written = match args.json {
        true => report.write_json(streams.out),
        false => report.write_table(streams.out),
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::unwritten("standard output", &error))
        }
        _ => Ok(report.code()),
    }
}

const AFTER: &str = "\
States:
  running, starting, stopping, error, unknown
            what the server says of the service
  refused, connecting timed out, not trusted ...
            the server was not reached, or did not answer; -v says why
  inactive  a replica's copy that works only once the replica is promoted; not counted
  absent    the server answers and has no such service; not counted

Exit codes:
   0  everything that counts is running
   1  some of it is not
   2  nothing is running; also command line or settings, which standard error tells

Examples:
  Is everything well, at the master and at the replica?
    standin status

  The servers where PuppetDB does not run, for a script:
    standin status --json | jq -r '.services[] | select(.service == \"puppetdb\"
      and .state != \"running\") | .server'";
