//! An agent that loses no report: what no server takes is kept on disk, and delivered by a later run.
//!
//! `cargo run --example spool -- --spool DIR [--runs N] [--confdir DIR] [--resolve HOST:ADDRESS]...`
//!
//! Servers, certname and TLS files are those of Puppet's settings. What became of each report and each
//! command goes to standard output, a line of JSON each.

#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use serde_json::json;
use standin::config::{Defaults, Settings, Sources};
use standin::spool::Spool;
use standin::{Client, Names, OnLoss, Spooled};

/// An agent that loses no report.
#[derive(Parser)]
struct Arguments {
    /// The directory for what nobody took.
    #[arg(long)]
    spool: PathBuf,
    /// How many runs to make, one after the other.
    #[arg(long, default_value_t = 1)]
    runs: usize,
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
    let settings = Settings::read(&sources)?;
    let certname = &settings.puppet.certname;
    let names = arguments
        .resolve
        .into_iter()
        .fold(Names::new(), |names, (host, address)| {
            names.with(&host, address)
        });
    let client = Client::from_settings(&settings)?
        .names(names)
        .spool(Spool::at(arguments.spool))
        .build()?;
    for run in 0..arguments.runs {
        let transaction = format!("{}-{run}", std::process::id());
        let of_run = client.begin_run(OnLoss::Cross);
        for (kind, mut request) in [
            ("report", report(certname, &transaction)?),
            ("command", command(certname, &transaction)?),
        ] {
            request.extensions_mut().insert(of_run.clone());
            let outcome = submit(&client, request).await;
            let line = json!({ "transaction": transaction, "kind": kind, "outcome": outcome });
            println!("{line}");
        }
        let delivery = client.deliver().await?;
        let (delivered, left) = (delivery.delivered, delivery.left);
        println!("{}", json!({ "delivered": delivered, "left": left }));
    }
    client.remember().await?;
    Ok(())
}

/// Submits a request, and says in a word what became of it.
async fn submit(client: &Client, request: Request<String>) -> &'static str {
    let Ok(response) = client.request(request).await else {
        return "lost";
    };
    if response.extensions().get::<Spooled>().is_some() {
        return "spooled";
    }
    let taken = response.status().is_success();
    // Read to its end, it leaves its connection to the next request.
    let _ = response.into_body().collect().await;
    match taken {
        true => "taken",
        false => "refused",
    }
}

fn report(certname: &str, transaction: &str) -> http::Result<Request<String>> {
    let report = json!({ "host": certname, "transaction_uuid": transaction, "logs": [] });
    Request::put(format!(
        "/puppet/v3/report/{certname}?environment=production"
    ))
    .header(CONTENT_TYPE, "application/json")
    .body(report.to_string())
}

fn command(certname: &str, transaction: &str) -> http::Result<Request<String>> {
    let values = json!({ "transaction": transaction });
    let facts = json!({ "certname": certname, "environment": "production", "values": values });
    Request::post(format!(
        "/pdb/cmd/v1?command=replace_facts&version=5&certname={certname}"
    ))
    .header(CONTENT_TYPE, "application/json")
    .body(facts.to_string())
}

fn resolve(text: &str) -> Result<(String, IpAddr), String> {
    let wrong = || format!("{text:?} is not HOST:ADDRESS");
    let (host, address) = text.split_once(':').ok_or_else(wrong)?;
    let address = address.parse().map_err(|_| wrong())?;
    Ok((host.to_owned(), address))
}
