//! The way of one request, as `standin`'s driver goes it, without the I/O.

use std::time::Duration;

use standin_core::cell::State;
use standin_core::health::{Alone, Mark};
use standin_core::patience::{Patience, PatienceStep, Sign};
use standin_core::plan::{After, Step};
use standin_core::race::{Race, RaceStep};
use standin_core::verdict::{Loss, Unreached};
use standin_core::{Moment, Operation, Repeat, Verdict};

use crate::agent::{Attempt, SCRIPT, Walk};
use crate::fleet::{CLASS, Event, Fleet, MASTER, REPLICA};
use crate::host::{Admission, Job, Reach, Ticket};

/// TCP and TLS on a site's network.
const CONNECTS_IN: Duration = Duration::from_millis(30);
const REFUSED_IN: Duration = Duration::from_millis(1);

/// A race of connections that is over.
pub(crate) struct Raced {
    lanes: Vec<(usize, Option<Mark>)>,
    failed: Vec<(usize, Verdict)>,
    /// Lanes before the winner's that were still connecting.
    passed_over: Vec<usize>,
    won: Option<usize>,
    began: Moment,
}

impl Fleet {
    /// The agent asks its plan what to do; first it makes one.
    pub(crate) fn go(&mut self, agent: usize) {
        let (now, random) = (self.now, self.random.u64(..));
        let one = &mut self.agents[agent];
        let (Some(health), Some(run)) = (one.health.as_ref(), one.run.as_mut()) else {
            return;
        };
        let mut due = None;
        if run.walk.is_none() {
            let (method, path, from, to) = SCRIPT[run.done];
            let operation = Operation::of(method, path).expect("a known path");
            let plan = health.plan(operation, run.pin, None, now, random);
            due = health.probe_due(operation, now);
            run.walk = Some(Walk {
                plan: plan.expect("a known service"),
                operation,
                takes: Duration::from_millis(self.random.u64(from..to)),
                attempt: None,
            });
        }
        let Some(walk) = run.walk.as_mut() else {
            return;
        };
        let step = walk.plan.step(now, health.budget());
        if let Some(probe) = due {
            self.ask(agent, probe);
        }
        match step {
            Step::Attempt { place, .. } => self.race(agent, place),
            Step::Wait(until) => {
                let ticket = self.ticket(agent);
                self.schedule(until, Event::Go(ticket));
            }
            Step::GiveUp(why) => self.give_up(agent, why),
        }
    }

    /// What comes of a connection that begins now, and when.
    pub(crate) fn connection(
        &self,
        place: usize,
        limit: Duration,
    ) -> (Duration, Result<(), Verdict>) {
        let unreached = |why| Err(Verdict::Unreached(why));
        match self.hosts[place].reach {
            Reach::Up => (CONNECTS_IN, Ok(())),
            Reach::Refuses => (REFUSED_IN, unreached(Unreached::Refused)),
            Reach::Silent => (limit, unreached(Unreached::TimedOut)),
        }
    }

    /// Races connections. Nothing that happens meanwhile changes how they end.
    fn race(&mut self, agent: usize, first: usize) {
        let one = &self.agents[agent];
        let (Some(health), Some(run)) = (one.health.as_ref(), one.run.as_ref()) else {
            return;
        };
        let Some(walk) = run.walk.as_ref() else {
            return;
        };
        let began = self.now;
        let lanes: Vec<usize> = walk.plan.lanes(first, began).collect();
        let alone = match lanes[..] {
            [_] => Alone::Yes,
            _ => Alone::No,
        };
        let mut times = health.race_times(CLASS, first, began);
        let left = walk.plan.deadline().since(began);
        times.preference = times.preference.min(left / 2);
        let mut race = Race::new(lanes.len(), began, &times);
        let mut now = began;
        let mut ends: Vec<(Moment, usize, Result<(), Verdict>)> = Vec::new();
        let mut failed = Vec::new();
        let won = loop {
            let until = match race.step(now) {
                RaceStep::Won(lane) => break Some(lane),
                RaceStep::Lost => break None,
                RaceStep::Start(lane) => {
                    let limit = health.connect_limit(CLASS, lanes[lane], alone, began);
                    let (takes, end) = self.connection(lanes[lane], limit);
                    ends.push((now + takes, lane, end));
                    continue;
                }
                RaceStep::Wait(until) => until,
            };
            let first_end = ends.iter().map(|end| end.0).min();
            now = until.into_iter().chain(first_end).min().unwrap_or(now);
            ends.retain(|(at, lane, end)| {
                match (*at <= now, end) {
                    (false, _) => return true,
                    (true, Ok(())) => race.connected(*lane),
                    (true, Err(verdict)) => {
                        race.failed(*lane);
                        failed.push((*lane, *verdict));
                    }
                }
                false
            });
        };
        let is_before = |lane: &usize| won.is_some_and(|won| *lane < won);
        let raced = Raced {
            passed_over: race.connecting().filter(is_before).collect(),
            lanes: lanes
                .iter()
                .map(|place| (*place, health.mark(CLASS, *place)))
                .collect(),
            failed,
            won,
            began,
        };
        let ticket = self.ticket(agent);
        self.schedule(now, Event::Raced(ticket, Box::new(raced)));
    }

