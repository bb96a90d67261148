//! Failback: asking earlier servers whether they are well, and returning to them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{ClassHealth, Event, Events, Health, Mark};
use crate::cell::{Cell, Generation, State};
use crate::policy::{Failback, Hysteresis};
use crate::{Class, Moment, Verdict, jitter};

/// A question to an earlier server: is it well again? It counts as under way until it is handed
/// to [`Health::probed`].
#[derive(Debug)]
#[must_use = "a probe that is not answered blocks the next one"]
pub struct Probe {
    class: Class,
    place: usize,
    mark: Mark,
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
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The service says that it is running.
    Good,
    /// It does not.
    Bad(Verdict),
    /// The probe was given up; it counts as nothing.
    Dropped,
}

impl Health {
    /// The request was answered at `place` after its holder had failed it: the work moves there.
    pub fn take_over(&self, class: Class, place: usize, now: Moment) -> Option<Event> {
        let health = self.class(class)?;
        let holder = health.holder.load(Ordering::Acquire);
        self.move_to(class, holder, place, now)
    }

    /// The place of the class's present holder.
    #[inline]
    #[must_use]
    pub fn holder(&self, class: Class) -> Option<usize> {
        Some(self.class(class)?.holder.load(Ordering::Acquire))
    }

    /// A question that is due to a server earlier than the holder, if any.
    #[inline]
    #[must_use]
    pub fn probe_due(&self, class: Class, now: Moment) -> Option<Probe> {
        let health = self.class(class)?;
        let holder = health.holder.load(Ordering::Acquire);
        self.failback.as_ref()?;
        (0..holder).find_map(|place| self.claim(class, health, place, now))
    }

    /// Takes in what came of a probe.
    pub fn probed(&self, probe: &Probe, came: Probed, now: Moment, random: u64) -> Events {
        let Probe { class, place, mark } = *probe;
        let events = match came {
            Probed::Good => self.record(class, place, mark, Verdict::Answered, now, random),
            Probed::Bad(verdict) => self.record(class, place, mark, verdict, now, random),
            Probed::Dropped => Events::new(),
        };
        let Some(health) = self.class(class) else {
            return events;
        };
        let entry = &health.entries[place];
        let server = &self.servers[entry.server].1;
        server.drop_probe(mark.server);
        entry.cell.drop_probe(mark.service);
        let interval = self
            .failback
            .as_ref()
            .map_or(Duration::ZERO, |r| r.interval);
        if entry.overtaken.swap(false, Ordering::AcqRel) && matches!(came, Probed::Bad(_)) {
            // The question was older than its host's return: the answer says nothing of now.
            server.hasten(now);
            entry.cell.hasten(now);
        }
        entry
            .next_probe
            .store((now + interval).as_nanos(), Ordering::Release);
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

    fn claim(
        &self,
        class: Class,
        health: &ClassHealth,
        place: usize,
        now: Moment,
    ) -> Option<Probe> {
        let entry = &health.entries[place];
        let due = entry.next_probe.load(Ordering::Acquire);
        if now.as_nanos() < due {
            return None;
        }
        let mut mark = self.mark(class, place)?;
        let server = &self.servers[entry.server].1;
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
        Some(Probe { class, place, mark })
    }

    /// A server of this host came back, so its others may have too: they are asked now rather than
    /// at the end of benches that doubled while the whole host was away.
    pub(super) fn hasten(&self, host: &str, now: Moment) {
        for (server, cell) in &self.servers {
            if server.host() == host {
                cell.hasten(now);
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
        if good < terms.good || now.since(good_since) < terms.dwell {
            return None;
        }
        let holder = health.holder.load(Ordering::Acquire);
        let is_down = matches!(
            self.state_in(health, place, now),
            State::Benched | State::Probing
        );
        (place < holder && !is_down)
            .then(|| self.move_to(class, holder, place, now))
            .flatten()
    }

    fn move_to(&self, class: Class, from: usize, to: usize, now: Moment) -> Option<Event> {
        let health = self.class(class)?;
        if from == to || to >= health.entries.len() {
            return None;
        }
        health
            .holder
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        let interval = self
            .failback
            .as_ref()
            .map_or(Duration::ZERO, |r| r.interval);
        for entry in &health.entries[..to] {
            entry.good.store(0, Ordering::Release);
            let next = (now + interval).as_nanos();
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
#[derive(Debug)]
pub(super) struct Return {
    good: u8,
    dwell: Duration,
    interval: Duration,
    when: When,
}

#[derive(Debug, PartialEq, Eq)]
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
            dwell: hysteresis.dwell + jitter::fraction(hysteresis.spread, agent),
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
