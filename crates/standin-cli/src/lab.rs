//! `standin lab`: outages on this machine, for standin and for any other client.

mod client;
mod compare;
mod play;
mod run;
mod serve;

use clap::{Args, Subcommand};

use crate::code::Code;
use crate::failure::Failure;
use crate::streams::Streams;

/// Play outages on this machine, for standin or any other client
///
/// A lab is a master, a replica and what an agent needs to reach them, on loopback addresses, with real TLS; its servers
/// fail as they are told. Linux only.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    Run(run::RunArgs),
    Compare(compare::CompareArgs),
    Serve(serve::ServeArgs),
    Client(client::ClientArgs),
}

/// Does what the sub-command is for.
///
/// # Errors
/// When it cannot; a scenario that fails is none.
pub(crate) async fn run(args: &LabArgs, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    match &args.command {
        LabCommand::Run(args) => run::run(args, streams).await,
        LabCommand::Compare(args) => compare::run(args, streams).await,
        LabCommand::Serve(args) => serve::run(args, streams).await,
        LabCommand::Client(args) => client::run(args, streams).await,
    }
}

const AFTER: &str = "\
Examples:
  What does standin do when the master's packets vanish?
    standin lab run crates/standin-lab/scenarios/black-hole.toml

  The same with a client of your own, and a picture of it
    standin lab run black-hole.toml --client './my-agent --adapter' --report outage.svg

  A lab for tests in another language
    standin lab serve";
