//! The plan of one request: its walk along the candidates.

use std::time::Duration;

use serde::Serialize;
use smallvec::SmallVec;

use crate::budget::Budget;
use crate::order::{Mood, Order};
use crate::policy::Policy;
use crate::verdict::{Processed, Verdict};
use crate::{Moment, Operation, Repeat, Role, jitter};

/// The walk of one request along its candidates: whom to try next, how long, and when to stop.
///
/// It is told what came of each attempt and answers what to do; it does nothing itself.
#[derive(Debug)]
pub struct Plan {
    stops: SmallVec<[Stop; 4]>,
    operation: Operation,
    mood: Mood,
    barred: Barred,
    deadline: Moment,
    reserve: Duration,
    pauses: (Duration, Duration),
    sent_most: usize,
    sent: usize,
    attempts: usize,
    /// So many times a server was busy, which is not the same as out of reach.
    busy: usize,
    waiting: Option<Moment>,
    end: Option<GiveUp>,
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    place: usize,
    role: Role,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Fresh,
    Failed,
    Untrusted,
    Busy,
}

/// Whether servers of the list were left out because they may not be sent the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Everyone may be asked.
    Nobody,
    /// A replica is in the list and may not be asked.
    Replica,
}

/// What to do next for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Try the server at this place of the list, until this moment at most.
    Attempt {
        /// Its place in the server list.
        place: usize,
        /// When the attempt ends as lost.
        until: Moment,
    },
    /// Wait until this moment and ask again.
    Wait(Moment),
    /// There is no more to do.
    GiveUp(GiveUp),
}

/// Whether an answer goes to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Hand it back.
    HandBack,
    /// Ask the plan for its next step.
    GoOn,
}

/// Why a walk ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GiveUp {
    /// Every candidate was tried.
    Exhausted,
    /// Only a master may be asked, and none could be reached.
    NotDuringFailover,
    /// The request may have been processed and may not be repeated.
    MaybeProcessed,
    /// Every candidate failed for want of trust.
    Untrusted,
    /// This machine is at fault.
    Local,
    /// Time ran out.
    DeadlinePassed,
    /// The budget of repeats is spent.
    OverBudget,
}

impl Plan {
    /// A plan for `operation` along `order`, whose roles `role` gives by place.
    #[inline]
    #[must_use]
    pub fn new(
        operation: Operation,
        (order, mood): (Order, Mood),
        barred: Barred,
        role: impl Fn(usize) -> Role,
        deadline: Moment,
        policy: &Policy,
    ) -> Self {
        let mut stops = SmallVec::new();
        for &place in &order {
            stops.push(Stop {
                place,
                role: role(place),
                progress: Progress::Fresh,
            });
        }
        let sent_most = (stops.len() + 1).min(usize::from(policy.repeats.sent_most));
        Self {
            stops,
            operation,
            mood,
            barred,
            deadline,
            reserve: policy.deadline.reserve,
            pauses: (policy.repeats.pause, policy.repeats.pause_most),
            sent_most,
            sent: 0,
            attempts: 0,
            busy: 0,
            waiting: None,
            end: None,
        }
    }

    /// What to do next. Repeats are paid for from `budget`.
    pub fn step(&mut self, now: Moment, budget: &Budget) -> Step {
        if let Some(end) = self.end {
            return Step::GiveUp(end);
        }
        if now >= self.deadline {
            return Step::GiveUp(self.out_of_time());
        }
        if let Some(until) = self.waiting {
            if now < until {
                return Step::Wait(until.min(self.deadline));
            }
            self.waiting = None;
        }
        let Some(place) = self.fresh().next() else {
            return Step::GiveUp(self.out_of_candidates());
        };
        if self.sent >= self.sent_most {
            return Step::GiveUp(self.out_of_candidates());
        }
        if self.sent > 0 && budget.withdraw().is_none() {
            return Step::GiveUp(GiveUp::OverBudget);
        }
        Step::Attempt {
            place,
            until: self.until(place, now),
        }
    }

