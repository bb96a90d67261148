//! `standin memory`: what agents of this machine remember, and how to make them forget it.

mod show;

use clap::{Args, Subcommand};
use standin::{MemoryFile, policy_of};
use standin_net::Clock;

use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::streams::Streams;

/// Show what agents of this machine remember, or make them forget it
///
/// Agents leave to the next run who holds each service, which servers to doubt, and how long work
/// usually takes. The file is standin.json in Puppet's statedir.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct MemoryArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum What {
    /// Show it, as far as it is not too old to count
    Show {
        /// Write JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Forget what all agents remember; one that is running keeps what it knows
    Clear,
}

/// Shows or forgets.
///
/// # Errors
/// When there are no settings, or the file cannot be used.
pub(crate) fn run(
    args: &MemoryArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let settings = common.settings(streams)?;
    let puppet = &settings.puppet;
    let lasts = policy_of(&settings).memory;
    let path = puppet.dirs.statedir.join(MemoryFile::NAME);
    let file = MemoryFile::new(&path, &puppet.certname, lasts.clone());
    match args.what {
        What::Show { json } => {
            let mut memory = file.load().map_err(|error| Failure::usage(&error))?;
            let now = Clock::start().wall();
            memory.prune(now, &lasts);
            written(match json {
                true => show::json(&path, &memory, streams.out),
                false => show::text(&path, &memory, now, streams.out),
            })?;
        }
        What::Clear => {
            file.clear().map_err(|error| Failure::usage(&error))?;
            let path = path.display();
            written(writeln!(streams.out, "{path}: nothing is remembered"))?;
        }
    }
    Ok(Code::DONE)
}

const AFTER: &str = "\
Exit codes:
   0  shown or forgotten
   1  it cannot be written to standard output
   2  command line or settings, or the file cannot be used

Examples:
  Why does this agent turn to the replica first?
    standin memory show

  Begin anew with the master, once it is mended:
    standin memory clear";
