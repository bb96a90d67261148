//! Failback: asking earlier servers whether they are well, and returning to them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{ClassHealth, Event, Events, Health, Mark};
use crate::cell::{Cell, Generation, State};
use crate::policy::{Failback, Hysteresis, Probing};
use crate::{Class, Moment, Operation, Verdict, jitter};

/// A question to an earlier server: is it well again? It counts as under way until it is handed
/// to [`Health::probed`].
#[derive(Debug)]
#[must_use = "a probe that is not answered blocks the next one"]
pub struct Probe {
    class: Class,
    place: usize,
    question: Question,
    mark: Mark,
}

/// What a server has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The status of the service.
    Status,
    /// A copy of the request at hand: its status was good while its work was silent, so only work
    /// shows anything.
    Work,
}

impl Probe {
    /// Whose health is asked.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The place of the server in the list.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.place
    }

    /// What it has to be asked.
    #[must_use]
    pub const fn question(&self) -> Question {
        self.question
    }
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The service says that it is running, or did the work.
    Good,
    /// It does not.
    Bad(Verdict),
    /// The probe was given up; it counts as nothing.
    Dropped,
}

impl Health {
    /// The request was answered at `place` after its holder had failed it: the work moves there.
    pub fn take_over(&self, class: Class, place: usize, now: Moment) -> Option<Event> {
        let holder = self.holder(class)?;
        self.move_to(class, holder, place, now)
    }

    /// The place of the class's present holder.
    #[inline]
    #[must_use]
    pub fn holder(&self, class: Class) -> Option<usize> {
        Some(self.class(class)?.holder())
    }

    /// A question that is due to a server earlier than the holder, if any, now that `operation` is at
    /// hand: a copy of it may be asked of a server that only work shows well.
    #[inline]
    #[must_use]
    pub fn probe_due(&self, operation: Operation, now: Moment) -> Option<Probe> {
        let health = self.class(operation.class())?;
        let holder = health.holder();
        self.failback.as_ref()?;
        (0..holder).find_map(|place| {
            let by_work = health.entries[place].by_work.load(Ordering::Acquire);
            let may_serve = || operation.may_go_to(health.role(place));
            let question = match by_work {
                false => Question::Status,
                true if operation.may_probe() && may_serve() => Question::Work,
                true => return None,
            };
            self.claim(operation.class(), health, place, question, now)
        })
    }

    /// The same without a request at hand, for whoever watches `place` by its status.
    #[must_use]
    pub fn status_due(&self, class: Class, place: usize, now: Moment) -> Option<Probe> {
        let health = self.class(class)?;
        let entry = health.entries.get(place)?;
        let by_status = !entry.by_work.load(Ordering::Acquire);
        self.failback.as_ref()?;
        (by_status && place < health.holder())
            .then(|| self.claim(class, health, place, Question::Status, now))
            .flatten()
    }

    /// Takes in what came of a probe.
    pub fn probed(&self, probe: &Probe, came: Probed, now: Moment, random: u64) -> Events {
        let Probe {
            class, place, mark, ..
        } = *probe;
        let events = match came {
            Probed::Good => self.record(class, place, mark, Verdict::Answered, now, random),
            Probed::Bad(verdict) => self.record(class, place, mark, verdict, now, random),
            Probed::Dropped => Events::new(),
        };
        let Some(health) = self.class(class) else {
            return events;
        };
        let entry = &health.entries[place];
        let server = &entry.server.cell;
        server.drop_probe(mark.server);
        entry.cell.drop_probe(mark.service);
        if came != Probed::Dropped {
            // Whoever holds the work does so for a reason that was looked at just now.
            health.seen(now);
        }
        if entry.overtaken.swap(false, Ordering::AcqRel) && matches!(came, Probed::Bad(_)) {
            // The question was older than its host's return: the answer says nothing of now.
            server.hasten(now);
            entry.cell.hasten(now);
        }
        // Never quite the same time apart, or a server that comes and goes might always be met well.
        let pause = Probing::Every(self.interval()).pause(random);
        let next = now + pause.unwrap_or_default();
        entry.next_probe.store(next.as_nanos(), Ordering::Release);
        events
    }

    /// A run begins: with [`Failback::NextRun`], work returns here and nowhere else.
    pub fn begin_run(&self, now: Moment) -> Events {
        let mut events = Events::new();
        for class in Class::all() {
            let Some(holder) = self.holder(class) else {
                continue;
            };
            let returned = (0..holder).find_map(|place| self.come_back(class, place, now));
            events.extend(returned);
        }
        events
    }

    fn interval(&self) -> Duration {
        let terms = self.failback.as_ref();
        terms.map_or(Duration::ZERO, |terms| terms.interval)
    }

