//! `standin completions` and `standin man`: what a package of the command brings along.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::streams::Streams;

/// Write what a shell needs to complete this command
#[derive(Args, Debug)]
#[command(after_long_help = COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Write a man page for each command
#[derive(Args, Debug)]
#[command(after_long_help = MAN)]
pub(crate) struct ManArgs {
    /// Where they go; it is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the completions.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn completions(
    args: &CompletionsArgs,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "standin", &mut text);
    written(streams.out.write_all(&text))?;
    Ok(Code::DONE)
}

/// Writes the pages.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn man(args: &ManArgs) -> Result<Code, Failure> {
    let dir = &args.dir;
    fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|error| {
            let story = format!("{}: man pages cannot be written there", dir.display());
            Failure::caused(Code::UNWRITTEN, &story, &error)
        })?;
    Ok(Code::DONE)
}

const COMPLETIONS: &str = "\
Examples:
  In this bash:
    source <(standin completions bash)

  In every zsh:
    standin completions zsh > /usr/local/share/zsh/site-functions/_standin";

const MAN: &str = "\
Examples:
    standin man /usr/local/share/man/man1
    man standin-request";
