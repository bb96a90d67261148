//! Health: every cell of an installation, who holds each service, and when work returns.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use smallvec::SmallVec;

use crate::budget::Budget;
use crate::cell::{Cell, Change, Evidence, Generation, State};
use crate::order::order;
use crate::plan::{Barred, Plan};
use crate::policy::{Connect, Policy};
use crate::verdict::{Loss, Unreached, Verdict};
use crate::{Class, Entry, Installation, Moment, Operation, Server, ServerList};

mod failback;
mod snapshot;

pub use failback::{Probe, Probed};
pub use snapshot::{ClassSnapshot, EntrySnapshot, Snapshot};

/// What is known of every server of an installation, shared by all requests.
///
/// It is told verdicts and answers with plans; nothing in it blocks, and the healthy path only
/// loads.
#[derive(Debug)]
pub struct Health {
    policy: Policy,
    budget: Budget,
    servers: Vec<(Server, Cell)>,
    classes: [Option<ClassHealth>; Class::COUNT],
    failback: Option<failback::Return>,
}

/// The health of one class: a cell and a gauge for each server of its list.
#[derive(Debug)]
struct ClassHealth {
    list: ServerList,
    entries: Vec<EntryHealth>,
    holder: AtomicUsize,
}

#[derive(Debug, Default)]
struct EntryHealth {
    /// The place of its server in [`Health::servers`].
    server: usize,
    cell: Cell,
    /// Good answers in a row since it lost its place.
    good: AtomicU8,
    /// When the first of them came.
    good_since: AtomicU64,
    /// When it is next asked whether it is well; `u64::MAX` while it is being asked.
    next_probe: AtomicU64,
    /// Whether its host came back while it was being asked.
    overtaken: AtomicBool,
}

/// What an attempt must hand back with its verdict, so that stale evidence is known as such.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    server: Generation,
    service: Generation,
}

/// Something changed that an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The health of a server changed.
    Server {
        /// Which.
        server: Server,
        /// How.
        change: Change,
    },
    /// The health of a service at a server changed.
    Service {
        /// Whose.
        class: Class,
        /// Where.
        server: Server,
        /// How.
        change: Change,
    },
    /// Work moved to a later server of the list.
    Failover {
        /// Whose.
        class: Class,
        /// Who held it.
        from: Server,
        /// Who holds it now.
        to: Server,
    },
    /// Work returned to an earlier server of the list.
    Failback {
        /// Whose.
        class: Class,
        /// Who held it.
        from: Server,
        /// Who holds it now.
        to: Server,
    },
}

/// What happened to health; nearly always nothing.
pub type Events = SmallVec<[Event; 1]>;

impl Health {
    /// Everyone is presumed well.
    ///
    /// `agent` is 64 bits made from the agent's name: they choose its share of the failback spread.
    #[must_use]
    pub fn new(installation: &Installation, policy: Policy, agent: u64) -> Self {
        let mut servers: Vec<(Server, Cell)> = Vec::new();
        let mut classes = [const { None }; Class::COUNT];
        for class in Class::all() {
            let Some(list) = installation.list(class.service()) else {
                continue;
            };
            let entries = list.servers().map(|server| {
                let known = servers.iter().position(|(other, _)| other == server);
                let server = known.unwrap_or_else(|| {
                    servers.push((server.clone(), Cell::default()));
                    servers.len() - 1
                });
                EntryHealth {
                    server,
                    ..EntryHealth::default()
                }
            });
            classes[class.index()] = Some(ClassHealth {
                entries: entries.collect(),
                list: list.clone(),
                holder: AtomicUsize::new(0),
            });
        }
        Self {
            budget: Budget::new(&policy.repeats),
            failback: failback::Return::new(&policy.failback, agent),
            policy,
            servers,
            classes,
        }
    }

    /// The policy that it was made with.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The budget of repeats that all requests share.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The servers of a class; `None` when the installation does not have it.
    #[must_use]
    pub fn list(&self, class: Class) -> Option<&ServerList> {
        self.class(class).map(|class| &class.list)
    }

    /// The entry at a place of a class's list.
    #[must_use]
    pub fn entry(&self, class: Class, place: usize) -> Option<&Entry> {
        self.list(class)?.entries().get(place)
    }

    /// The worse of what is known of the server at a place and of the service there.
    #[must_use]
    pub fn state(&self, class: Class, place: usize, now: Moment) -> Option<State> {
        let class = self.class(class)?;
        (place < class.entries.len()).then(|| self.state_in(class, place, now))
    }

    /// The walk of a request; `None` when the installation does not have the service.
    ///
    /// `pin` is the place that the request's run keeps to. `deadline` only shortens the policy's.
    #[must_use]
    pub fn plan(
        &self,
        operation: Operation,
        pin: Option<usize>,
        deadline: Option<Moment>,
        now: Moment,
    ) -> Option<Plan> {
        let class = self.class(operation.class())?;
        let entries = class.list.entries();
        let allowed = |place: usize| operation.may_go_to(entries[place].role);
        let state = |place: usize| self.state_in(class, place, now);
        let holder = class.holder.load(Ordering::Acquire);
        let order = order(entries.len(), pin, holder, allowed, state);
        let barred = match order.0.len() < entries.len() {
            true => Barred::Replica,
            false => Barred::Nobody,
        };
        let usual = now + self.policy.deadline.of(operation);
        let deadline = deadline.map_or(usual, |earlier| earlier.min(usual));
        self.budget.deposit();
        let role = |place: usize| entries[place].role;
        Some(Plan::new(
            operation,
            order,
            barred,
            role,
            deadline,
            &self.policy,
        ))
    }

