//! `standin lab client`: standin as a client under test.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::BodyExt;
use standin::config::{Settings, Sources};
use standin::policy::Probing;
use standin::{Body, Client, Deadline, Error, ErrorKind, Names, OnLoss, Policy, Run, policy_of};
use standin_lab::protocol::{FromClient, Place, Request, ToClient};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::code::Code;
use crate::failure::{Failure, chain};
use crate::streams::Streams;

/// Be the client under test of a scenario, as `standin lab run` asks for it
///
/// Reads and writes lines of JSON: see the documentation of standin_lab::protocol. It is an example of such a client, too.
#[derive(Args, Debug)]
pub(crate) struct ClientArgs {}

/// Does what it is asked for until its input ends.
///
/// # Errors
/// When what it reads is not in the protocol, or the settings make no client.
pub(crate) async fn run(_: &ClientArgs, streams: &mut Streams<'_>) -> Result<Code, Failure> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let unread = |error: io::Error| Failure::caused(Code::USAGE, "standard input", &error);
    let first = lines.next_line().await.map_err(unread)?.unwrap_or_default();
    let ToClient::Lab(place) = parse(&first)? else {
        return Err(Failure::new(
            Code::USAGE,
            "the first line has to tell where the lab is",
        ));
    };
    let client = open(&place)?;
    let version = concat!("standin ", env!("CARGO_PKG_VERSION")).to_owned();
    say(streams, &FromClient::Ready { client: version })?;
    let mut runs = HashMap::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            line = lines.next_line() => match line.map_err(unread)? {
                None => break,
                Some(line) => {
                    let ToClient::Request(request) = parse(&line)? else {
                        return Err(Failure::new(Code::USAGE, "a lab was told of already"));
                    };
                    let run = request.run.clone().map(|name| {
                        let begin = || client.begin_run(OnLoss::Cross);
                        runs.entry(name).or_insert_with(begin).clone()
                    });
                    under_way.push(answer(&client, request, run));
                }
            },
            Some(said) = under_way.next() => say(streams, &said)?,
        }
    }
    client
        .remember()
        .await
        .map_err(|error| Failure::caused(Code::NOBODY, "nothing is remembered", &error))?;
    Ok(Code::DONE)
}

fn parse(line: &str) -> Result<ToClient, Failure> {
    serde_json::from_str(line).map_err(|error| {
        let story = "standard input has what is not in the protocol of labs";
        Failure::caused(Code::USAGE, story, &error)
    })
}

fn open(place: &Place) -> Result<Client, Failure> {
    let sources = Sources::of_this_machine().map_err(|error| Failure::usage(&error))?;
    let overrides = sources
        .overrides
        .clone()
        .with("confdir", &place.confdir.to_string_lossy())
        .with("ssldir", &place.ssldir.to_string_lossy())
        .with("certname", &place.certname);
    let settings = Settings::read(&sources.with_overrides(overrides))
        .map_err(|error| Failure::usage(&error))?;
    let addresses = place.addresses.iter();
    let names = addresses.fold(Names::new(), |names, (host, address)| {
        names.with(host, *address)
    });
    let builder = Client::from_settings(&settings).map_err(|error| Failure::usage(&error))?;
    let policy = Policy {
        // It lives as long as its scenario, and has to notice what happens between requests.
        probing: Probing::USUAL,
        ..policy_of(&settings)
    };
    Ok(builder.names(names).policy(policy).build()?)
}

async fn answer(client: &Client, asked: Request, run: Option<Run>) -> FromClient {
    let id = asked.id;
    let failed = |kind: Option<&str>, error: String| FromClient::Failed {
        id,
        kind: kind.map(str::to_owned),
        error,
    };
    let request = match request(asked, run) {
        Ok(request) => request,
        Err(error) => {
            return FromClient::Unable {
                id,
                why: error.to_string(),
            };
        }
    };
    match client.request(request).await {
        Err(error) => failed(Some(kind(&error)), error.to_string()),
        Ok(response) => {
            let status = response.status().as_u16();
            match response.into_body().collect().await {
                Ok(_) => FromClient::Answered { id, status },
                Err(error) => failed(None, chain(&error)),
            }
        }
    }
}

fn request(asked: Request, run: Option<Run>) -> Result<http::Request<Body>, http::Error> {
    let mut request = http::Request::builder()
        .method(asked.method.as_str())
        .uri(asked.path);
    for (name, value) in asked.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(Body::from(asked.body))?;
    if let Some(run) = run {
        request.extensions_mut().insert(run);
    }
    if let Some(time) = asked.deadline_ms {
        let deadline = Deadline::within(Duration::from_millis(time));
        request.extensions_mut().insert(deadline);
    }
    Ok(request)
}

fn kind(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotDuringFailover => "not-during-failover",
        ErrorKind::TwoMasters => "two-masters",
        ErrorKind::MaybeProcessed => "maybe-processed",
        ErrorKind::Untrusted => "untrusted",
        ErrorKind::Local => "local",
        ErrorKind::DeadlinePassed => "deadline-passed",
        ErrorKind::GroupBroken => "group-broken",
        _ => "exhausted",
    }
}

fn say(streams: &mut Streams<'_>, what: &FromClient) -> Result<(), Failure> {
    let line = serde_json::to_string(what).map_err(|error| Failure::usage(&error))?;
    writeln!(streams.out, "{line}")
        .and_then(|()| streams.out.flush())
        .map_err(|error| Failure::unwritten("standard output", &error))
}