    pub(crate) fn raced(&mut self, ticket: Ticket, raced: &Raced) {
        let agent = ticket.agent;
        let over = Verdict::Unreached(Unreached::PassedOver);
        let passed_over = raced.passed_over.iter().map(|lane| (*lane, over));
        for (lane, verdict) in raced.failed.iter().copied().chain(passed_over) {
            let (place, mark) = raced.lanes[lane];
            if let Some(mark) = mark {
                self.note(agent, place, mark, verdict);
            }
        }
        let Some(won) = raced.won else {
            return self.go(agent);
        };
        let (place, now) = (raced.lanes[won].0, self.now);
        if let Some(health) = &self.agents[agent].health {
            let events = health.connected(CLASS, place, now.since(raced.began), now);
            self.tell(agent, events);
        }
        self.send(agent, place);
    }

    fn send(&mut self, agent: usize, place: usize) {
        let now = self.now;
        let ticket = self.ticket(agent);
        let one = &mut self.agents[agent];
        let (Some(health), Some(run)) = (one.health.as_ref(), one.run.as_mut()) else {
            return;
        };
        let may_leave = !run.left_silent_work;
        let Some((walk, mark)) = run.walk.as_mut().zip(health.mark(CLASS, place)) else {
            return;
        };
        let operation = walk.operation;
        let usual = health.usual().p95(operation).filter(|_| {
            may_leave && operation.repeat == Repeat::Harmless && walk.plan.leaves_others(place)
        });
        let times = &health.policy().patience;
        let stuck_after = usual.map(|usual| times.stuck_after(operation.length, usual));
        walk.attempt = Some(Attempt {
            place,
            mark,
            began: now,
            until: walk.plan.until(place, now),
            patience: Patience::new(operation.length, stuck_after, now, times),
        });
        let job = Job {
            ticket,
            takes: walk.takes,
        };
        if self.hosts[place].reach != Reach::Up {
            // It stopped while the connection was made.
            return self.lose(agent, Verdict::Lost(Loss::Reset));
        }
        match self.submit(place, job) {
            Admission::Shed(retry_after) => {
                self.tally.shed.count(now);
                self.weigh(agent, Verdict::Busy(retry_after));
            }
            Admission::Begun(_) | Admission::Queued => {
                self.tally.taken[place].count(now);
                if place == REPLICA {
                    self.agents[agent].was_at_replica = true;
                }
                self.look(ticket);
            }
        }
    }

    /// Gives a host work.
    pub(crate) fn submit(&mut self, place: usize, job: Job) -> Admission {
        let admission = self.hosts[place].admit(job, &mut self.random);
        if let Admission::Begun(job) = admission {
            self.begin(place, job);
        }
        admission
    }

    fn begin(&mut self, place: usize, job: Job) {
        let life = self.hosts[place].life;
        self.schedule(self.now + job.takes, Event::Done(place, life, job.ticket));
    }

    pub(crate) fn done(&mut self, place: usize, life: u32, ticket: Ticket) {
        if self.hosts[place].life != life {
            return;
        }
        if let Some(next) = self.hosts[place].done(ticket) {
            self.begin(place, next);
        }
        self.work_is_done(ticket);
        if self.is_awaited(ticket) {
            self.weigh(ticket.agent, Verdict::Answered);
        }
    }

