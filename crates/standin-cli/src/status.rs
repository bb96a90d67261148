//! `standin status`: how every service is at every server.

mod ask;
mod finding;
mod memory;
mod report;
mod state;
mod table;

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use crate::access::Access;
use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::paint::Colours;
use crate::seconds::seconds;
use crate::streams::Streams;

pub(crate) use ask::{Asker, Found, Question, questions};
pub(crate) use memory::worse;
pub(crate) use state::{Counts, State};

use memory::Remembered;
use report::{Report, Row};

/// Show how every service is at every server
///
/// All servers of the settings are asked at once for the status of the services that are to be there.
/// The console is left out, for it has no status to ask for.
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
    let access = Access::open(common, streams)?;
    let asker = Asker {
        connector: common.connector(&access.settings)?,
        connect: access.client.policy().connect.limit,
    };
    let until = Instant::now() + args.deadline;
    let questions = questions(&access.installation()?);
    let snapshot = access.client.snapshot();
    let remembered = Remembered::of(&snapshot);
    let found = asker.ask_all(questions, until, streams.verbosity).await;
    let rows = found.into_iter().map(|found| Row::new(found, &remembered));
    let report = Report::new(rows.collect());
    for row in &report.services {
        if let Some(detail) = &row.detail {
            let (service, server, role) = (row.service, &row.server, row.role);
            streams.mention(format_args!("* {service} at {server} ({role}): {detail}"));
        }
    }
    written(match args.json {
        true => report.write_json(streams.out),
        false => table::write(&report, Colours::of_standard_output(), streams.out),
    })?;
    Ok(report.code())
}

const AFTER: &str = "\
Columns:
  reachable    whether the server answered at all
  state        running, starting, stopping, error, unknown
                         what the server says of the service
               refused, connecting timed out, not trusted ...
                         the server was not reached, or did not answer; -v says why
               inactive  a replica's copy that works only once the replica is promoted; not counted
               absent    the server answers and has no such service; not counted
  time         how long it took to find out
  expires      the last day of the certificate that the server shows
  replication  replication.mode: how the service says that its host replicates
  memory       the health that the next agent here begins with, from what the last ones learned, and
               who holds the service for it

JSON:
  running, expected   how many services run at servers, and how many are to
  services            a list of service, server, role, reachable, state, seconds, certificate_not_after,
                      replication_mode, memory (state, holder, down_for in seconds) and detail

Exit codes:
   0  everything that counts is running
   1  some of it is not, and each service runs at some server
   2  a service runs nowhere; also command line or settings, which standard error tells

Colours are for terminals, and none with NO_COLOR.

Examples:
  Is everything well, at the master and at the replica?
    standin status

  The servers where PuppetDB does not run, for a script:
    standin status --json | jq -r '.services[] | select(.service == \"puppetdb\"
      and .state != \"running\") | .server'

  The same of an installation that this machine is no part of:
    standin status --master master.example.com --replica replica.example.com";
