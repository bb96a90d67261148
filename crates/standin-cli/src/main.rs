//! The `standin` command: one request by way of master and replica, the status of all servers, an
//! association with a PCP broker, or a check of the settings.
//!
//! `standin --help` says how it is used. Where Puppet and curl have an option already, it is called
//! and written as there.
//!
//! # Map
//!
//! In reading order:
//!
//! - `cli`: the command line, with `resolve` and `seconds`, which read a value each.
//! - `access`: Puppet's settings, and the client made of them; `steps`: what `-v` says as it happens.
//! - `request`: `standin request`, with its `args`, `data`, `header`,
//!   `prefer` and `output`.
//! - `status`: `standin status`; to `ask` each server gives a `finding`, which makes a `state` and rows of
//!   a `report`, with what the `memory` has; `table` is how people see it.
//! - `watch`: `standin watch`; a `model` of what is known, the `screen` that shows it, and `keys`.
//! - `agent_run`: `standin run`; its `facts`, an `errand` for each request, what the `catalog` asks for, the
//!   `report`, and the `story`.
//! - `broker`: `standin broker`; a `line` for each event, and why a broker was `chosen`.
//! - `check`: `standin check`; the `facts` it judges by, a `visit` to each server, and a `report`.
//! - `lab`: `standin lab`; to `run` and `compare` scenarios, to `serve` a lab, to be its `client`.
//! - `memory`, `explain`: what is remembered, and why a setting has its value.
//! - `packaging`: completions and man pages.
//! - `code`, `failure`, `streams`, `progress`, `paint`, `prose`, `day`: how it ends, what it says and how that looks.

mod access;
mod agent_run;
mod broker;
mod check;
mod cli;
mod code;
mod day;
mod explain;
mod failure;
mod lab;
mod memory;
mod packaging;
mod paint;
mod progress;
mod prose;
mod request;
mod resolve;
mod seconds;
mod status;
mod steps;
mod streams;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command};
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::steps::Head;
use crate::streams::Streams;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(stop) => return ExitCode::from(stopped(&stop).number()),
    };
    // Not locked, for what the library does is said there too.
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        verbosity: cli.common.verbosity(),
    };
    let code = run(&cli, &mut streams).unwrap_or_else(|failure| {
        streams.say(format_args!("standin: {failure}"));
        failure.code()
    });
    ExitCode::from(code.number())
}

/// Shows help or the version, or says what is wrong with the command line.
fn stopped(stop: &clap::Error) -> Code {
    if !stop.use_stderr() {
        // Whoever asked for help and closed the pipe has read enough.
        let _ = stop.print();
        return Code::DONE;
    }
    if stop.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = stop.print();
        return Code::USAGE;
    }
    let story = stop.render().to_string();
    let story = story.strip_prefix("error: ").unwrap_or(&story);
    let _ = write!(io::stderr(), "standin: {story}");
    Code::USAGE
}

fn run(cli: &Cli, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::caused(Code::NOBODY, "this machine gives no means to wait", &error)
        })?;
    let _steps = steps::follow(cli.common.verbosity(), Head::default());
    let result = runtime.block_on(async {
        match &cli.command {
            Command::Request(args) => request::run(args, &cli.common, streams).await,
            Command::Status(args) => status::run(args, &cli.common, streams).await,
            Command::Broker(args) => broker::run(args, &cli.common, streams).await,
            Command::Check(args) => check::run(args, &cli.common, streams).await,
            Command::Lab(args) => lab::run(args, streams).await,
            Command::Run(args) => agent_run::run(args, &cli.common, streams).await,
            Command::Watch(args) => watch::run(args, &cli.common, streams).await,
            Command::Memory(args) => memory::run(args, &cli.common, streams),
            Command::Explain(args) => explain::run(args, &cli.common, streams),
            Command::Completions(args) => packaging::completions(args, streams),
            Command::Man(args) => packaging::man(args),
        }
    });
    // Not dropped, for that would wait for a resolver that hangs.
    runtime.shutdown_background();
    let flushed = written(streams.out.flush());
    result.and_then(|code| flushed.map(|()| code))
}