    /// Takes in a response.
    fn weigh(&mut self, agent: usize, verdict: Verdict) {
        let (now, random) = (self.now, self.random.u64(..));
        let one = &mut self.agents[agent];
        let (Some(health), Some(run)) = (one.health.as_ref(), one.run.as_mut()) else {
            return;
        };
        let Some(walk) = run.walk.as_mut() else {
            return;
        };
        let Some(Attempt {
            place, mark, began, ..
        }) = walk.attempt.take()
        else {
            return;
        };
        let mut events = health.record(CLASS, place, mark, verdict, now, random);
        if verdict == Verdict::Answered {
            health.usual().answered(walk.operation, now.since(began));
        }
        let after = walk.plan.record(place, verdict, now, random);
        if let Some(until) = walk.plan.busy_until(place, now) {
            health.busy(CLASS, place, until);
        }
        if after == After::GoOn {
            self.tell(agent, events);
            return self.go(agent);
        }
        let is_calm = |place: usize| {
            let state = health.state(CLASS, place, now);
            !walk.plan.failed_at(place) && !matches!(state, Some(State::Benched | State::Probing))
        };
        let holder = health.holder(CLASS).unwrap_or(MASTER);
        if holder != place && !is_calm(holder) {
            events.extend(health.take_over(CLASS, place, now));
        }
        let pinned = run.pin.and_then(|pin| health.place(CLASS, pin));
        if pinned.is_none_or(|pinned| pinned != place && !is_calm(pinned)) {
            run.pin = health.id(CLASS, place);
        }
        run.done += 1;
        self.tell(agent, events);
        self.next_request(agent);
    }

    /// Takes in that an attempt got no response.
    fn lose(&mut self, agent: usize, verdict: Verdict) {
        let now = self.now;
        let one = &mut self.agents[agent];
        let (Some(health), Some(run)) = (one.health.as_ref(), one.run.as_mut()) else {
            return;
        };
        let Some(walk) = run.walk.as_mut() else {
            return;
        };
        let Some(attempt) = walk.attempt.take() else {
            return;
        };
        let waited = now.since(attempt.began);
        match verdict {
            Verdict::Lost(Loss::Stuck) => {
                health.usual().cut(walk.operation, waited);
                run.left_silent_work = true;
            }
            Verdict::Lost(Loss::TimedOut) => health.usual().cut(walk.operation, waited),
            _ => {}
        }
        self.note(agent, attempt.place, attempt.mark, verdict);
        self.go(agent);
    }

    fn note(&mut self, agent: usize, place: usize, mark: Mark, verdict: Verdict) {
        let (now, random) = (self.now, self.random.u64(..));
        let one = &mut self.agents[agent];
        let Some(health) = one.health.as_ref() else {
            return;
        };
        let events = health.record(CLASS, place, mark, verdict, now, random);
        if let Some(walk) = one.run.as_mut().and_then(|run| run.walk.as_mut()) {
            walk.plan.record(place, verdict, now, random);
        }
        self.tell(agent, events);
    }

    /// The connection that an answer was awaited on breaks.
    pub(crate) fn broken(&mut self, ticket: Ticket) {
        self.work_is_lost(ticket);
        if self.is_awaited(ticket) {
            self.lose(ticket.agent, Verdict::Lost(Loss::Reset));
        }
    }

    /// Patience looks at an attempt.
    pub(crate) fn look(&mut self, ticket: Ticket) {
        let (agent, now) = (ticket.agent, self.now);
        if !self.is_awaited(ticket) {
            return;
        }
        let run = self.agents[agent].run.as_ref();
        let attempt = run.and_then(|run| run.walk.as_ref()?.attempt.as_ref());
        let Some(attempt) = attempt else {
            return;
        };
        if now >= attempt.until {
            return self.lose(agent, Verdict::Lost(Loss::TimedOut));
        }
        match attempt.patience.step(now) {
            PatienceStep::Silent => self.lose(agent, Verdict::Lost(Loss::Silent)),
            PatienceStep::Stuck => self.lose(agent, Verdict::Lost(Loss::Stuck)),
            PatienceStep::Wait(next) => {
                let next = next.min(attempt.until);
                self.schedule(next, Event::Look(ticket));
            }
            PatienceStep::Ask => {
                let (takes, sign) = match self.status(attempt.place) {
                    (takes, Ok(())) => (takes, Sign::Life),
                    (takes, Err(_)) => (takes, Sign::Silence),
                };
                self.schedule(now + takes, Event::Sign(ticket, sign, now));
            }
        }
    }

    pub(crate) fn heard(&mut self, ticket: Ticket, sign: Sign, asked: Moment) {
        if !self.is_awaited(ticket) {
            return;
        }
        let run = self.agents[ticket.agent].run.as_mut();
        if let Some(attempt) = run.and_then(|run| run.walk.as_mut()?.attempt.as_mut()) {
            attempt.patience.heard(sign, asked);
        }
        self.look(ticket);
    }
}
