//! A host of the fleet's infrastructure: Puppet Server as a pool of JRuby instances with a queue.

use std::collections::VecDeque;
use std::time::Duration;

/// What a new connection to the host meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It is accepted.
    Up,
    /// It is refused: the service is down and the host is not.
    Refuses,
    /// Nothing comes back.
    Silent,
}

/// A request that waits for an instance or has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Who waits for it.
    pub(crate) ticket: Ticket,
    /// How long an instance works on it.
    pub(crate) takes: Duration,
}

/// Something that an agent waits for, so that who has left is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) agent: usize,
    pub(crate) number: u64,
}

/// What a request that was sent met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// An instance works on it until so long from now.
    Begun(Job),
    /// It waits for an instance.
    Queued,
    /// 503 with this `Retry-After`.
    Shed(Duration),
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.ticket == other.ticket
    }
}

impl Eq for Job {}

/// Puppet Server's own settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// `max-active-instances`.
    pub(crate) instances: usize,
    /// `max-queued-requests`.
    pub(crate) queued_most: usize,
    /// `max-retry-delay`: `Retry-After` is a whole number of seconds below it, at random.
    pub(crate) retry_delay_most: u64,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) reach: Reach,
    capacity: Capacity,
    running: Vec<Ticket>,
    queue: VecDeque<Job>,
    /// How many times it lost its work, so that the end of lost work is known as such.
    pub(crate) life: u32,
    /// How many times longer than usual it works on everything.
    pub(crate) slowness: f64,
}

impl Host {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            reach: Reach::Up,
            capacity,
            running: Vec::new(),
            queue: VecDeque::new(),
            life: 0,
            slowness: 1.0,
        }
    }

    /// A request arrives.
    pub(crate) fn admit(&mut self, job: Job, random: &mut fastrand::Rng) -> Admission {
        let job = Job {
            takes: job.takes.mul_f64(self.slowness),
            ..job
        };
        if self.running.len() < self.capacity.instances {
            self.running.push(job.ticket);
            return Admission::Begun(job);
        }
        if self.queue.len() >= self.capacity.queued_most {
            let seconds = random.u64(0..self.capacity.retry_delay_most);
            return Admission::Shed(Duration::from_secs(seconds));
        }
        self.queue.push_back(job);
        Admission::Queued
    }

    /// An instance is done with a job, and takes the next.
    pub(crate) fn done(&mut self, ticket: Ticket) -> Option<Job> {
        let at = self.running.iter().position(|running| *running == ticket)?;
        self.running.swap_remove(at);
        let next = self.queue.pop_front()?;
        self.running.push(next.ticket);
        Some(next)
    }

    /// It stops, and all work is lost. Returns whose connections break.
    pub(crate) fn stop(&mut self, reach: Reach) -> Vec<Ticket> {
        self.reach = reach;
        self.life += 1;
        let running = self.running.drain(..);
        let queued = self.queue.drain(..).map(|job| job.ticket);
        let lost = running.chain(queued).collect();
        match reach {
            Reach::Refuses => lost,
            // Nobody is told.
            Reach::Up | Reach::Silent => Vec::new(),
        }
    }
}
