//! Drives the core's plan of a request on a transport, from the call to the answer.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use standin_core::cell::State;
use standin_core::health::{Mark, Question, ServerId};
use standin_core::patience::{Patience, PatienceStep};
use standin_core::plan::{After, Plan, Step};
use standin_core::verdict::{Loss, Processed, Unreached};
use standin_core::{Class, Moment, Operation, Repeat, Verdict};
use standin_net::{Clock, TrustFailure};

use crate::rebase::Prepared;
use crate::redirect::Again;
use crate::shared::Shared;
use crate::transport::{Connection, GivesBack, SendError, Transport};
use crate::{Attempt, Body, Deadline, Error, ErrorKind, OnLoss, Run, probe};

/// An answer, and which attempt got it.
pub(crate) struct Answer<B> {
    pub(crate) response: Response<B>,
    pub(crate) source: Source,
    /// For following a redirect, if a copy of the request was kept.
    pub(crate) again: Option<Box<Again>>,
}

/// The attempt that got an answer, for what its body may still show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) class: Class,
    pub(crate) place: usize,
    pub(crate) mark: Mark,
}

mod budget;
mod evidence;
mod one;
mod reach;
mod story;

pub(crate) use budget::OwnBudget;
pub(crate) use evidence::verdict_of;

/// Walks a request along its candidates until one answers or the plan gives up.
pub(crate) struct Walk<T> {
    shared: Arc<Shared>,
    transport: T,
    plan: Plan,
    prepared: Prepared,
    own_budget: Option<OwnBudget>,
    class: Class,
    run: Option<Run>,
    pin: Option<ServerId>,
    begun: Moment,
    /// Whether it left a server because its work was silent while its status was good.
    left_silent_work: bool,
    /// Whether there is an answer, too large to be handed out.
    too_large: bool,
    /// Where a connection that was kept turned out to be closed before the request was sent.
    stale: Option<usize>,
    failed: Vec<Attempt>,
}

/// A connection to the server at a place, and whether it stood before.
struct Reached<C> {
    place: usize,
    connection: C,
    warmth: Warmth,
    at: Moment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Warmth {
    /// It was idle.
    Warm,
    /// It was made for this request.
    New { took: Duration },
}

/// Where the way leads next.
enum Sought<C> {
    Reached(Reached<C>),
    /// No connection to this one stands, or none that can be trusted.
    Unreached(usize),
    /// Nothing until then.
    Later(Moment),
}

/// A request under way to one server.
pub(crate) struct UnderWay {
    place: usize,
    warmth: Warmth,
    mark: Mark,
    began: Moment,
    /// What ends the wait for the head, once there is one.
    watch: Option<BoxFuture<'static, Loss>>,
}

/// What came of sending when no response did.
pub(crate) enum Unanswered {
    Unsent(Box<Request<Body>>, SharedError),
    /// An answer came, and more of it than was asked for.
    TooLarge(SharedError),
    Failed(Verdict, Option<SharedError>),
}

type SharedError = Arc<dyn std::error::Error + Send + Sync>;

impl<T: Transport> Walk<T> {
    /// Inlined, so that the walk is made where it stays: to move it costs more than the call.
    #[inline(always)]
    pub(crate) fn new(
        shared: &Arc<Shared>,
        transport: &T,
        request: &mut Request<Body>,
        operation: Operation,
    ) -> Result<Self, Error> {
        let begun = shared.clock.now();
        let class = operation.class();
        let health = &shared.health;
        let run = request.extensions().get::<Run>().cloned();
        let deadline = request.extensions().get::<Deadline>();
        let deadline = deadline.map(|deadline| begun + deadline.left());
        let own_budget = request.extensions().get::<OwnBudget>().cloned();
        let pin = run.as_ref().and_then(|run| run.pin(class));
        let random = fastrand::u64(..);
        let Some(plan) = health.plan(operation, pin, deadline, begun, random) else {
            return Err(Error::new(ErrorKind::NoServers, Some(operation)));
        };
        if deadline.is_some() {
            let handed_on = Deadline::at(shared.clock.instant(plan.deadline()));
            request.extensions_mut().insert(handed_on);
        }
        let version = &shared.hub.puppet_version;
        let Some(prepared) = Prepared::of(request, operation, T::GIVES_BACK, version) else {
            // What was sent of its body was not kept.
            return Err(Error::new(ErrorKind::BodyNotKept, Some(operation)));
        };
        if let Some(due) = health.probe_due(operation, begun) {
            match due.question() {
                Question::Status => probe::by_status(shared, transport, due),
                Question::Work => {
                    let target = shared.target(class, due.place());
                    let copy = target.and_then(|target| prepared.copy(target));
                    probe::by_work(shared, transport, due, operation, copy);
                }
            }
        }
        Ok(Self {
            shared: Arc::clone(shared),
            transport: transport.clone(),
            plan,
            prepared,
            own_budget,
            class,
            run,
            pin,
            begun,
            left_silent_work: false,
            too_large: false,
            stale: None,
            failed: Vec::new(),
        })
    }

