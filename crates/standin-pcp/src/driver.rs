//! Does what the keeper says: the task of a [`Broker`](crate::Broker).

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll::{Pending, Ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use standin_core::health::{Health, Probe, Probed};
use standin_core::policy::{Failback, Hysteresis};
use standin_core::{Moment, Verdict, jitter};
use standin_net::Clock;
use tokio::sync::{broadcast, mpsc, watch};

use crate::broker::Standing;
use crate::candidate::Candidate;
use crate::keeper::{Keeper, Step, Which, Wishes};
use crate::link::{Happened, Link, Read};
use crate::outgoing::Outgoing;
use crate::shared::{CLASS, Shared, upgrade_operation};
use crate::walk::Made;
use crate::{AssociateError, Attempt, Ended, Event, Message, Terms, probe, walk};

mod report;
mod take_in;

/// Does what the keeper says. Decisions are the keeper's, verdicts go to health; what is left here is
/// to hold what is open and to wait for all of it at once.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    terms: Terms,
    keeper: Keeper,
    /// Seeded by the agent's name: each agent has its own pauses, and the same in each replay.
    random: fastrand::Rng,
    outgoing: Arc<Outgoing>,
    inbox: mpsc::Sender<Message>,
    events: broadcast::Sender<Event>,
    standing: watch::Sender<Standing>,
    /// The last broker that associated.
    last: Option<Candidate>,
    links: u64,
    present: Option<Link>,
    earlier: Option<Link>,
    leaving: Vec<Leaving>,
    walking: Option<BoxFuture<'static, Result<Made, AssociateError>>>,
    trying: Option<(Candidate, BoxFuture<'static, Result<Made, Attempt>>)>,
    asking: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Whether the brokers are read.
    ear: Read,
    closing: Closing,
}

/// How far the handle is closed.
#[derive(Clone, Copy)]
enum Closing {
    No,
    /// What is queued is still sent, until then at most.
    Sending {
        until: Moment,
    },
    /// Every association is being left.
    Leaving {
        until: Moment,
    },
}

impl Closing {
    const fn until(self) -> Option<Moment> {
        match self {
            Self::No => None,
            Self::Sending { until } | Self::Leaving { until } => Some(until),
        }
    }
}

/// A connection that is left in good order: what was written is confirmed, then it is closed.
struct Leaving {
    link: Link,
    until: Moment,
}

/// What an earlier broker said, and whose question it was.
struct Answer {
    health: Arc<Health>,
    probe: Probe,
    came: Probed,
}

/// Something that was waited for.
enum Woken {
    Walked(Result<Made, AssociateError>),
    Tried(Result<Made, Attempt>),
    Asked(Answer),
    Happened(Whose, Happened),
    /// Time passed, there is something to send, or to be taken.
    Look,
    Close,
}

/// On which connection something happened.
#[derive(Clone, Copy)]
enum Whose {
    Kept(Which),
    /// The place among those that are left.
    Leaving(usize),
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        terms: Terms,
        certname: &str,
        outgoing: Arc<Outgoing>,
        inbox: mpsc::Sender<Message>,
        events: broadcast::Sender<Event>,
        standing: watch::Sender<Standing>,
    ) -> Self {
        let ask_every = ask_every(&shared.health().policy().failback);
        Self {
            keeper: Keeper::new(terms.clone(), ask_every, shared.clock.now()),
            random: fastrand::Rng::with_seed(jitter::seed_of(certname)),
            shared,
            terms,
            outgoing,
            inbox,
            events,
            standing,
            last: None,
            links: 0,
            present: None,
            earlier: None,
            leaving: Vec::new(),
            walking: None,
            trying: None,
            asking: FuturesUnordered::new(),
            ear: Read::Yes,
            closing: Closing::No,
        }
    }

    pub(crate) async fn run(mut self, mut close: mpsc::Receiver<()>) {
        loop {
            let until = self.decide();
            if self.is_over() {
                break;
            }
            self.feed();
            self.tell_standing();
            match self.wait(until, &mut close).await {
                Woken::Walked(made) => self.walked(made),
                Woken::Tried(made) => self.tried(made),
                Woken::Asked(answer) => self.asked(&answer),
                Woken::Happened(whose, happened) => self.happened(whose, happened),
                Woken::Look => self.outgoing.expire(),
                Woken::Close => {
                    let until = self.shared.clock.now() + self.terms.leave;
                    self.closing = Closing::Sending { until };
                }
            }
        }
        self.outgoing.close();
        self.shared.remember().await;
    }

    /// Carries out the keeper's steps until there is nothing to do until a moment.
    fn decide(&mut self) -> Option<Moment> {
        if let Closing::Leaving { .. } = self.closing {
            return None;
        }
        loop {
            match self.keeper.step(self.shared.clock.now()) {
                Step::Wait(until) => return until,
                Step::Associate(wishes) => self.walk(wishes),
                Step::Ping(which) => {
                    if let Some(link) = self.link(which) {
                        link.want_ping();
                    }
                }
                Step::Leave(which) => {
                    if let Some(link) = self.link(which) {
                        let server = link.broker.server.clone();
                        self.ended(which, Ended::Silent { server });
                    }
                }
                Step::Settled => self.settled(),
                Step::Ask => self.ask(),
                Step::Try(server) => {
                    let health = self.shared.health();
                    let place = health.place(CLASS, server);
                    match place.and_then(|place| Candidate::at(&health, place)) {
                        Some(broker) => {
                            let trying = walk::associate(Arc::clone(&self.shared), broker.clone());
                            self.trying = Some((broker, Box::pin(trying)));
                        }
                        None => self.keeper.earlier_failed(),
                    }
                }
                Step::FailBack => self.fail_back(),
            }
        }
    }

    fn walk(&mut self, wishes: Wishes) {
        let now = self.shared.clock.now();
        // Where work returns with a run only, a new association is as good as one.
        standin_net::events::tell(self.shared.health().begin_run(now));
        self.walking = Some(Box::pin(walk::walk(Arc::clone(&self.shared), wishes)));
    }

    fn ask(&mut self) {
        let now = self.shared.clock.now();
        let health = self.shared.health();
        while let Some(probe) = health.probe_due(upgrade_operation(), now) {
            let (shared, health) = (Arc::clone(&self.shared), Arc::clone(&health));
            self.asking.push(Box::pin(async move {
                let came = probe::ask(shared, &health, &probe).await;
                Answer {
                    health,
                    probe,
                    came,
                }
            }));
        }
    }

    /// The present association has proven itself: the service is the broker's from now on.
    fn settled(&mut self) {
        let Some(link) = &self.present else { return };
        let broker = link.broker.clone();
        broker.record(&self.shared, Verdict::Answered);
        broker.take_over(&self.shared);
        self.tell(Event::Stable {
            server: broker.server,
        });
        self.remember();
    }

    /// The earlier broker has proven itself beside the present one, which is left.
    fn fail_back(&mut self) {
        let Some(link) = self.earlier.take() else {
            return;
        };
        if let Some(left) = self.present.replace(link) {
            let until = self.shared.clock.now() + self.terms.leave;
            self.leaving.push(Leaving { link: left, until });
        }
        self.arrived();
        self.settled();
    }

    /// Gives each connection what is to be written next.
    fn feed(&mut self) {
        if let Some(link) = &mut self.present
            && link.may_write()
            && let Some((number, text)) = self.outgoing.next(link.number, &link.broker.server)
        {
            link.write(number, text);
        }
        for Leaving { link, .. } in &mut self.leaving {
            link.leave(self.outgoing.is_confirmed(link.number));
        }
        if let Closing::Sending { until } = self.closing
            && self.outgoing.counts() == (0, 0)
        {
            self.leave_all(until);
        }
    }

    fn leave_all(&mut self, until: Moment) {
        self.closing = Closing::Leaving { until };
        let links = [self.present.take(), self.earlier.take()];
        for link in links.into_iter().flatten() {
            self.leaving.push(Leaving { link, until });
        }
        for Leaving { link, .. } in &mut self.leaving {
            link.leave(self.outgoing.is_confirmed(link.number));
        }
    }

    /// Whether the handle was closed and nothing is left to be done about it.
    fn is_over(&mut self) -> bool {
        let now = self.shared.clock.now();
        let late = self.leaving.extract_if(.., |leaving| now >= leaving.until);
        for Leaving { link, .. } in late {
            self.outgoing.lost(link.number);
        }
        let is_done =
            self.present.is_none() && self.leaving.is_empty() && self.outgoing.counts() == (0, 0);
        let until = self.closing.until();
        until.is_some_and(|until| now >= until || is_done)
    }

    /// Reads on only when the caller has room for what comes.
    fn listen(&mut self) -> Read {
        let has_room = self.inbox.capacity() > 0 || self.inbox.is_closed();
        let now = self.shared.clock.now();
        for which in [Which::Present, Which::Earlier] {
            match (has_room, self.ear) {
                (false, _) => self.keeper.deaf(which),
                (true, Read::No) => self.keeper.heard(which, now),
                (true, Read::Yes) => {}
            }
        }
        self.ear = match has_room {
            true => Read::Yes,
            false => Read::No,
        };
        self.ear
    }

    async fn wait(&mut self, until: Option<Moment>, close: &mut mpsc::Receiver<()>) -> Woken {
        let read = self.listen();
        let deadlines = self.leaving.iter().map(|leaving| leaving.until);
        let until = until
            .into_iter()
            .chain(deadlines)
            .chain(self.outgoing.next_expiry())
            .chain(self.closing.until())
            .min();
        let clock = self.shared.clock;
        let asked = async {
            match self.asking.next().await {
                Some(answer) => answer,
                None => pending().await,
            }
        };
        let (present, earlier, leaving) = (&mut self.present, &mut self.earlier, &mut self.leaving);
        let happened = poll_fn(|context| {
            let kept = [
                (Which::Present, present.as_mut()),
                (Which::Earlier, earlier.as_mut()),
            ];
            for (which, link) in kept {
                if let Some(link) = link
                    && let Ready(happened) = link.poll(context, read)
                {
                    return Ready(Woken::Happened(Whose::Kept(which), happened));
                }
            }
            for (at, Leaving { link, .. }) in leaving.iter_mut().enumerate() {
                if let Ready(happened) = link.poll(context, read) {
                    return Ready(Woken::Happened(Whose::Leaving(at), happened));
                }
            }
            Pending
        });
        tokio::select! {
            happened = happened => happened,
            made = of(self.walking.as_mut()) => {
                self.walking = None;
                Woken::Walked(made)
            }
            made = of(self.trying.as_mut().map(|(_, trying)| trying)) => Woken::Tried(made),
            answer = asked => Woken::Asked(answer),
            Some(()) = close.recv(), if self.closing.until().is_none() => Woken::Close,
            () = self.outgoing.pushed() => Woken::Look,
            _ = self.inbox.reserve(), if read == Read::No => Woken::Look,
            () = sleep_until(clock, until) => Woken::Look,
        }
    }
}

/// The output of a future that may not be there.
async fn of<T>(future: Option<&mut BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn sleep_until(clock: Clock, until: Option<Moment>) {
    match until {
        Some(until) => tokio::time::sleep_until(clock.instant(until)).await,
        None => pending().await,
    }
}

/// How often earlier brokers are asked whether they are well: health itself answers that none is due
/// in between.
fn ask_every(failback: &Failback) -> Duration {
    match failback {
        Failback::Immediate => Hysteresis {
            dwell: Duration::ZERO,
            ..Hysteresis::default()
        }
        .interval(),
        Failback::Hysteresis(hysteresis) | Failback::NextRun(hysteresis) => hysteresis.interval(),
        Failback::Never => Duration::MAX,
    }
}
