//! Health: every cell of an installation, who holds each service, and when work returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::budget::Budget;
use crate::cell::{Cell, Evidence, Generation, State};
use crate::order::{Mood, order};
use crate::plan::{Barred, Plan, Stop, Stops};
use crate::policy::{Connect, HEAD_START_MOST, Policy};
use crate::usual::UsualTimes;
use crate::verdict::{Loss, Unreached, Verdict};
use crate::{
    Class, Entry, Installation, Moment, Operation, Repeat, Role, Server, ServerList, jitter,
};

mod event;
mod failback;
mod force;
mod host;
mod recall;
mod server;
mod snapshot;

pub use event::{Event, Events};
pub use failback::{Probe, Probed, Question};
pub use force::Target;
pub use host::{Hearing, Mode};
pub use server::ServerId;
pub use snapshot::{ClassSnapshot, EntrySnapshot, HostSnapshot, Snapshot, UsualSnapshot};

use host::Host;
use server::ServerHealth;

/// What is known of every server of an installation, shared by all requests.
///
/// It is told verdicts and answers with plans; nothing in it blocks, and the healthy path only
/// loads.
#[derive(Debug)]
pub struct Health {
    policy: Policy,
    budget: Arc<Budget>,
    usual: Arc<UsualTimes>,
    /// By [`ServerId`]: servers are added and never taken out, so that an id stays true.
    servers: Vec<Arc<ServerHealth>>,
    hosts: Vec<Arc<Host>>,
    /// The hosts that some list names now, in that order.
    listed: Vec<Arc<Host>>,
    classes: [Option<ClassHealth>; Class::COUNT],
    failback: Option<failback::Return>,
}

/// The health of one class: a cell and a gauge for each server of its list.
#[derive(Debug)]
struct ClassHealth {
    list: ServerList,
    entries: Vec<Arc<EntryHealth>>,
    tenure: Arc<Tenure>,
}

/// Who holds a class.
#[derive(Debug)]
struct Tenure {
    /// Its [`ServerId`].
    holder: AtomicUsize,
    /// When that was last seen to be so for a reason; 0 while there was none.
    seen: AtomicU64,
}

#[derive(Debug)]
struct EntryHealth {
    id: ServerId,
    server: Arc<ServerHealth>,
    cell: Cell,
    /// Good answers in a row since it lost its place.
    good: AtomicU8,
    /// When the first of them came.
    good_since: AtomicU64,
    /// When it lost its place; 0 while it has it.
    down_since: AtomicU64,
    /// When it is next asked whether it is well; `u64::MAX` while it is being asked.
    next_probe: AtomicU64,
    /// Whether its host came back while it was being asked.
    overtaken: AtomicBool,
    /// Whether its status was good while its work was silent, so that only work shows it well.
    by_work: AtomicBool,
    /// Until when it asked to be left alone.
    busy_until: AtomicU64,
}

impl EntryHealth {
    fn new(id: ServerId, server: Arc<ServerHealth>) -> Self {
        Self {
            id,
            server,
            cell: Cell::default(),
            good: AtomicU8::new(0),
            good_since: AtomicU64::new(0),
            down_since: AtomicU64::new(0),
            next_probe: AtomicU64::new(0),
            overtaken: AtomicBool::new(false),
            by_work: AtomicBool::new(false),
            busy_until: AtomicU64::new(0),
        }
    }
}

impl EntryHealth {
    /// When a request that comes now is sent to it at the earliest: who waits for a busy server is
    /// spread by `random`.
    #[inline]
    fn not_before(&self, now: Moment, random: u64) -> Moment {
        let busy_until = Moment::from_nanos(self.busy_until.load(Ordering::Relaxed));
        match busy_until > now {
            true => busy_until + jitter::fraction(BUSY_SPREAD, random),
            false => now,
        }
    }
}

impl ClassHealth {
    /// The place of the holder; the first when the holder is no longer in the list.
    #[inline]
    fn holder(&self) -> usize {
        let holder = ServerId(self.tenure.holder.load(Ordering::Acquire));
        match self.entries.first() {
            // Nearly always.
            Some(first) if first.id == holder => 0,
            _ => self.place(holder).unwrap_or(0),
        }
    }

    /// The server at a place as a candidate for an operation, if it may be one.
    #[inline]
    fn stop(&self, operation: Operation, place: usize, now: Moment, random: u64) -> Option<Stop> {
        let entry = self.entries.get(place)?;
        let role = self.role(place);
        let may_go = operation.may_go_to(role);
        may_go.then(|| Stop::new(place, role, entry.not_before(now, random)))
    }

