//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use standin::{Server, Service};

use crate::agent_run::RunArgs;
use crate::broker::BrokerArgs;
use crate::check::CheckArgs;
use crate::explain::ExplainArgs;
use crate::lab::LabArgs;
use crate::memory::MemoryArgs;
use crate::packaging::{CompletionsArgs, ManArgs};
use crate::request::RequestArgs;
use crate::resolve::Resolve;
use crate::status::StatusArgs;
use crate::streams::Verbosity;
use crate::watch::WatchArgs;

/// Asks Puppet Enterprise as an agent should: the master first, its replica when it must.
///
/// The servers, the certificates and the certname are those of Puppet's own settings files on this
/// machine. What only the master may do is never sent to the replica, and what would do harm twice
/// is never sent twice.
#[derive(Debug, Parser)]
#[command(name = "standin", version, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Request(RequestArgs),
    Status(StatusArgs),
    Run(RunArgs),
    Watch(WatchArgs),
    Broker(BrokerArgs),
    Check(CheckArgs),
    Lab(LabArgs),
    Memory(MemoryArgs),
    Explain(ExplainArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// The directory of puppet.conf, as Puppet's option of that name
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "DIR")]
    pub(crate) confdir: Option<String>,
    /// The directory of certificates and keys, as Puppet's
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "DIR")]
    pub(crate) ssldir: Option<String>,
    /// The name of the agent, whose certificate is used, as Puppet's
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "NAME")]
    pub(crate) certname: Option<String>,
    /// The servers in order, with commas between, as Puppet's: HOST or HOST:PORT
    #[arg(long = "server_list", global = true, help_heading = INSTALLATION, value_name = "LIST")]
    pub(crate) server_list: Option<String>,
    /// A file of Puppet Enterprise's parameters, from its classifier (JSON) or Hiera (YAML), for what
    /// the settings here do not say
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "FILE")]
    pub(crate) parameters: Vec<PathBuf>,
    /// The primary master, instead of all that the settings say of servers; the port is Puppet
    /// Server's, and its other services are at Puppet Enterprise's ports
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "HOST[:PORT]", value_parser = host)]
    pub(crate) master: Option<Server>,
    /// The replica of --master
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "HOST[:PORT]", value_parser = host)]
    pub(crate) replica: Option<Server>,
    /// Addresses to use for a host instead of DNS, as curl's, with commas between and IPv6 in brackets;
    /// at every port without PORT
    #[arg(long, global = true, help_heading = INSTALLATION, value_name = "HOST[:PORT]:ADDRESS")]
    pub(crate) resolve: Vec<Resolve>,
    /// Say on standard error what was assumed, tried and answered
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Common {
    pub(crate) const fn verbosity(&self) -> Verbosity {
        match self.verbose {
            true => Verbosity::Everything,
            false => Verbosity::Failures,
        }
    }
}

/// Puppet Server's, unless it says another port.
fn host(text: &str) -> Result<Server, String> {
    Server::parse(text, Service::PuppetServer.port()).map_err(|error| error.to_string())
}

const INSTALLATION: &str = "Installation";

const EXAMPLES: &str = "\
Examples:
  Which classes does this node get, and who says so?
    standin request -v classifier POST /classifier-api/v1/classified/nodes/$(hostname -f) -d '{}'

  Is everything well, at the master and at the replica?
    standin status

  Would a run of this agent succeed now, and who would serve it?
    standin run

  Which PCP broker does the agent of this machine have to choose, and why?
    standin broker --for 5

  What will hurt when the master is lost?
    standin check

  Why does this agent turn to the replica first?
    standin memory show";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
