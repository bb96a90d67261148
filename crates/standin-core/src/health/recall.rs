//! What health takes from a memory, and leaves to one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::{ClassHealth, EntryHealth, Event, Events, Health, ServerHealth};
use crate::cell::{Evidence, State};
use crate::memory::{Held, Lost, Met, Recollection, Took};
use crate::time::WallTime;
use crate::{Class, Moment, Operation};

impl Health {
    /// Takes in what an earlier process learned: who held what, whom to doubt, what is usual. Only
    /// orders change and doubt is raised, but for a server whose work was silent: that is benched,
    /// since to race it would win nothing.
    ///
    /// Work returns here to a server that was good for the dwell of the failback policy. The spread
    /// is left out: the runs of a fleet are spread already.
    pub fn recall(&self, memory: &Recollection, now: Moment, wall: WallTime) -> Events {
        let mut memory = memory.clone();
        memory.prune(wall, &self.policy.memory);
        let clock = Clocks { now, wall };
        for server in &self.servers {
            if let Some(met) = memory.servers.get(server.name.authority()) {
                self.meet(server, met, clock);
            }
        }
        for (index, key) in keys() {
            if let Some(took) = memory.usual.get(&key) {
                self.usual.recall(index, &took.millis);
            }
        }
        let mut events = Events::new();
        for class in Class::all() {
            let held = memory.classes.get(&class.to_string());
            if let (Some(health), Some(held)) = (self.class(class), held) {
                events.extend(self.resume(class, health, held, clock));
            }
        }
        events
    }

    /// What was learned here, for the next process; times only since [`Health::written`].
    #[must_use]
    pub fn recollection(&self, now: Moment, wall: WallTime) -> Recollection {
        let clock = Clocks { now, wall };
        let classes = Class::all().filter_map(|class| {
            let held = self.held(self.class(class)?, clock)?;
            Some((class.to_string(), held))
        });
        let servers = self.servers.iter().filter_map(|server| {
            let met = server.met(clock)?;
            Some((server.name.authority().to_owned(), met))
        });
        let usual = keys().filter_map(|(index, key)| {
            let millis = self.usual.unwritten(index);
            (!millis.is_empty()).then_some((key, Took { millis, at: wall }))
        });
        Recollection {
            classes: classes.collect(),
            servers: servers.collect(),
            usual: usual.collect(),
        }
    }

    /// This recollection was written down, so its times need not be again.
    pub fn written(&self, recollection: &Recollection) {
        for (index, key) in keys() {
            if let Some(took) = recollection.usual.get(&key) {
                self.usual.written(index, took.millis.len());
            }
        }
    }

    fn meet(&self, server: &ServerHealth, met: &Met, clock: Clocks) {
        let at = clock.moment(met.at);
        server.recall(met.connects_in_micros, at);
        if met.doubted {
            let generation = server.cell.generation();
            let trip = &self.policy.trip;
            server
                .cell
                .record(Evidence::Doubt, generation, clock.now, 0, trip);
        }
    }

    fn resume(
        &self,
        class: Class,
        health: &ClassHealth,
        held: &Held,
        clock: Clocks,
    ) -> Option<Event> {
        let place = |authority: &str| {
            let mut servers = health.list.servers();
            servers.position(|server| server.authority() == authority)
        };
        let holder = place(&held.holder)?;
        self.move_to(class, health.holder(), holder, clock.now);
        health
            .tenure
            .seen
            .store(clock.moment(held.at).as_nanos(), Ordering::Release);
        let mut good = None;
        for (authority, lost) in &held.before {
            let Some(place) = place(authority).filter(|place| *place < holder) else {
                continue;
            };
            self.lose(&health.entries[place], lost, clock);
            let was_good_for = lost.good_since.and_then(|since| since.age(clock.wall));
            let terms = self.failback.as_ref();
            let returns = terms
                .zip(was_good_for)
                .is_some_and(|(terms, span)| span >= terms.dwell);
            if returns && good.is_none_or(|good| place < good) {
                good = Some(place);
            }
        }
        self.move_to(class, holder, good?, clock.now)
    }

    fn lose(&self, entry: &EntryHealth, lost: &Lost, clock: Clocks) {
        let down_since = clock.moment(lost.down_since).as_nanos();
        entry.down_since.store(down_since, Ordering::Release);
        // The first question is due at once.
        entry.next_probe.store(0, Ordering::Release);
        if let Some(since) = lost.good_since {
            let since = clock.moment(since).as_nanos();
            entry.good_since.store(since, Ordering::Release);
            entry.good.store(1, Ordering::Release);
        }
        let evidence = match lost.stuck {
            true => Evidence::Down,
            false => Evidence::Doubt,
        };
        entry.by_work.store(lost.stuck, Ordering::Release);
        let generation = entry.cell.generation();
        let trip = &self.policy.trip;
        entry.cell.record(evidence, generation, clock.now, 0, trip);
    }

    fn held(&self, health: &ClassHealth, clock: Clocks) -> Option<Held> {
        let seen = health.tenure.seen.load(Ordering::Acquire);
        if seen == 0 {
            return None;
        }
        let holder = health.holder();
        let authority = |place: usize| health.list.entries()[place].server.authority().to_owned();
        let before: BTreeMap<String, Lost> = health.entries[..holder]
            .iter()
            .enumerate()
            .map(|(place, entry)| (authority(place), entry.lost(clock)))
            .collect();
        Some(Held {
            holder: authority(holder),
            at: clock.wall(Moment::from_nanos(seen)),
            before,
        })
    }
}

impl EntryHealth {
    fn lost(&self, clock: Clocks) -> Lost {
        let at = |nanos: u64| clock.wall(Moment::from_nanos(nanos));
        let good = self.good.load(Ordering::Acquire);
        Lost {
            down_since: at(self.down_since.load(Ordering::Acquire)),
            good_since: (good > 0).then(|| at(self.good_since.load(Ordering::Acquire))),
            stuck: self.by_work.load(Ordering::Acquire),
        }
    }
}

impl ServerHealth {
    fn met(&self, clock: Clocks) -> Option<Met> {
        let at = self.seen()?;
        let connects_in = self.connects_in().unwrap_or_default();
        Some(Met {
            doubted: self.cell.state() != State::Ready,
            connects_in_micros: u32::try_from(connects_in.as_micros()).unwrap_or(u32::MAX),
            at: clock.wall(at),
        })
    }
}

/// The same moment on both clocks.
#[derive(Clone, Copy)]
struct Clocks {
    now: Moment,
    wall: WallTime,
}

impl Clocks {
    fn wall(self, moment: Moment) -> WallTime {
        self.wall.before(self.now.since(moment))
    }

    fn moment(self, wall: WallTime) -> Moment {
        self.now.before(wall.age(self.wall).unwrap_or_default())
    }
}

/// How operations are called in a memory, by their index.
fn keys() -> impl Iterator<Item = (usize, String)> {
    Operation::every().map(|operation| (operation.index(), operation.key()))
}

#[cfg(test)]
mod tests;
