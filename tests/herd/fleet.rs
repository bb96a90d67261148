//! A fleet of agents before a master and its replica, on a virtual clock.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use standin_core::health::{Event as Told, Events, Mark, Probe, Probed};
use standin_core::memory::Memory;
use standin_core::patience::Sign;
use standin_core::plan::GiveUp;
use standin_core::{
    Class, Health, Installation, Moment, Policy, ServerList, Service, Verdict, WallTime, jitter,
};

use crate::agent::{Agent, Form, RUN_INTERVAL, Run, SCRIPT, SPLAY, WORK_BETWEEN};
use crate::chart::Series;
use crate::host::{Capacity, Host, Reach, Ticket};
use crate::walk::Raced;

pub(crate) const AGENTS: usize = 5000;
pub(crate) const CLASS: Class = Class::Service(Service::PuppetServer);
pub(crate) const MASTER: usize = 0;
pub(crate) const REPLICA: usize = 1;

/// Where the clock of every process starts, so that what an earlier one saw has a moment too.
const START: Moment = Moment::from_nanos(86_400 * 1_000_000_000);

/// So long after the simulation began.
pub(crate) fn at(minutes: u64) -> Moment {
    START + Duration::from_secs(minutes * 60)
}

/// What is to happen.
pub(crate) enum Event {
    Fault(Fault),
    RunBegins(usize),
    /// The agent asks its plan what to do.
    Go(Ticket),
    Raced(Ticket, Box<Raced>),
    /// An instance of a host is done with a job, if the host still lives the life it began in.
    Done(usize, u32, Ticket),
    /// Patience looks at an attempt.
    Look(Ticket),
    Sign(Ticket, Sign, Moment),
    Broken(Ticket),
    /// For the process of an agent that asked.
    Probed(usize, u32, Box<Probe>, Probed),
    /// An agent that watches asks its servers for their status.
    Round(usize),
    /// What it saw of the one at a place.
    Seen(usize, usize, Mark, Result<(), Verdict>),
}

/// What befalls the master.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It takes so many times longer for everything.
    Slowness(f64),
    Stops(Reach),
    Starts,
}

struct Due(Reverse<(Moment, u64)>, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// What came of it all.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Requests that each host took on.
    pub(crate) taken: [Series; 2],
    /// Requests that the master was too busy for.
    pub(crate) shed: Series,
    /// Runs that began.
    pub(crate) runs: Series,
    /// Runs that could not be ended.
    pub(crate) failed: Series,
    /// Why.
    pub(crate) gave_up: BTreeSet<String>,
    /// Agents that returned to the master.
    pub(crate) returned: Series,
}

pub(crate) struct Fleet {
    pub(crate) now: Moment,
    queue: BinaryHeap<Due>,
    queued: u64,
    tickets: u64,
    /// Copies of requests that ask whether work is done again.
    pub(crate) copies: u64,
    pub(crate) asked_by_work: Vec<(Ticket, u32, Moment, Probe)>,
    pub(crate) random: fastrand::Rng,
    pub(crate) hosts: [Host; 2],
    pub(crate) agents: Vec<Agent>,
    form: Form,
    pub(crate) policy: Policy,
    installation: Installation,
    pub(crate) tally: Tally,
}

impl Fleet {
    pub(crate) fn new(form: Form, policy: Policy, capacity: Capacity, seed: u64) -> Self {
        let list = ServerList::parse("master.test,replica.test", 8140).expect("two servers");
        let series = || Series::since(START);
        let mut fleet = Self {
            now: START,
            queue: BinaryHeap::new(),
            queued: 0,
            tickets: 0,
            copies: 0,
            asked_by_work: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            hosts: [Host::new(capacity), Host::new(capacity)],
            agents: Vec::new(),
            form,
            policy,
            installation: Installation::new().with(Service::PuppetServer, list),
            tally: Tally {
                taken: [series(), series()],
                shed: series(),
                runs: series(),
                failed: series(),
                gave_up: BTreeSet::new(),
                returned: series(),
            },
        };
        for agent in 0..AGENTS {
            let offset = jitter::fraction(RUN_INTERVAL, fleet.random.u64(..));
            fleet.agents.push(Agent {
                offset,
                health: None,
                memory: Memory::new(),
                run: None,
                life: 0,
                expects: 0,
                was_at_replica: false,
            });
            fleet.schedule(START + offset, Event::RunBegins(agent));
            if form == Form::Watching {
                fleet.health(agent);
                let first = jitter::fraction(Duration::from_secs(10), fleet.random.u64(..));
                fleet.schedule(START + first, Event::Round(agent));
            }
        }
        fleet
    }

    pub(crate) fn befalls(&mut self, moment: Moment, fault: Fault) {
        self.schedule(moment, Event::Fault(fault));
    }

    pub(crate) fn schedule(&mut self, moment: Moment, event: Event) {
        self.queued += 1;
        self.queue.push(Due(Reverse((moment, self.queued)), event));
    }