    fn claim(
        &self,
        class: Class,
        health: &ClassHealth,
        place: usize,
        question: Question,
        now: Moment,
    ) -> Option<Probe> {
        let entry = &health.entries[place];
        let due = entry.next_probe.load(Ordering::Acquire);
        if now.as_nanos() < due {
            return None;
        }
        let mut mark = self.mark(class, place)?;
        let server = &entry.server.cell;
        entry
            .next_probe
            .compare_exchange(due, u64::MAX, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        let claims = (claim_cell(server, now), claim_cell(&entry.cell, now));
        if let (Claim::Taken(taken), _) = claims {
            mark.server = taken;
        }
        if let (_, Claim::Taken(taken)) = claims {
            mark.service = taken;
        }
        if let (Claim::NotYet, _) | (_, Claim::NotYet) = claims {
            // Only what was taken here: another class may be probing the server.
            if let (Claim::Taken(taken), _) = claims {
                server.drop_probe(taken);
            }
            if let (_, Claim::Taken(taken)) = claims {
                entry.cell.drop_probe(taken);
            }
            entry.next_probe.store(due, Ordering::Release);
            return None;
        }
        Some(Probe {
            class,
            place,
            question,
            mark,
        })
    }

    /// A server of this host came back, so its others may have too: they are asked now rather than
    /// at the end of benches that doubled while the whole host was away.
    pub(super) fn hasten(&self, host: &str, now: Moment) {
        for server in &self.servers {
            if server.name.host() == host {
                server.cell.hasten(now);
            }
        }
        for class in self.classes.iter().flatten() {
            for (entry, listed) in class.entries.iter().zip(class.list.servers()) {
                if listed.host() != host {
                    continue;
                }
                if entry.next_probe.load(Ordering::Acquire) == u64::MAX {
                    entry.overtaken.store(true, Ordering::Release);
                } else {
                    entry.cell.hasten(now);
                    entry.next_probe.fetch_min(now.as_nanos(), Ordering::AcqRel);
                }
            }
        }
    }

    /// One more good answer from a server before the holder.
    pub(super) fn good(&self, class: Class, place: usize, now: Moment) -> Option<Event> {
        let entry = self.class(class)?.entries.get(place)?;
        if entry.good.load(Ordering::Acquire) == 0 {
            entry.good_since.store(now.as_nanos(), Ordering::Release);
        }
        let _ = entry
            .good
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |good| {
                good.checked_add(1)
            });
        match self.failback.as_ref()?.when {
            When::AtOnce => self.come_back(class, place, now),
            When::AtRun => None,
        }
    }

    /// Moves the work back to `place` if it has been good for long enough.
    fn come_back(&self, class: Class, place: usize, now: Moment) -> Option<Event> {
        let health = self.class(class)?;
        let entry = health.entries.get(place)?;
        let terms = self.failback.as_ref()?;
        let good_since = Moment::from_nanos(entry.good_since.load(Ordering::Acquire));
        let good = entry.good.load(Ordering::Acquire);
        if good < terms.good || now.since(good_since) < terms.dwell + terms.share {
            return None;
        }
        let holder = health.holder();
        let is_down = matches!(
            self.state_in(health, place, now),
            State::Benched | State::Probing
        );
        (place < holder && !is_down)
            .then(|| self.move_to(class, holder, place, now))
            .flatten()
    }

    pub(super) fn move_to(
        &self,
        class: Class,
        from: usize,
        to: usize,
        now: Moment,
    ) -> Option<Event> {
        let health = self.class(class)?;
        if from == to || to >= health.entries.len() {
            return None;
        }
        let id = |place: usize| health.entries[place].id.get();
        let holder = &health.tenure.holder;
        let before = holder.load(Ordering::Acquire);
        let is_there = health.holder() == from;
        let moved = holder.compare_exchange(before, id(to), Ordering::AcqRel, Ordering::Acquire);
        if !is_there || moved.is_err() {
            return None;
        }
        health.seen(now);
        for entry in &health.entries[to..] {
            entry.down_since.store(0, Ordering::Release);
            entry.by_work.store(false, Ordering::Release);
        }
        let next = (now + self.interval()).as_nanos();
        for entry in &health.entries[..to] {
            entry.good.store(0, Ordering::Release);
            let since = &entry.down_since;
            let _ = since.compare_exchange(0, now.as_nanos(), Ordering::AcqRel, Ordering::Acquire);
            let _ = entry
                .next_probe
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |due| {
                    (due != u64::MAX).then_some(next)
                });
        }
        let server = |place: usize| health.list.entries()[place].server.clone();
        let (from, to, later) = (server(from), server(to), to > from);
        Some(match later {
            true => Event::Failover { class, from, to },
            false => Event::Failback { class, from, to },
        })
    }
}

/// When work returns: the policy with this agent's share of the spread.
#[derive(Clone, Debug)]
pub(super) struct Return {
    good: u8,
    pub(super) dwell: Duration,
    share: Duration,
    interval: Duration,
    when: When,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    AtOnce,
    AtRun,
}

impl Return {
    pub(super) fn new(failback: &Failback, agent: u64) -> Option<Self> {
        let (hysteresis, when) = match failback {
            Failback::Immediate => {
                let at_once = Hysteresis {
                    good: 1,
                    dwell: Duration::ZERO,
                    spread: Duration::ZERO,
                    ..Hysteresis::default()
                };
                (at_once, When::AtOnce)
            }
            Failback::Hysteresis(hysteresis) => (hysteresis.clone(), When::AtOnce),
            Failback::NextRun(hysteresis) => (hysteresis.clone(), When::AtRun),
            Failback::Never => return None,
        };
        Some(Self {
            good: hysteresis.good,
            dwell: hysteresis.dwell,
            share: jitter::fraction(hysteresis.spread, agent),
            interval: hysteresis.interval(),
            when,
        })
    }
}

enum Claim {
    Free,
    Taken(Generation),
    NotYet,
}

fn claim_cell(cell: &Cell, now: Moment) -> Claim {
    match (cell.state(), cell.claim_probe(now)) {
        (State::Ready | State::Suspect, _) => Claim::Free,
        (_, Some(generation)) => Claim::Taken(generation),
        (_, None) => Claim::NotYet,
    }
}
