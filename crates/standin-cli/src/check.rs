//! `standin check`: what will hurt in an outage.

mod facts;
mod report;
mod visit;

use std::time::Duration;

use clap::Args;
use standin::config::check::{self, Limits, Rule, Severity};
use standin::config::{SettingsFault, Survey};

pub(crate) use facts::now;

use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::seconds::seconds_or_minutes;
use crate::streams::Streams;

/// Find what will hurt in an outage, before there is one
///
/// Reads the settings, certificates and revocation lists of this machine, and looks up the names in
/// them as Puppet would. No server is asked unless --online is given. Each finding has its file and
/// line, why it matters in an outage, and what to do.
#[derive(Args, Debug)]
#[command(after_long_help = after())]
pub(crate) struct CheckArgs {
    /// Connect to each server too: its certificate, its name in it, and its clock
    #[arg(long)]
    online: bool,
    /// Do not even look up names, as for the settings of another machine
    #[arg(long, conflicts_with = "online")]
    offline: bool,
    /// How long the load balancer before the compile masters waits
    #[arg(long, value_name = "SECONDS|MINUTESm", value_parser = seconds_or_minutes, default_value = "4m")]
    load_balancer_timeout: Duration,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// How far the check goes beyond this machine's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Files,
    Names,
    Servers,
}

/// Checks, and writes what was found.
///
/// # Errors
/// When there are no settings to check, or the report cannot be written.
pub(crate) async fn run(
    args: &CheckArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let report = match Survey::read(&common.sources()?) {
        Ok(survey) => {
            let names = common.names();
            let facts = facts::gather(&survey.settings, &names, args.reach(), streams).await;
            let mut limits = Limits::default();
            limits.load_balancer = args.load_balancer_timeout;
            limits.policy = standin::policy_of(&survey.settings);
            check::check(&survey, &facts, &limits)
        }
        // A misspelt directory is no finding about an installation.
        Err(error) if matches!(error.fault(), SettingsFault::NoConfDir) => {
            return Err(Failure::usage(&error));
        }
        Err(error) => check::unreadable(&error),
    };
    written(match args.json {
        true => report::write_json(&report, streams.out),
        false => report::write_text(&report, streams.out),
    })?;
    Ok(code(&report))
}

impl CheckArgs {
    const fn reach(&self) -> Reach {
        match (self.offline, self.online) {
            (true, _) => Reach::Files,
            (false, false) => Reach::Names,
            (false, true) => Reach::Servers,
        }
    }
}

fn code(report: &check::Report) -> Code {
    match (
        report.count(Severity::Error),
        report.count(Severity::Warning),
    ) {
        (0, 0) => Code::DONE,
        (0, _) => Code::WARNED,
        _ => Code::FAULTY,
    }
}

fn after() -> String {
    let width = Rule::ALL
        .iter()
        .map(|rule| rule.id().len())
        .max()
        .unwrap_or_default();
    let of = |severity| {
        let rules = Rule::ALL
            .iter()
            .filter(move |rule| rule.severity() == severity);
        rules
            .map(|rule| format!("  {:width$}  {}\n", rule.id(), rule.summary()))
            .collect::<String>()
    };
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(of);
    format!(
        "\
Errors, which are broken now or will be once a host is lost:
{errors}
Warnings, which will be felt in an outage:
{warnings}
Notes, which were assumed:
{notes}
{AFTER}"
    )
}

const AFTER: &str = "\
JSON:
  errors, warnings, notes   how many there are
  findings                  a list of rule (one of the above, which do not change), severity,
                            file, line, what, why and fix; file and line are null for what is in
                            none

Exit codes:
   0  nothing, or notes only
   1  warnings
   2  errors; also command line or settings directory, which standard error tells

Examples:
  What will hurt when the master is lost?
    standin check

  The same before a load balancer that waits two minutes, the servers included:
    standin check --online --load-balancer-timeout 2m

  The rules that a machine breaks, for a script:
    standin check --json | jq -r '.findings[].rule'";