    /// Lets time pass.
    pub(crate) fn go_on_until(&mut self, end: Moment) {
        while let Some(due) = self.queue.peek() {
            let Reverse((moment, _)) = due.0;
            if moment >= end {
                break;
            }
            self.now = moment;
            if let Some(Due(_, event)) = self.queue.pop() {
                self.happen(event);
            }
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Fault(fault) => self.befall(fault),
            Event::RunBegins(agent) => self.begin_run(agent),
            Event::Go(ticket) if self.is_awaited(ticket) => self.go(ticket.agent),
            Event::Go(_) => {}
            Event::Raced(ticket, raced) => self.raced(ticket, &raced),
            Event::Done(host, life, ticket) => self.done(host, life, ticket),
            Event::Look(ticket) => self.look(ticket),
            Event::Sign(ticket, sign, asked) => self.heard(ticket, sign, asked),
            Event::Broken(ticket) => self.broken(ticket),
            Event::Probed(agent, life, probe, came) => self.probed(agent, life, &probe, came),
            Event::Round(agent) => self.round(agent),
            Event::Seen(agent, place, mark, came) => self.seen(agent, place, mark, came),
        }
    }

    fn befall(&mut self, fault: Fault) {
        let master = &mut self.hosts[MASTER];
        match fault {
            Fault::Slowness(factor) => master.slowness = factor,
            Fault::Starts => master.reach = Reach::Up,
            Fault::Stops(reach) => {
                for ticket in master.stop(reach) {
                    self.schedule(self.now, Event::Broken(ticket));
                }
            }
        }
    }

    fn wall(&self) -> WallTime {
        let since = self.now.since(Moment::ORIGIN).as_millis();
        WallTime::from_millis(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// The health of an agent whose process is made now, unless it is there.
    fn health(&mut self, agent: usize) -> &Health {
        let (now, wall) = (self.now, self.wall());
        if self.agents[agent].health.is_none() {
            let name = jitter::seed_of(&format!("agent{agent}.test"));
            let health = Health::new(&self.installation, self.policy.clone(), name);
            if let Some(known) = self.agents[agent].memory.agents.get("agent") {
                let events = health.recall(known, now, wall);
                self.tell(agent, events);
            }
            self.agents[agent].health = Some(health);
        }
        self.agents[agent].health.as_ref().expect("made above")
    }

    pub(crate) fn tell(&mut self, agent: usize, events: Events) {
        for event in events {
            match event {
                Told::Failback { .. } => self.tally.returned.count(self.now),
                Told::Failover { .. } => self.agents[agent].was_at_replica = true,
                _ => {}
            }
        }
    }

    fn begin_run(&mut self, agent: usize) {
        let splay = match self.form {
            Form::OneRun => jitter::fraction(SPLAY, self.random.u64(..)),
            Form::LongLived | Form::Watching => Duration::ZERO,
        };
        let intervals = self.now.since(START).as_secs() / RUN_INTERVAL.as_secs() + 1;
        let due = self.agents[agent].offset + RUN_INTERVAL * u32::try_from(intervals).unwrap_or(0);
        self.schedule(START + due + splay, Event::RunBegins(agent));
        if self.agents[agent].run.is_some() {
            // The last one still goes on: Puppet's lock lets no second one begin.
            return;
        }
        self.tally.runs.count(self.now);
        let now = self.now;
        let events = self.health(agent).begin_run(now);
        self.tell(agent, events);
        self.agents[agent].run = Some(Run::default());
        self.next_request(agent);
    }

    /// The run goes on with its next request, or ends.
    pub(crate) fn next_request(&mut self, agent: usize) {
        let Some(run) = self.agents[agent].run.as_mut() else {
            return;
        };
        run.walk = None;
        if run.done == SCRIPT.len() {
            return self.end_run(agent);
        }
        let (from, to) = WORK_BETWEEN;
        let pause = Duration::from_millis(self.random.u64(from..to));
        let ticket = self.ticket(agent);
        self.schedule(self.now + pause, Event::Go(ticket));
    }

    /// The run cannot go on without the answer.
    pub(crate) fn give_up(&mut self, agent: usize, why: GiveUp) {
        self.tally.gave_up.insert(format!("{why:?}"));
        self.tally.failed.count(self.now);
        self.end_run(agent);
    }

    fn end_run(&mut self, agent: usize) {
        let (now, wall) = (self.now, self.wall());
        let one = &mut self.agents[agent];
        one.run = None;
        if self.form == Form::OneRun
            && let Some(health) = one.health.take()
        {
            let learned = health.recollection(now, wall);
            one.memory.merge("agent", learned);
            one.memory.prune(wall, &self.policy.memory);
            one.life += 1;
        }
    }

    /// For what the agent waits for now, instead of anything else.
    pub(crate) fn ticket(&mut self, agent: usize) -> Ticket {
        self.tickets += 1;
        self.agents[agent].expects = self.tickets;
        Ticket {
            agent,
            number: self.tickets,
        }
    }

    /// Whether an agent still waits for it.
    pub(crate) fn is_awaited(&self, ticket: Ticket) -> bool {
        self.agents[ticket.agent].expects == ticket.number
    }
}
