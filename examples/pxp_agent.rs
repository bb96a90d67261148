//! A small PXP agent: it answers `ping` and a blocking request, whichever broker it is associated with.
//!
//! `cargo run --example pxp_agent -- [--confdir DIR] [--resolve HOST:ADDRESS]...`
//!
//! Its brokers, certname and TLS files are those of Puppet's settings. What happens to its association
//! goes to standard output, a line of JSON each. It ends with SIGINT or SIGTERM, in good order.

#![allow(clippy::print_stdout, reason = "an example shows what happens")]
#![allow(clippy::print_stderr, reason = "and what goes wrong")]

#[path = "pxp_agent/actions.rs"]
mod actions;

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use standin::config::{Defaults, Settings, Sources};
use standin_core::Service;
use standin_net::{Connector, MemoryFile, Names, Tls};
use standin_pcp::{Broker, Events, Message, Options, Outcome};
use tokio::signal::unix::{SignalKind, signal};

/// A small PXP agent.
#[derive(Parser)]
struct Arguments {
    /// Puppet's configuration directory, in place of this user's own.
    #[arg(long)]
    confdir: Option<PathBuf>,
    /// The address of a host, as HOST:ADDRESS, in place of what the resolver says.
    #[arg(long, value_parser = resolve)]
    resolve: Vec<(String, IpAddr)>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let sources = match arguments.confdir {
        Some(confdir) => Sources::new(confdir, Defaults::of_this_machine()?),
        None => Sources::of_this_machine()?,
    };
    let mut broker = connect(&Settings::read(&sources)?, arguments.resolve)?;
    tokio::spawn(tell(broker.events()));
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            Some(request) = broker.next() => {
                if let Some(answer) = actions::answer(&request) {
                    let outcome = broker.send(answer);
                    tokio::spawn(async move { complain(&request, &outcome.await) });
                }
            }
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
        }
    }
    broker.close().await;
    Ok(())
}

fn connect(
    settings: &Settings,
    addresses: Vec<(String, IpAddr)>,
) -> Result<Broker, Box<dyn Error>> {
    let puppet = &settings.puppet;
    let installation = settings.installation()?;
    let list = installation.list(Service::PcpBroker);
    let list = list.ok_or("no broker is configured; name them in broker-ws-uris")?;
    let names = Names::new();
    let names = addresses
        .into_iter()
        .fold(names, |names, (host, address)| names.with(&host, address));
    let policy = standin::policy_of(settings);
    let memory = puppet.dirs.statedir.join(MemoryFile::NAME);
    let memory = MemoryFile::new(&memory, &puppet.certname, policy.memory.clone());
    let options = Options {
        policy,
        memory: Some(memory),
        ..Options::default()
    };
    let tls = Tls::from_files(&standin::ssl_files(puppet))?;
    let connector = Connector::new(tls, names);
    Ok(Broker::connect(list, connector, &puppet.certname, options)?)
}

async fn tell(mut events: Events) {
    while let Some(event) = events.next().await {
        match serde_json::to_string(&event) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("{event}: {error}"),
        }
    }
}

fn complain(request: &Message, outcome: &Outcome) {
    if !matches!(outcome, Outcome::Sent { .. }) {
        eprintln!("the answer to {request} was not sent: {outcome:?}");
    }
}

fn resolve(text: &str) -> Result<(String, IpAddr), String> {
    let wrong = || format!("{text:?} is not HOST:ADDRESS");
    let (host, address) = text.split_once(':').ok_or_else(wrong)?;
    let address = address.parse().map_err(|_| wrong())?;
    Ok((host.to_owned(), address))
}