    /// The candidates not tried yet, in order.
    pub fn fresh(&self) -> impl Iterator<Item = usize> + '_ {
        self.stops
            .iter()
            .filter(|stop| stop.progress == Progress::Fresh)
            .map(|stop| stop.place)
    }

    /// When an attempt at `place` that begins now ends as lost.
    ///
    /// While another candidate remains, something is left for it; a pool's servers stand for the
    /// whole infrastructure and get all there is.
    #[must_use]
    pub fn until(&self, place: usize, now: Moment) -> Moment {
        let role = self.stop(place).map(|stop| stop.role);
        let others = self.fresh().any(|other| other != place);
        if role == Some(Role::Pool) || !others || self.operation.repeat == Repeat::Harmful {
            return self.deadline;
        }
        let reserved = self.deadline.before(self.reserve);
        reserved.max(now.midway(self.deadline))
    }

    /// Takes in what came of the attempt at `place`. `random` jitters a pause.
    pub fn record(&mut self, place: usize, verdict: Verdict, now: Moment, random: u64) -> After {
        self.attempts += 1;
        let harmful = self.operation.repeat == Repeat::Harmful;
        let progress = match verdict {
            Verdict::Answered | Verdict::Cut => return After::HandBack,
            Verdict::NotReady(Processed::Maybe) if harmful => return After::HandBack,
            Verdict::Lost(_) if harmful => {
                self.end = Some(GiveUp::MaybeProcessed);
                Progress::Failed
            }
            Verdict::Local => {
                self.end = Some(GiveUp::Local);
                Progress::Failed
            }
            Verdict::Busy(_) => {
                self.busy += 1;
                Progress::Busy
            }
            Verdict::Untrusted => Progress::Untrusted,
            Verdict::NotReady(_) | Verdict::Unreached(_) | Verdict::Lost(_) => Progress::Failed,
        };
        if !matches!(verdict, Verdict::Unreached(_) | Verdict::Untrusted) {
            self.sent += 1;
        }
        if let Some(stop) = self.stops.iter_mut().find(|stop| stop.place == place) {
            stop.progress = progress;
        }
        if let Verdict::Busy(retry_after) = verdict {
            self.wait_for_the_busy(place, retry_after, now, random);
        }
        if self.end.is_none() && self.fresh().next().is_none() {
            self.begin_again(now, random);
        }
        After::GoOn
    }

    /// Whether the server at `place` failed this request, so that another may take its place.
    #[must_use]
    pub fn failed_at(&self, place: usize) -> bool {
        self.stop(place)
            .is_some_and(|stop| matches!(stop.progress, Progress::Failed | Progress::Untrusted))
    }

    /// Whether everyone was benched when the walk began.
    #[must_use]
    pub const fn mood(&self) -> Mood {
        self.mood
    }

    /// The moment at which the whole request ends.
    #[must_use]
    pub const fn deadline(&self) -> Moment {
        self.deadline
    }

    /// What is planned.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    fn stop(&self, place: usize) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.place == place)
    }

    /// Overload must not pour onto the replica: it is asked only when the wait would outlast the
    /// deadline. Servers of a pool are asked freely.
    fn wait_for_the_busy(&mut self, place: usize, retry_after: Duration, now: Moment, random: u64) {
        let pause = retry_after.max(LEAST_WAIT);
        let until = now + pause + jitter::fraction(pause / 4, random);
        let to_a_pool = self
            .stops
            .iter()
            .any(|stop| stop.progress == Progress::Fresh && stop.role == Role::Pool);
        if to_a_pool || until >= self.deadline {
            return;
        }
        if let Some(stop) = self.stops.iter_mut().find(|stop| stop.place == place) {
            stop.progress = Progress::Fresh;
            self.waiting = Some(until);
        }
        let at = self.stops.iter().position(|stop| stop.place == place);
        if let Some(at) = at {
            self.stops[..=at].rotate_right(1);
        }
    }

    /// One more attempt after a full pass, at the first candidate and after a pause. Not where only
    /// a master may be asked: that fails at once.
    fn begin_again(&mut self, now: Moment, random: u64) {
        let full_pass = self.attempts == self.stops.len();
        let hopeless = self.all_untrusted() || self.barred == Barred::Replica;
        if !full_pass || hopeless || self.sent >= self.sent_most {
            return;
        }
        let (pause, most) = self.pauses;
        let until = now + jitter::full(pause, 0, most, random);
        if until >= self.deadline {
            return;
        }
        // Whoever is busy has said when to come again, which is too late.
        let failed = |stop: &&mut Stop| stop.progress == Progress::Failed;
        if let Some(first) = self.stops.iter_mut().find(failed) {
            first.progress = Progress::Fresh;
            self.waiting = Some(until);
        }
    }

    fn all_untrusted(&self) -> bool {
        let untrusted = |stop: &Stop| stop.progress == Progress::Untrusted;
        !self.stops.is_empty() && self.stops.iter().all(untrusted)
    }

    fn out_of_candidates(&self) -> GiveUp {
        if self.all_untrusted() {
            GiveUp::Untrusted
        } else if self.barred == Barred::Replica && self.busy == 0 {
            GiveUp::NotDuringFailover
        } else {
            GiveUp::Exhausted
        }
    }

    fn out_of_time(&self) -> GiveUp {
        let only_unreached = self.attempts > 0 && self.sent == 0;
        if only_unreached && self.barred == Barred::Replica {
            GiveUp::NotDuringFailover
        } else {
            GiveUp::DeadlinePassed
        }
    }
}

/// A busy server is left alone for at least this long, since it may say 0.
const LEAST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
