//! `standin watch`: a live screen of every service at every server.

mod keys;
mod model;
mod screen;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::Request;
use ratatui::DefaultTerminal;
use standin::policy::{Failback, Hysteresis, Probing};
use standin::{Body, Client, Deadline, Installation, Operation, Served, Server, Service};
use standin_net::Clock;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;
use tracing::subscriber::NoSubscriber;

use crate::access::Access;
use crate::check::now;
use crate::cli::Common;
use crate::code::Code;
use crate::day::moment;
use crate::failure::Failure;
use crate::paint::Colours;
use crate::seconds::seconds;
use crate::status::{Asker, Found, Question, questions};
use crate::streams::{Streams, Verbosity};

use keys::Key;
use model::Model;

/// Watch every service at every server on a live screen
///
/// All servers are asked for their status again and again, and each service is sent a cheap request as
/// an agent would send it: so the screen shows who holds it, when that moves, and when it returns.
/// Nothing is read from the memory of this machine's agents, and nothing left to it.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct WatchArgs {
    /// How long to wait between two rounds of questions, at least 0.5
    #[arg(long, value_name = "SECONDS", value_parser = interval, default_value = "2")]
    interval: Duration,
}

/// Shows the screen until somebody leaves it.
///
/// # Errors
/// When the settings make no client, or there is no terminal.
pub(crate) async fn run(
    args: &WatchArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let story = "standin watch needs a terminal; standin status --json is for programs";
        return Err(Failure::new(Code::USAGE, story));
    }
    let access = Access::open_watching(common, streams, |policy| {
        policy.probing = Probing::Every(args.interval);
        // One watcher is no fleet, so it returns without the spread.
        policy.failback = Failback::Hysteresis(Hysteresis {
            spread: Duration::ZERO,
            ..Hysteresis::default()
        });
    })?;
    let installation = access.installation()?;
    let asker = Asker {
        connector: common.connector(&access.settings)?,
        connect: access.client.policy().connect.limit,
    };
    let watched = Watched {
        model: Model::new(&installation),
        clock: Clock::start(),
        interval: args.interval,
        colours: Colours::of_standard_output(),
    };
    let (news, heard) = mpsc::channel(NEWS);
    let rounds = Rounds {
        asker: Arc::new(asker),
        client: access.client.clone(),
        installation,
        interval: args.interval,
        news: news.clone(),
    };
    // What -v would say has no place on the screen.
    let _quiet = tracing::subscriber::set_default(NoSubscriber::default());
    let rounds = tokio::spawn(rounds.go());
    keys::listen(news);
    let unusable =
        |error: io::Error| Failure::caused(Code::UNWRITTEN, "the terminal cannot be used", &error);
    let mut terminal = ratatui::try_init().map_err(unusable)?;
    let shown = watched.show(&mut terminal, heard, &access.client).await;
    ratatui::restore();
    rounds.abort();
    shown.map_err(unusable).map(|()| Code::DONE)
}

fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        interval if interval < Probing::LEAST => {
            Err("servers are to be watched and not to be kept busy; write 0.5 or more".to_owned())
        }
        interval => Ok(interval),
    }
}

/// Something to be shown, or done.
#[derive(Debug)]
enum News {
    Key(Key),
    /// What all servers said of themselves.
    Round(Vec<Found>),
    /// A request was served.
    Served(Service, Server),
}

struct Watched {
    model: Model,
    clock: Clock,
    interval: Duration,
    colours: Colours,
}

impl Watched {
    async fn show(
        mut self,
        terminal: &mut DefaultTerminal,
        mut heard: Receiver<News>,
        client: &Client,
    ) -> io::Result<()> {
        let mut health = client.watch();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            let view = screen::View {
                now: self.clock.now(),
                time: &time_of_day(),
                interval: self.interval,
                colours: self.colours,
            };
            terminal.draw(|frame| screen::draw(frame, &self.model, &view))?;
            tokio::select! {
                _ = second.tick() => {}
                changed = health.changed() => {
                    if changed.is_ok() {
                        let snapshot = health.borrow_and_update().clone();
                        self.model.health(&snapshot, self.clock.now(), &time_of_day());
                    }
                }
                news = heard.recv() => match news {
                    None | Some(News::Key(Key::Leave)) => return Ok(()),
                    Some(News::Key(Key::Left)) => self.model.left(),
                    Some(News::Key(Key::Right)) => self.model.right(),
                    Some(News::Key(Key::Redraw)) => terminal.clear()?,
                    Some(News::Round(found)) => {
                        self.model.round(&found, self.clock.now(), &time_of_day());
                    }
                    Some(News::Served(service, server)) => {
                        self.model.served(service, &server, self.clock.now());
                    }
                },
            }
        }
    }
}

/// Questions and requests, round after round.
struct Rounds {
    asker: Arc<Asker>,
    client: Client,
    installation: Installation,
    interval: Duration,
    news: Sender<News>,
}

impl Rounds {
    async fn go(self) {
        let questions: Vec<Question> = questions(&self.installation);
        let services = self.installation.lists().map(|(service, _)| service);
        let services: Vec<Service> = services
            .filter(|service| !service.status_names().is_empty())
            .collect();
        loop {
            for service in &services {
                // A request that waits holds up no other.
                tokio::spawn(ask_as_an_agent(
                    self.client.clone(),
                    *service,
                    self.news.clone(),
                ));
            }
            let until = Instant::now() + ROUND;
            let asked = self
                .asker
                .ask_all(questions.clone(), until, Verbosity::Everything);
            if self.news.send(News::Round(asked.await)).await.is_err() {
                return;
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

/// Asks for a service's status by way of whoever holds it: a read as cheap as there is.
async fn ask_as_an_agent(client: Client, service: Service, news: Sender<News>) {
    let Some(name) = service.status_names().first() else {
        return;
    };
    let request = Request::get(format!("/status/v1/simple/{name}?timeout=1"));
    let Ok(mut request) = request.body(Body::empty()) else {
        return;
    };
    let extensions = request.extensions_mut();
    extensions.insert(Operation::by_method(service, "GET"));
    extensions.insert(Deadline::at(Instant::now() + ROUND));
    if let Ok(response) = client.request(request).await
        && let Some(served) = response.extensions().get::<Served>()
    {
        // Nobody listens once the screen is left.
        let _ = news
            .send(News::Served(service, served.server.clone()))
            .await;
    }
}

/// `12:03:04`, in UTC.
fn time_of_day() -> String {
    let moment = moment(now()).unwrap_or_default();
    moment.get(11..19).unwrap_or_default().to_owned()
}

/// What is told at once is more than anybody can read.
const NEWS: usize = 64;

/// How long a server may take to answer in a round: longer than a connection may take.
const ROUND: Duration = Duration::from_secs(5);

const AFTER: &str = "\
Of each service at each server the screen shows, in this order:
  >            it holds the service: requests go there
  state        what the server says of the service, as standin status has it
  health       what has been learned of it here: ready, suspect, probing, benched
  since        how long it has been so, s, m, h or d
  rate         requests that it served, a second, over the last ten seconds
Below it is what changed, the newest first; times are in UTC.

Keys:
  q, Ctrl-C    leave
  left, right  other hosts, where there are more than fit

Exit codes:
   0  somebody left
   1  the terminal cannot be used
   2  command line or settings, or there is no terminal

Examples:
  See a failover happen, and the return:
    standin watch

  Watch an installation that this machine is no part of, every ten seconds:
    standin watch --master master.example.com --replica replica.example.com --interval 10";