    /// What an attempt at `place` that begins now hands back with its verdict.
    #[inline]
    #[must_use]
    pub fn mark(&self, class: Class, place: usize) -> Option<Mark> {
        let entry = self.class(class)?.entries.get(place)?;
        Some(Mark {
            server: self.servers[entry.server].1.generation(),
            service: entry.cell.generation(),
        })
    }

    /// How long one connection to `place` may take. `alone` when nobody stands in for it.
    #[must_use]
    pub fn connect_limit(&self, class: Class, place: usize, alone: Alone, now: Moment) -> Duration {
        let times = &self.policy.connect;
        let server = self
            .class(class)
            .and_then(|class| class.entries.get(place))
            .map(|entry| self.servers[entry.server].1.state_at(now));
        match (server, alone) {
            (Some(State::Benched | State::Probing), Alone::Yes) => times.limit_benched,
            _ => times.limit,
        }
    }

    /// The times of a race whose preferred server is at `first`.
    ///
    /// A suspect has had its preference: it was waited for and did not connect. It gets its head
    /// start once more, and a stand-in that is connected waits no longer than that. So a black hole
    /// costs the services that share a port one preference and not one each.
    #[must_use]
    pub fn race_times(&self, class: Class, first: usize, now: Moment) -> Connect {
        let mut times = self.policy.connect.clone();
        if self.state(class, first, now) == Some(State::Suspect) {
            times.preference = times.head_start;
        }
        times
    }

    /// Takes in the verdict of one attempt. `random` jitters a bench.
    pub fn record(
        &self,
        class: Class,
        place: usize,
        mark: Mark,
        verdict: Verdict,
        now: Moment,
        random: u64,
    ) -> Events {
        let mut events = Events::new();
        let Some(health) = self.class(class) else {
            return events;
        };
        let Some(entry) = health.entries.get(place) else {
            return events;
        };
        let (of_server, of_service) = evidence(verdict);
        let is_current = mark.server == self.servers[entry.server].1.generation()
            && mark.service == entry.cell.generation();
        let trip = &self.policy.trip;
        let server = || health.list.entries()[place].server.clone();
        if let Some(evidence) = of_server {
            let cell = &self.servers[entry.server].1;
            let change = cell.record(evidence, mark.server, now, random, trip);
            if let Some(change) = change {
                let server = server();
                if change.revives() {
                    self.hasten(server.host(), now);
                }
                events.push(Event::Server { server, change });
            }
        }
        if let Some(evidence) = of_service {
            let change = entry.cell.record(evidence, mark.service, now, random, trip);
            if let Some(change) = change {
                events.push(Event::Service {
                    class,
                    server: server(),
                    change,
                });
            }
        }
        if place < health.holder.load(Ordering::Acquire) && is_current {
            match verdict {
                Verdict::Answered => events.extend(self.good(class, place, now)),
                Verdict::Busy(_) | Verdict::Local => {}
                _ => entry.good.store(0, Ordering::Release),
            }
        }
        events
    }

    fn class(&self, class: Class) -> Option<&ClassHealth> {
        self.classes[class.index()].as_ref()
    }

    fn state_in(&self, class: &ClassHealth, place: usize, now: Moment) -> State {
        let entry = &class.entries[place];
        let server = self.servers[entry.server].1.state_at(now);
        match (server, entry.cell.state_at(now)) {
            (State::Benched, _) | (_, State::Benched) => State::Benched,
            (State::Probing, _) | (_, State::Probing) => State::Probing,
            (State::Suspect, _) | (_, State::Suspect) => State::Suspect,
            (State::Ready, State::Ready) => State::Ready,
        }
    }
}

/// Whether a candidate has a stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// Nobody else may be asked.
    Yes,
    /// Somebody else may be asked.
    No,
}

/// What a verdict shows of the server, and of the service there.
fn evidence(verdict: Verdict) -> (Option<Evidence>, Option<Evidence>) {
    use Evidence::{Doubt, Down, Failure, Good, Slow, Weak};
    match verdict {
        Verdict::Answered => (Some(Good), Some(Good)),
        Verdict::NotReady(_) => (Some(Good), Some(Failure)),
        Verdict::Busy(_) => (Some(Good), None),
        Verdict::Unreached(Unreached::Refused) | Verdict::Untrusted => (Some(Down), None),
        Verdict::Unreached(Unreached::PassedOver) => (Some(Doubt), None),
        Verdict::Unreached(_) => (Some(Slow), None),
        Verdict::Local => (None, None),
        Verdict::Lost(Loss::Silent) => (Some(Down), None),
        Verdict::Lost(Loss::Garbage) => (None, Some(Failure)),
        Verdict::Lost(_) | Verdict::Cut => (None, Some(Weak)),
    }
}

#[cfg(test)]
mod tests;
