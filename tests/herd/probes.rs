//! Questions to a server that does not hold the work: is it well again?

use std::time::Duration;

use standin_core::Verdict;
use standin_core::cell::State;
use standin_core::health::{Mark, Probe, Probed, Question};
use standin_core::verdict::Loss;

use crate::fleet::{CLASS, Event, Fleet, MASTER, REPLICA};
use crate::host::{Admission, Job, Reach, Ticket};

/// How long a status may take.
const STATUS_LIMIT: Duration = Duration::from_secs(2);

/// How long an instance works on a copy of a request that shows whether work is done.
const COPY_TAKES: Duration = Duration::from_millis(100);

impl Fleet {
    /// What comes of a question for a host's status that is asked now, and when. It needs no instance.
    pub(crate) fn status(&self, place: usize) -> (Duration, Result<(), Verdict>) {
        match self.hosts[place].reach {
            Reach::Silent => (STATUS_LIMIT, Err(Verdict::Lost(Loss::Silent))),
            Reach::Up | Reach::Refuses => self.connection(place, STATUS_LIMIT),
        }
    }

    pub(crate) fn ask(&mut self, agent: usize, probe: Probe) {
        let life = self.agents[agent].life;
        let place = probe.place();
        let (takes, came) = match (probe.question(), self.status(place)) {
            (_, (takes, Err(verdict))) => (takes, Probed::Bad(verdict)),
            (Question::Status, (takes, Ok(()))) => (takes, Probed::Good),
            (Question::Work, (_, Ok(()))) => return self.ask_by_work(agent, probe),
        };
        let probe = Box::new(probe);
        self.schedule(self.now + takes, Event::Probed(agent, life, probe, came));
    }

    /// The copy is answered as any other request, and nobody waits for it.
    fn ask_by_work(&mut self, agent: usize, probe: Probe) {
        let (place, life) = (probe.place(), self.agents[agent].life);
        self.copies += 1;
        let ticket = Ticket {
            agent,
            number: u64::MAX - self.copies,
        };
        let job = Job {
            ticket,
            takes: COPY_TAKES,
        };
        match self.submit(place, job) {
            Admission::Shed(_) => {
                let probe = Box::new(probe);
                let event = Event::Probed(agent, life, probe, Probed::Dropped);
                self.schedule(self.now, event);
            }
            Admission::Begun(_) | Admission::Queued => {
                self.tally.taken[place].count(self.now);
                self.asked_by_work.push((ticket, life, self.now, probe));
            }
        }
    }

    /// A copy of a request is answered, in time or too late.
    pub(crate) fn work_is_done(&mut self, ticket: Ticket) {
        self.end_work(ticket, Probed::Good);
    }

    pub(crate) fn work_is_lost(&mut self, ticket: Ticket) {
        self.end_work(ticket, Probed::Bad(Verdict::Lost(Loss::Reset)));
    }

    fn end_work(&mut self, ticket: Ticket, came: Probed) {
        let mut asked = self.asked_by_work.iter();
        let Some(at) = asked.position(|(asked, ..)| *asked == ticket) else {
            return;
        };
        let (_, life, asked, probe) = self.asked_by_work.swap_remove(at);
        let limit = self.policy.patience.stuck;
        let came = match self.now.since(asked) > limit {
            true => Probed::Bad(Verdict::Lost(Loss::Stuck)),
            false => came,
        };
        self.probed(ticket.agent, life, &probe, came);
    }

    pub(crate) fn probed(&mut self, agent: usize, life: u32, probe: &Probe, came: Probed) {
        let (now, random) = (self.now, self.random.u64(..));
        let one = &self.agents[agent];
        let Some(health) = one.health.as_ref().filter(|_| one.life == life) else {
            return;
        };
        let events = health.probed(probe, came, now, random);
        self.tell(agent, events);
    }

    /// An agent that watches asks both servers.
    pub(crate) fn round(&mut self, agent: usize) {
        let now = self.now;
        let pause = self.policy.probing.pause(self.random.u64(..));
        for place in [MASTER, REPLICA] {
            let Some(health) = &self.agents[agent].health else {
                return;
            };
            match (
                health.status_due(CLASS, place, now),
                health.mark(CLASS, place),
            ) {
                (Some(probe), _) => self.ask(agent, probe),
                (None, Some(mark)) => {
                    let (takes, came) = self.status(place);
                    self.schedule(now + takes, Event::Seen(agent, place, mark, came));
                }
                (None, None) => {}
            }
        }
        if let Some(pause) = pause {
            self.schedule(now + pause, Event::Round(agent));
        }
    }

    /// That it is running proves no work, so it only ends a doubt.
    pub(crate) fn seen(
        &mut self,
        agent: usize,
        place: usize,
        mark: Mark,
        came: Result<(), Verdict>,
    ) {
        let (now, random) = (self.now, self.random.u64(..));
        let Some(health) = &self.agents[agent].health else {
            return;
        };
        let verdict = match came {
            Err(verdict) => verdict,
            Ok(()) if health.state(CLASS, place, now) == Some(State::Suspect) => Verdict::Answered,
            Ok(()) => return,
        };
        let events = health.record(CLASS, place, mark, verdict, now, random);
        self.tell(agent, events);
    }
}
