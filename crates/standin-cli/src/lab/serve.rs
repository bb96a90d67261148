//! `standin lab serve`: a lab for tests in any language.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use standin_lab::control::Control;
use standin_lab::{Lab, LabError};

use crate::code::Code;
use crate::failure::Failure;
use crate::streams::Streams;

/// Keep a lab up, and do with it what is asked over HTTP
///
/// The first line on standard output is an object with `control`, the address to ask, and where everything is. The lab
/// ends with Ctrl-C or with the end of standard input, so that it does not outlive the test that started it.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct ServeArgs {
    /// Where to listen for what to do; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The agent whose certificate and settings are made
    #[arg(long, value_name = "NAME", default_value = "agent.test")]
    agent: String,
}

/// Serves until it is to end.
///
/// # Errors
/// When there can be no lab, or the address cannot be had.
pub(crate) async fn run(args: &ServeArgs, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    let unstarted =
        |error: LabError| Failure::caused(Code::NOBODY, "there can be no lab here", &error);
    let lab = Lab::builder()
        .agent(&args.agent)
        .start()
        .await
        .map_err(unstarted)?;
    let lab = Arc::new(lab);
    let control = Control::start(Arc::clone(&lab), args.listen)
        .await
        .map_err(|error| {
            let story = format!("--listen {} cannot be had", args.listen);
            Failure::caused(Code::USAGE, &story, &error)
        })?;
    let hosts = lab.resolve().into_iter();
    let hosts: serde_json::Map<_, _> = hosts
        .map(|(name, address)| (name, json!(address)))
        .collect();
    let first = json!({
        "control": format!("http://{}", control.address()),
        "confdir": lab.conf_dir(),
        "ssldir": lab.ssl_dir(),
        "hosts": hosts,
    });
    writeln!(streams.out, "{first}")
        .and_then(|()| streams.out.flush())
        .map_err(|error| Failure::unwritten("standard output", &error))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = end_of_input() => {}
    }
    Ok(Code::DONE)
}

async fn end_of_input() {
    // What cannot be read has ended.
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
}

const AFTER: &str = "\
Example:
  standin lab serve &           # {\"control\":\"http://127.0.0.1:40001\",\"confdir\":...}
  curl -X POST http://127.0.0.1:40001/v1/faults \\
    -d '{\"host\":\"master.test\",\"service\":\"puppetdb\",\"what\":\"black-hole\"}'
  curl http://127.0.0.1:40001/v1/journal

Everything that can be asked for is in the documentation of standin_lab::control.";