    fn place(&self, server: ServerId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == server)
    }

    fn seen(&self, now: Moment) {
        self.tenure.seen.fetch_max(now.as_nanos(), Ordering::AcqRel);
    }
}

/// What an attempt must hand back with its verdict, so that stale evidence is known as such.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    server: Generation,
    service: Generation,
}

impl Health {
    /// Everyone is presumed well.
    ///
    /// `agent` is 64 bits made from the agent's name: they choose its share of the failback spread.
    #[must_use]
    pub fn new(installation: &Installation, policy: Policy, agent: u64) -> Self {
        let bare = Self {
            budget: Arc::new(Budget::new(&policy.repeats)),
            usual: Arc::default(),
            failback: failback::Return::new(&policy.failback, agent),
            policy,
            servers: Vec::new(),
            hosts: Vec::new(),
            listed: Vec::new(),
            classes: [const { None }; Class::COUNT],
        };
        bare.with_installation(installation)
    }

    /// The same health with other lists: what is known of a server, of a service at it and of a
    /// class's holder stays, wherever the server stands now. Requests under way go on with the old
    /// lists, and what they find out counts here too.
    #[must_use]
    pub fn with_installation(&self, installation: &Installation) -> Self {
        let mut changed = Self {
            policy: self.policy.clone(),
            budget: Arc::clone(&self.budget),
            usual: Arc::clone(&self.usual),
            servers: self.servers.clone(),
            hosts: self.hosts.clone(),
            listed: Vec::new(),
            classes: [const { None }; Class::COUNT],
            failback: self.failback.clone(),
        };
        for class in Class::all() {
            if let Some(list) = installation.list_of(class) {
                let class_health = changed.class_of(&list, self.class(class));
                changed.classes[class.index()] = Some(class_health);
            }
        }
        changed
    }

    fn class_of(&mut self, list: &ServerList, before: Option<&ClassHealth>) -> ClassHealth {
        let mut entries = Vec::with_capacity(list.len());
        for server in list.servers() {
            let id = self.know(server);
            let server = &self.servers[id.0];
            if !self
                .listed
                .iter()
                .any(|host| Arc::ptr_eq(host, &server.host))
            {
                self.listed.push(Arc::clone(&server.host));
            }
            let known = before.and_then(|before| {
                let place = before.place(id)?;
                Some(Arc::clone(&before.entries[place]))
            });
            entries
                .push(known.unwrap_or_else(|| Arc::new(EntryHealth::new(id, Arc::clone(server)))));
        }
        let still_listed = |tenure: &Arc<Tenure>| {
            let holder = ServerId(tenure.holder.load(Ordering::Acquire));
            entries.iter().any(|entry| entry.id == holder)
        };
        let tenure = before.map(|before| Arc::clone(&before.tenure));
        let tenure = tenure.filter(still_listed).unwrap_or_else(|| {
            Arc::new(Tenure {
                holder: AtomicUsize::new(entries[0].id.0),
                seen: AtomicU64::new(0),
            })
        });
        ClassHealth {
            list: list.clone(),
            entries,
            tenure,
        }
    }