    /// Begins the first attempt if a connection stands: the request is to be sent on it. Else all is
    /// left to [`Walk::go`].
    pub(crate) fn begin(
        &mut self,
        request: &mut Request<Body>,
    ) -> Result<Option<(T::Connection, UnderWay)>, Error> {
        let Sought::Reached(reached) = self.seek(self.begun)? else {
            return Ok(None);
        };
        let made = request.body_mut().make();
        made.map_err(|error| self.fail_unsendable(error))?;
        if let Some(target) = self.shared.target(self.class, reached.place) {
            target.address(request);
        }
        self.set_out(reached).map(Some)
    }

    /// Goes all the way, with the request unless it was handed over already.
    ///
    /// Not an `async fn`, which would hold the walk twice; what is rarely needed is boxed apart.
    pub(crate) fn go(
        mut self,
        request: Option<Request<Body>>,
    ) -> impl Future<Output = Result<Answer<T::ResponseBody>, Error>> + Send {
        let mut now = match request {
            Some(request) => {
                self.prepared.hold(Box::new(request));
                self.begun
            }
            None => self.shared.clock.now(),
        };
        async move {
            loop {
                let reached = match self.seek(now)? {
                    Sought::Reached(reached) => Some(reached),
                    Sought::Unreached(place) => Box::pin(self.race(place)).await,
                    Sought::Later(until) => {
                        Box::pin(sleep_until(self.shared.clock, until)).await;
                        None
                    }
                };
                if let Some(reached) = reached {
                    let Some(target) = self.shared.target(self.class, reached.place) else {
                        return Err(self.fail(ErrorKind::NoServers));
                    };
                    let request = self.prepared.at(target);
                    let request = request.map_err(|error| self.fail_unsendable(error))?;
                    let (connection, mut under_way) = self.set_out(reached)?;
                    let mut sending = pin!(connection.send(request));
                    let head = poll_fn(|context| {
                        self.poll_head(&mut under_way, sending.as_mut(), context)
                    });
                    match head.await {
                        Ok(mut response) => {
                            if let Some(source) = self.weigh(&mut response, &under_way) {
                                let is_moved = response.status().is_redirection();
                                let again = is_moved.then(|| self.prepared.again()).flatten();
                                return Ok(Answer {
                                    response,
                                    source,
                                    again: again.map(Box::new),
                                });
                            }
                        }
                        Err(unanswered) => self.give_up_on(unanswered, &under_way),
                    }
                }
                now = self.shared.clock.now();
            }
        }
    }

    /// What the plan says to do next, and the connection for it if one stands.
    fn seek(&mut self, now: Moment) -> Result<Sought<T::Connection>, Error> {
        if self.too_large {
            return Err(self.fail(ErrorKind::AnswerTooLarge));
        }
        if let Some(stale) = self.stale {
            return Ok(Sought::Unreached(stale));
        }
        let budget = budget::of(self.own_budget.as_ref(), &self.shared);
        let place = match self.plan.step(now, budget) {
            Step::Attempt { place, .. } => place,
            Step::Wait(until) => return Ok(Sought::Later(until)),
            Step::GiveUp(why) => return Err(self.fail(why.into())),
        };
        if self.breaks_the_run(place) {
            return Err(self.fail(ErrorKind::GroupBroken));
        }
        Ok(match self.warm(place) {
            Some(connection) => Sought::Reached(Reached {
                place,
                connection,
                warmth: Warmth::Warm,
                at: now,
            }),
            None => Sought::Unreached(place),
        })
    }

