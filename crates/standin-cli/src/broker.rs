//! `standin broker`: which PCP broker is chosen, why, and what happens to the association then.

mod chosen;
mod line;

use std::io;
use std::time::Duration;

use clap::Args;
use futures_util::FutureExt;
use standin::{MemoryFile, Server, Service, Tls, policy_of, ssl_files};
use standin_net::Connector;
use standin_pcp::{Broker, ClientType, Event, Options};
use tokio::time::Instant;

use crate::access::installation;
use crate::cli::Common;
use crate::code::Code;
use crate::failure::Failure;
use crate::seconds::seconds;
use crate::streams::Streams;

use line::{Form, Line};

/// Show which PCP broker is chosen, why, and what happens then
///
/// Associates with a broker of the settings as an agent would, and says what becomes of it: lost,
/// moved, failed back, sent away. Messages that come are shown and not answered. It calls itself a
/// client of a type of its own, since two clients of one name and type put each other out.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct BrokerArgs {
    /// Write JSON, an object a line
    #[arg(long)]
    json: bool,
    /// End after so long instead of on Ctrl-C
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// The type of client to be: with `agent`, this machine's pxp-agent is put out
    #[arg(long = "type", value_name = "TYPE", default_value = "standin")]
    client_type: ClientType,
}

/// Associates, and writes what happens until it is to end.
///
/// # Errors
/// When the settings make no client, or a line cannot be written.
pub(crate) async fn run(
    args: &BrokerArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let mut broker = connect(args, common, streams)?;
    let mut followed = Followed {
        begun: Instant::now(),
        form: match args.json {
            true => Form::Json,
            false => Form::Text,
        },
        streams,
        left: Vec::new(),
        trouble: Code::NOBODY,
    };
    let result = followed.follow(&mut broker, args).await;
    broker.close().await;
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Code::DONE),
        Err(error) => Err(Failure::unwritten("standard output", &error)),
        Ok(code) => Ok(code),
    }
}

fn connect(
    args: &BrokerArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Broker, Failure> {
    let settings = common.settings(streams)?;
    let installation = installation(&settings)?;
    let list = installation
        .list(Service::PcpBroker)
        .ok_or_else(|| Failure::new(Code::USAGE, "the settings name no PCP broker"))?;
    let puppet = &settings.puppet;
    let tls = Tls::from_files(&ssl_files(puppet)).map_err(|error| Failure::usage(&error))?;
    let policy = policy_of(&settings);
    let memory = puppet.dirs.statedir.join(MemoryFile::NAME);
    let memory = MemoryFile::new(&memory, &puppet.certname, policy.memory.clone());
    let options = Options {
        policy,
        client_type: args.client_type.clone(),
        memory: Some(memory),
        ..Options::default()
    };
    let connector = Connector::new(tls, common.names());
    Broker::connect(list, connector, &puppet.certname, options)
        .map_err(|error| Failure::usage(&error))
}

/// An association that is followed.
struct Followed<'a, 'b> {
    begun: Instant,
    form: Form,
    streams: &'a mut Streams<'b>,
    /// Brokers with which an association ended, until there is one again.
    left: Vec<Server>,
    /// What to end with while there is no association.
    trouble: Code,
}

impl Followed<'_, '_> {
    async fn follow(&mut self, broker: &mut Broker, args: &BrokerArgs) -> io::Result<Code> {
        let mut events = broker.events();
        let list = Line::list(broker, &args.client_type);
        self.write(&list)?;
        let end = end(args.time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                event = events.next() => match event {
                    Some(event) => self.tell(&event, broker)?,
                    None => break,
                },
                Some(message) = broker.next() => self.write(&Line::message(&message))?,
            }
        }
        // What happened before the end is told before it.
        while let Some(Some(event)) = events.next().now_or_never() {
            self.tell(&event, broker)?;
        }
        let status = broker.status();
        let code = match status.association {
            Some(_) => Code::DONE,
            None => self.trouble,
        };
        self.write(&Line::End(status))?;
        Ok(code)
    }

    fn tell(&mut self, event: &Event, broker: &Broker) -> io::Result<()> {
        self.trouble = match event {
            Event::Misconfigured { .. } => Code::UNTRUSTED,
            _ => Code::NOBODY,
        };
        match event {
            Event::Lost { server, .. } | Event::Evicted { server, .. } => {
                self.left.push(server.clone());
            }
            Event::Associated { server, .. } => self.left.retain(|left| left != server),
            _ => {}
        }
        self.write(&Line::event(event, broker, &self.left))
    }

    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        line.write(self.form, self.begun.elapsed(), self.streams.out)?;
        self.streams.out.flush()
    }
}

/// Waits for Ctrl-C, or until the time is over. Where Ctrl-C cannot be waited for it ends the process, as
/// it does by itself.
async fn end(time: Option<Duration>) {
    let over = async {
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = over => {}
        () = interrupted => {}
    }
}

const AFTER: &str = "\
What happens, as `event` of --json has it:
  brokers        who may be associated with, in order
  associated     with whom, and why it is that one
  stable         it has lasted for long enough to count
  moved, failed-back
                 it is with a later or an earlier broker than the last one was
  lost, evicted  it ended, and when the next attempt is made
  misconfigured  nobody takes this client until somebody changes something
  not-associated every broker was tried
  stayed         an earlier broker was tried beside this one, in vain
  garbled, message
                 what came, which is not answered
  missed         so many of these lines could not be kept
  ended          how it stood when --for or Ctrl-C ended it

Exit codes:
   0  associated at the end, whether by --for or by Ctrl-C
   1  what happened cannot be written
   2  command line or settings; nobody was asked
  12  not associated at the end: brokers refuse this client, or there is trust with none
  14  not associated at the end: no broker can be had

Examples:
  Which broker would the agent of this machine choose, and why?
    standin broker --for 5

  What happens when the master's broker is stopped?
    standin broker

  The same, for a script: who it was with, one after another
    standin broker --for 600 --json | jq -r 'select(.event == \"associated\")
      | \"\\(.at) \\(.server) \\(.why)\"'";
