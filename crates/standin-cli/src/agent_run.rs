//! `standin run`: one agent's whole run, changing nothing on the machine, and who served what of it.

mod catalog;
mod errand;
mod facts;
mod report;
mod step;
mod story;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http_body_util::BodyExt;
use standin::WholeBody;
use standin::{Client, Deadline, OnLoss, Run, Served};
use tokio::time::Instant;

use crate::access::Access;
use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, chain};
use crate::progress::spinner;
use crate::seconds::seconds;
use crate::streams::Streams;

use catalog::{Catalog, Source};
use errand::{Agent, Errand};
use facts::Facts;
use step::Came;
use story::{Form, Story};

/// Make one agent's whole run, changing nothing on this machine, and say who served what
///
/// Asks for the node, for what a run would fetch of plugins, for a catalog compiled for the facts, and
/// for the metadata of its files, as Puppet's agent does. Nothing is fetched, and nothing applied.
///
/// The servers do what they do for any agent: the catalog is compiled, and where PuppetDB is in use the
/// facts and the catalog are stored there, in the place of those of the agent's last run. A report is
/// sent with --report alone.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct RunArgs {
    /// A file of facts in JSON, as `facter --json` and `puppet facts` write it, instead of asking Facter;
    /// - is standard input
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// The environment to ask for, as Puppet's; what the node is told comes before it
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Send a report too, of a run in which nothing was applied
    #[arg(long)]
    report: bool,
    /// How long all of it may take; by default each answer begins within 240 s, and the catalog's within
    /// 300 s
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Makes the run and tells its story.
///
/// # Errors
/// When there are no facts or no settings, or the story cannot be written. What servers do is told in the
/// story.
pub(crate) async fn run(
    args: &RunArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let access = Access::open(common, streams)?;
    let puppet = &access.settings.puppet;
    let environment = args.environment.as_ref().unwrap_or(&puppet.environment);
    let facts = {
        let _spinner = spinner("facts", streams.verbosity);
        Facts::of(args.facts.as_deref()).await?
    };
    let agent = Agent::new(
        &puppet.certname,
        environment,
        facts,
        puppet.times.runinterval,
    );
    let form = match args.json {
        true => Form::Json,
        false => Form::Text,
    };
    let mut made = Made {
        client: &access.client,
        run: access.client.begin_run(OnLoss::Cross),
        until: args.deadline.map(|time| Instant::now() + time),
        agent,
        story: Story::new(&access.installation()?, form),
        streams,
    };
    let told = made.whole(args.report).await;
    let told = told.and_then(|()| made.story.end(&made.agent, made.streams.out));
    let code = made.story.code();
    access.remember(streams).await;
    told.map(|()| code)
}

/// A run that is being made.
struct Made<'a, 'b> {
    client: &'a Client,
    run: Run,
    until: Option<Instant>,
    agent: Agent,
    story: Story,
    streams: &'a mut Streams<'b>,
}

impl Made<'_, '_> {
    /// Goes on after what an agent can do without, so that all of the story is told.
    async fn whole(&mut self, reports: bool) -> Result<(), Failure> {
        if let Some(node) = self.go(&Errand::Node).await? {
            self.agent.take_environment_of(&node);
        }
        self.go(&Errand::PluginFacts).await?;
        self.go(&Errand::Plugins).await?;
        let catalog = self.go(&Errand::Catalog).await?;
        let catalog = catalog.and_then(|text| Catalog::read(&text));
        if let Some(catalog) = &catalog {
            for file in catalog.files() {
                self.ask_for(file.sources, file.recursion).await?;
            }
        }
        if reports {
            let report = report::of(&self.agent, catalog.as_ref(), &self.story);
            self.go(&Errand::Report(report)).await?;
        }
        Ok(())
    }

    /// The first source of a file that there is counts, as for Puppet.
    async fn ask_for(
        &mut self,
        sources: Vec<Source>,
        recursion: catalog::Recursion,
    ) -> Result<(), Failure> {
        let last = sources.len().saturating_sub(1);
        for (at, source) in sources.into_iter().enumerate() {
            let errand = Errand::Source {
                source,
                recursion,
                others: match at == last {
                    true => errand::Others::None,
                    false => errand::Others::Follow,
                },
            };
            if self.go(&errand).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// What a good answer has, if there is one; whatever comes is told.
    async fn go(&mut self, errand: &Errand) -> Result<Option<Vec<u8>>, Failure> {
        let begun = Instant::now();
        let came = {
            let _spinner = spinner(errand.name(), self.streams.verbosity);
            self.send(errand).await
        };
        let text = match &came {
            Came::Answer { status, text, .. } if status.is_success() => Some(text.clone()),
            _ => None,
        };
        self.story
            .tell(errand, came, begun.elapsed(), self.streams.out)?;
        Ok(text)
    }

    async fn send(&self, errand: &Errand) -> Came {
        let mut request = match self.agent.request(errand) {
            Ok(request) => request,
            Err(why) => {
                return Came::Nothing {
                    code: Code::NOBODY,
                    why,
                };
            }
        };
        let extensions = request.extensions_mut();
        extensions.insert(self.run.clone());
        // An answer that breaks off is as good as none, and another server may have it whole.
        extensions.insert(WholeBody::at_most(ANSWER_MOST));
        if let Some(until) = self.until {
            extensions.insert(Deadline::at(until));
        }
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => {
                return Came::Nothing {
                    code: error.kind().into(),
                    why: error.report(),
                };
            }
        };
        let (head, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Came::Answer {
                status: head.status,
                served: head.extensions.get::<Served>().cloned(),
                text: body.to_bytes().into(),
            },
            Err(error) => Came::Nothing {
                code: Code::NOBODY,
                why: chain(&error),
            },
        }
    }
}

/// What an answer may have at most: as much as PXP agents take.
const ANSWER_MOST: usize = 64 * 1024 * 1024;

const AFTER: &str = "\
Steps:
  node         what the servers know of the node, its environment above all
  pluginfacts, plugins
               what there is to fetch of plugins
  catalog      compiled for the facts
  files        the metadata of the catalog's files, one line for all that a server was asked for
               without a break; those that the catalog brings along are not asked for
  report       with --report

JSON:
  certname, environment, transaction_uuid
  steps        a list of step, what (the source of a file), status, seconds, served (server, role,
               switched, failed attempts ...) or null, note and error

Exit codes:
   0  every step was answered well; else, of the first that was not:
   1  the story cannot be written
   2  command line, settings or facts; nothing was sent
   4  answered 4xx
   5  answered 5xx
  10  only the master may do this, and it cannot be reached
  11  sent, and the answer did not come
  12  no server was trusted, or none trusts this agent
  13  the deadline passed
  14  nobody answered, or this machine is at fault

Examples:
  Would a run of this agent succeed now, and who would serve it?
    standin run

  The same for another agent, whose certificate and facts are here:
    standin run --certname web1.example.com --facts web1.json

  Which server compiled, for a script:
    standin run --json | jq -r '.steps[] | select(.step == \"catalog\") | .served.server'";