    /// The policy that it was made with.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The budget of repeats that all requests share.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What each operation usually takes.
    #[must_use]
    pub fn usual(&self) -> &UsualTimes {
        &self.usual
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

    /// The server at a place of a class's list, in a form that outlives a change of lists.
    #[must_use]
    pub fn id(&self, class: Class, place: usize) -> Option<ServerId> {
        Some(self.class(class)?.entries.get(place)?.id)
    }

    /// Where a server stands in a class's list now.
    #[must_use]
    pub fn place(&self, class: Class, server: ServerId) -> Option<usize> {
        self.class(class)?.place(server)
    }

    /// What the host at a place is: as listed, unless it has said since that it was promoted, or
    /// that it follows another.
    #[must_use]
    pub fn role(&self, class: Class, place: usize) -> Option<Role> {
        let class = self.class(class)?;
        (place < class.entries.len()).then(|| class.role(place))
    }

    /// The server at a place, and its role: see [`Health::role`].
    #[inline]
    #[must_use]
    pub fn who(&self, class: Class, place: usize) -> Option<(&Server, Role)> {
        let class = self.class(class)?;
        let entry = class.list.entries().get(place)?;
        Some((&entry.server, class.role(place)))
    }

    /// The worse of what is known of the server at a place and of the service there.
    #[must_use]
    pub fn state(&self, class: Class, place: usize, now: Moment) -> Option<State> {
        let class = self.class(class)?;
        (place < class.entries.len()).then(|| self.state_in(class, place, now))
    }

    /// The walk of a request; `None` when the installation does not have the service.
    ///
    /// `pin` is the server that the request's run keeps to. `deadline` only shortens the policy's.
    /// `random` spreads those that a busy server has to be asked by again.
    #[inline]
    #[must_use]
    pub fn plan(
        &self,
        operation: Operation,
        pin: Option<ServerId>,
        deadline: Option<Moment>,
        now: Moment,
        random: u64,
    ) -> Option<Plan> {
        let class = self.class(operation.class())?;
        let len = class.entries.len();
        let mut stops = Stops::new();
        for place in 0..len {
            stops.extend(class.stop(operation, place, now, random));
        }
        let state = |place: usize| self.state_in(class, place, now);
        let pin = pin.and_then(|pin| class.place(pin));
        let mood = order(&mut stops, Stop::place, pin, class.holder(), state);
        let barred = if operation.repeat == Repeat::Harmful && self.has_two_masters() {
            Barred::TwoMasters
        } else if stops.len() < len {
            Barred::Replica
        } else {
            Barred::Nobody
        };
        Some(self.walk(operation, stops, mood, barred, (now, deadline)))
    }

    /// The walk of a request that is for the server at `place` and for no other; `None` when it may not
    /// go there. The rest is as in [`Health::plan`].
    #[must_use]
    pub fn plan_at(
        &self,
        operation: Operation,
        place: usize,
        deadline: Option<Moment>,
        now: Moment,
        random: u64,
    ) -> Option<Plan> {
        let class = self.class(operation.class())?;
        let mut stops: Stops = class
            .stop(operation, place, now, random)
            .into_iter()
            .collect();
        if stops.is_empty() {
            return None;
        }
        let state = |place: usize| self.state_in(class, place, now);
        let mood = order(&mut stops, Stop::place, None, class.holder(), state);
        Some(self.walk(operation, stops, mood, Barred::Nobody, (now, deadline)))
    }

    #[inline]
    fn walk(
        &self,
        operation: Operation,
        stops: Stops,
        mood: Mood,
        barred: Barred,
        (now, deadline): (Moment, Option<Moment>),
    ) -> Plan {
        let usual = now + self.policy.deadline.of(operation);
        let deadline = deadline.map_or(usual, |earlier| earlier.min(usual));
        self.budget.deposit();
        let times = (now, deadline);
        Plan::new(operation, stops, mood, barred, times, &self.policy)
    }

    /// What an attempt at `place` that begins now hands back with its verdict.
    #[inline]
    #[must_use]
    pub fn mark(&self, class: Class, place: usize) -> Option<Mark> {
        let entry = self.class(class)?.entries.get(place)?;
        Some(Mark {
            server: entry.server.cell.generation(),
            service: entry.cell.generation(),
        })
    }

    /// How long one connection to `place` may take. `alone` when nobody stands in for it: then a
    /// server that is known to be away, or whose whole host is, is still asked but not waited for.
    #[must_use]
    pub fn connect_limit(&self, class: Class, place: usize, alone: Alone, now: Moment) -> Duration {
        let times = &self.policy.connect;
        let entry = self.class(class).and_then(|class| class.entries.get(place));
        let is_away = entry.is_some_and(|entry| {
            let state = entry.server.cell.state_at(now);
            let is_benched = matches!(state, State::Benched | State::Probing);
            is_benched || self.is_silent(&entry.server, now)
        });
        match (is_away, alone) {
            (true, Alone::Yes) => times.limit_benched.min(times.limit),
            _ => times.limit,
        }
    }

    /// The times of a race whose preferred server is at `first`: the policy's, or longer where that
    /// server usually takes longer to connect.
    ///
    /// A suspect has had its preference: it was waited for and did not connect. It gets its head
    /// start once more, and a stand-in that is connected waits no longer than that. So a black hole
    /// costs the services that share a port one preference and not one each.
    #[must_use]
    pub fn race_times(&self, class: Class, first: usize, now: Moment) -> Connect {
        let mut times = self.policy.connect.clone();
        let usual = self
            .class(class)
            .and_then(|class| class.entries.get(first))
            .and_then(|entry| entry.server.connects_in())
            .unwrap_or_default();
        let longer = |least: Duration, factor, most: Duration| {
            least.max(usual.saturating_mul(factor).min(most))
        };
        times.head_start = longer(times.head_start, 2, HEAD_START_MOST);
        times.preference = longer(times.preference, 4, times.limit);
        if self.state(class, first, now) == Some(State::Suspect) {
            times.preference = times.head_start;
        }
        times
    }

    /// A connection to `place` stands, and it took so long.
    pub fn connected(&self, class: Class, place: usize, took: Duration, now: Moment) -> Events {
        let mut events = Events::new();
        let entry = self.class(class).and_then(|class| class.entries.get(place));
        if let Some(entry) = entry {
            let server = &entry.server;
            server.connected_in(took);
            server.see(now);
            self.heard(server, now, &mut events);
        }
        events
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
        let server = &entry.server;
        let (of_server, of_service) = evidence(verdict);
        let is_current =
            mark.server == server.cell.generation() && mark.service == entry.cell.generation();
        let trip = &self.policy.trip;
        if let Some(evidence) = of_server {
            let change = server.cell.record(evidence, mark.server, now, random, trip);
            if let Some(change) = change {
                server.see(now);
                if change.revives() {
                    self.hasten(server.name.host(), now);
                }
                let server = server.name.clone();
                events.push(Event::Server { server, change });
            }
        }
        match host::hearing(verdict) {
            Some(Hearing::Answer) => self.heard(server, now, &mut events),
            Some(Hearing::Silence) => self.unheard(server, now, &mut events),
            None => {}
        }
        if let Some(evidence) = of_service {
            let change = entry.cell.record(evidence, mark.service, now, random, trip);
            if verdict == Verdict::Lost(Loss::Stuck) && is_current {
                entry.by_work.store(true, Ordering::Release);
            }
            if let Some(change) = change {
                let server = server.name.clone();
                events.push(Event::Service {
                    class,
                    server,
                    change,
                });
            }
        }
        let is_earlier = place < health.holder();
        match verdict {
            Verdict::Busy(_) | Verdict::Local => {}
            Verdict::Answered if is_earlier && is_current => {
                events.extend(self.good(class, place, now));
            }
            Verdict::Answered if entry.by_work.load(Ordering::Relaxed) => {
                entry.by_work.store(is_earlier, Ordering::Release);
            }
            Verdict::Answered => {}
            _ if is_earlier && is_current => entry.good.store(0, Ordering::Release),
            _ => {}
        }
        events
    }

    /// The server at `place` asked to be left alone until then.
    pub fn busy(&self, class: Class, place: usize, until: Moment) {
        if let Some(entry) = self.class(class).and_then(|class| class.entries.get(place)) {
            entry
                .busy_until
                .fetch_max(until.as_nanos(), Ordering::AcqRel);
        }
    }

    #[inline]
    fn class(&self, class: Class) -> Option<&ClassHealth> {
        self.classes[class.index()].as_ref()
    }

    #[inline]
    fn state_in(&self, class: &ClassHealth, place: usize, now: Moment) -> State {
        let entry = &class.entries[place];
        let server = &entry.server;
        if server.cell.is_ready() && entry.cell.is_ready() && !server.host.is_in_doubt() {
            return State::Ready;
        }
        let of_service = match entry.cell.state() {
            // To race a connection to it would win nothing: it connects, and its work is silent.
            State::Benched if entry.by_work.load(Ordering::Acquire) => State::Benched,
            _ => entry.cell.state_at(now),
        };
        match (server.cell.state_at(now), of_service) {
            (State::Benched, _) | (_, State::Benched) => State::Benched,
            (State::Probing, _) | (_, State::Probing) => State::Probing,
            (State::Suspect, _) | (_, State::Suspect) => State::Suspect,
            (State::Ready, State::Ready) if self.is_silent(server, now) => State::Suspect,
            (State::Ready, State::Ready) => State::Ready,
        }
    }
}

/// Requests that wait for the same busy server are sent within this time and not all at once.
const BUSY_SPREAD: Duration = Duration::from_secs(1);

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
        Verdict::Lost(Loss::Stuck) => (Some(Good), Some(Down)),
        Verdict::Lost(Loss::Garbage | Loss::Excess) => (None, Some(Failure)),
        Verdict::Lost(_) | Verdict::Cut => (None, Some(Weak)),
    }
}

#[cfg(test)]
mod tests;