    /// A request is about to be sent on this connection.
    fn set_out(
        &mut self,
        reached: Reached<T::Connection>,
    ) -> Result<(T::Connection, UnderWay), Error> {
        let Some(mark) = self.shared.health.mark(self.class, reached.place) else {
            return Err(self.fail(ErrorKind::NoServers));
        };
        let under_way = UnderWay {
            place: reached.place,
            warmth: reached.warmth,
            mark,
            began: reached.at,
            watch: None,
        };
        Ok((reached.connection, under_way))
    }

    /// Polls for the head of the response, and for the end of waiting for it.
    pub(crate) fn poll_head(
        &self,
        under_way: &mut UnderWay,
        sending: Pin<&mut impl Future<Output = Result<Response<T::ResponseBody>, SendError>>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Response<T::ResponseBody>, Unanswered>> {
        if let Poll::Ready(result) = sending.poll(context) {
            return Poll::Ready(result.map_err(evidence::judge));
        }
        // What answers at once needs no timers.
        let UnderWay { place, began, .. } = *under_way;
        let watch = under_way
            .watch
            .get_or_insert_with(|| Box::pin(self.watch(place, began)));
        let loss = ready!(watch.as_mut().poll(context));
        Poll::Ready(Err(Unanswered::Failed(Verdict::Lost(loss), None)))
    }

    /// Takes in that an attempt got no response.
    pub(crate) fn give_up_on(&mut self, unanswered: Unanswered, under_way: &UnderWay) {
        let UnderWay {
            place,
            warmth,
            mark,
            began,
            ..
        } = *under_way;
        match unanswered {
            Unanswered::Unsent(request, error) => {
                self.prepared.give_back(request);
                let untrusted = TrustFailure::find(error.as_ref()).is_some();
                if warmth == Warmth::Warm && !untrusted {
                    // The server closed a connection that was idle: no evidence of anything.
                    self.stale = Some(place);
                    return;
                }
                let verdict = match untrusted {
                    true => Verdict::Untrusted,
                    false => Verdict::Unreached(Unreached::Reset),
                };
                self.note(place, Some(mark), verdict, Some(error), began);
            }
            Unanswered::TooLarge(error) => {
                // Its server is well, and what it did is done.
                let now = self.shared.clock.now();
                let verdict = Verdict::Lost(Loss::Excess);
                self.remember(place, verdict, None, Some(error), began, now);
                self.too_large = true;
            }
            Unanswered::Failed(verdict @ Verdict::Lost(Loss::Reset), error)
                if warmth == Warmth::Warm && self.crossed_a_close(began) =>
            {
                // Nearly always the server closed an idle connection as the request went out, so
                // it is asked once more before that counts.
                let now = self.shared.clock.now();
                self.remember(place, verdict, None, error, began, now);
                self.stale = Some(place);
            }
            Unanswered::Failed(verdict, error) => {
                let waited = self.shared.clock.now().since(began);
                let usual = self.shared.health.usual();
                match verdict {
                    Verdict::Lost(Loss::Stuck) => {
                        usual.cut(self.plan.operation(), waited);
                        self.left_silent_work = true;
                        if let Some(run) = &self.run {
                            run.leaves_silent_work();
                        }
                    }
                    Verdict::Lost(Loss::TimedOut) => usual.cut(self.plan.operation(), waited),
                    _ => {}
                }
                self.note(place, Some(mark), verdict, error, began);
            }
        }
    }

    /// Whether a request that may arrive twice was lost at once on a connection that was kept: who
    /// closes an idle connection resets what crosses that within a round trip. To ask again is a
    /// repeat like any other and is paid for.
    fn crossed_a_close(&self, began: Moment) -> bool {
        let fresh = self.shared.health.policy().connect.fresh;
        let at_once = self.shared.clock.now().since(began) < fresh;
        T::GIVES_BACK == GivesBack::Unsent
            && self.plan.operation().repeat == Repeat::Harmless
            && at_once
            && budget::of(self.own_budget.as_ref(), &self.shared)
                .withdraw()
                .is_some()
    }

    /// Takes in a response, and signs it if it is an answer to hand back.
    pub(crate) fn weigh(
        &mut self,
        response: &mut Response<T::ResponseBody>,
        under_way: &UnderWay,
    ) -> Option<Source> {
        let UnderWay {
            place, mark, began, ..
        } = *under_way;
        let now = self.shared.clock.now();
        let (status, headers) = (response.status(), response.headers());
        let operation = self.plan.operation();
        let classify = &self.shared.hub.classify;
        let verdict = classify.classify(operation, status, headers);
        let random = fastrand::u64(..);
        let health = &self.shared.health;
        let events = health.record(self.class, place, mark, verdict, now, random);
        self.shared.tell(events);
        if verdict == Verdict::Answered {
            health.usual().answered(operation, now.since(began));
        }
        let after = self.plan.record(place, verdict, now, random);
        if let Verdict::Busy(_) = verdict
            && let Some(until) = self.plan.busy_until(place, now)
        {
            health.busy(self.class, place, until);
        }
        if matches!(verdict, Verdict::NotReady(Processed::No) | Verdict::Busy(_)) {
            self.prepared.was_declined();
        }
        if after == After::HandBack {
            self.sign(response, place, began, now);
            let class = self.class;
            return Some(Source { class, place, mark });
        }
        self.remember(place, verdict, Some(status), None, began, now);
        None
    }

    /// Ends with the time for an attempt, or when the server is found silent.
    fn watch(&self, place: usize, began: Moment) -> impl Future<Output = Loss> + Send + use<T> {
        let (shared, transport) = (Arc::clone(&self.shared), self.transport.clone());
        let (class, until) = (self.class, self.plan.until(place, began));
        let length = self.plan.operation().length;
        let stuck_after = self.stuck_after(place);
        async move {
            let clock = shared.clock;
            let times = &shared.health.policy().patience;
            let mut now = clock.now();
            let mut patience = Patience::new(length, stuck_after, now, times);
            loop {
                if now >= until {
                    return Loss::TimedOut;
                }
                match patience.step(now) {
                    PatienceStep::Silent => return Loss::Silent,
                    PatienceStep::Stuck => return Loss::Stuck,
                    PatienceStep::Wait(next) => sleep_until(clock, next.min(until)).await,
                    PatienceStep::Ask => {
                        let asking = probe::sign_of_life(&shared, &transport, class, place);
                        let asking = tokio::time::timeout_at(clock.instant(until), asking);
                        if let Ok(sign) = asking.await {
                            patience.heard(sign, now);
                        }
                    }
                }
                now = clock.now();
            }
        }
    }

    /// How long the work may be silent while the status is good: until the deadline where nobody could
    /// do it instead, nobody knows what is usual, or this run has left one server for it already.
    fn stuck_after(&self, place: usize) -> Option<Duration> {
        let operation = self.plan.operation();
        let may_leave = !self.left_silent_work
            && self.run.as_ref().is_none_or(Run::may_leave_silent_work)
            && operation.repeat == Repeat::Harmless
            && self.plan.leaves_others(place);
        let health = &self.shared.health;
        let usual = health.usual().p95(operation).filter(|_| may_leave)?;
        let times = &health.policy().patience;
        Some(times.stuck_after(operation.length, usual))
    }

    /// The place that a run keeps to whatever happens.
    fn bound_to(&self) -> Option<usize> {
        let run = self.run.as_ref()?;
        let health = &self.shared.health;
        let pin = health.place(self.class, self.pin?)?;
        let may_serve = self
            .plan
            .operation()
            .may_go_to(health.role(self.class, pin)?);
        (run.on_loss() == OnLoss::Restart && may_serve).then_some(pin)
    }

    /// Whether going to `place` would move a run that must not cross.
    fn breaks_the_run(&self, place: usize) -> bool {
        self.bound_to().is_some_and(|pin| pin != place)
    }

    /// Whether a server could have been asked: neither failed in this walk nor benched.
    fn is_calm(&self, place: usize) -> bool {
        !self.plan.failed_at(place)
            && !matches!(
                self.shared
                    .health
                    .state(self.class, place, self.shared.clock.now()),
                Some(State::Benched | State::Probing)
            )
    }
}

impl Shared {
    pub(crate) fn record(
        self: &Arc<Self>,
        class: Class,
        place: usize,
        mark: Option<Mark>,
        verdict: Verdict,
    ) {
        if let Some(mark) = mark {
            let (now, random) = (self.clock.now(), fastrand::u64(..));
            let events = self.health.record(class, place, mark, verdict, now, random);
            self.tell(events);
        }
    }
}

async fn sleep_until(clock: Clock, moment: Moment) {
    tokio::time::sleep_until(clock.instant(moment)).await;
}
