//! The plan of one request: its walk along the candidates.

use std::time::Duration;

use serde::Serialize;
use smallvec::SmallVec;

use crate::budget::{Budget, Paid};
use crate::order::Mood;
use crate::policy::{Overload, Policy};
use crate::verdict::{Processed, Unreached, Verdict};
use crate::{Moment, Operation, Repeat, Role, Service, jitter};

/// The walk of one request along its candidates: whom to try next, how long, and when to stop.
///
/// It is told what came of each attempt and answers what to do; it does nothing itself.
#[derive(Debug)]
pub struct Plan {
    stops: Stops,
    operation: Operation,
    mood: Mood,
    barred: Barred,
    begun: Moment,
    deadline: Moment,
    /// From here on the time is reserved for one more candidate.
    reserved: Moment,
    /// The most that one attempt may take, if it is bounded.
    attempt: Option<Duration>,
    /// Until here a refusal may pass.
    grace: Moment,
    pauses: (Duration, Duration),
    overload: Overload,
    sent_most: u32,
    /// So many attempts may each have been processed.
    sent: u32,
    attempts: u32,
    /// So many times a server was busy, which is not the same as out of reach.
    busy: u32,
    /// So many times there was nobody left to try.
    passes: u32,
    /// The next repeat is paid for. One that then reaches nobody keeps what it paid.
    paid: Option<Paid>,
    waiting: Option<Moment>,
    end: Option<GiveUp>,
}

/// The candidates of a walk, in the order to try them.
pub type Stops = SmallVec<[Stop; 4]>;

/// A candidate of a walk.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    place: usize,
    role: Role,
    progress: Progress,
    /// It asked to be left alone until then.
    not_before: Moment,
}

impl Stop {
    /// The server at `place` of the list, which asked to be left alone until `not_before`.
    #[must_use]
    pub const fn new(place: usize, role: Role, not_before: Moment) -> Self {
        Self {
            place,
            role,
            progress: Progress::Fresh,
            not_before,
        }
    }

    /// Its place in the server list.
    #[inline]
    #[must_use]
    pub const fn place(&self) -> usize {
        self.place
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Fresh,
    Failed,
    Refused,
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
    /// Two hosts say that they are the master, so nobody may be asked.
    TwoMasters,
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
    /// Two hosts say that they are the master, and it would do harm at the wrong one.
    TwoMasters,
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
    /// A plan for `operation` along `stops`, from a moment to a deadline.
    #[inline]
    #[must_use]
    pub fn new(
        operation: Operation,
        stops: Stops,
        mood: Mood,
        barred: Barred,
        (begun, deadline): (Moment, Moment),
        policy: &Policy,
    ) -> Self {
        let by_length = u32::try_from(stops.len()).unwrap_or(u32::MAX);
        let sent_most = by_length
            .saturating_add(1)
            .min(policy.repeats.sent_most.into());
        Self {
            stops,
            operation,
            mood,
            barred,
            begun,
            deadline,
            reserved: deadline.before(policy.deadline.reserve),
            attempt: match operation.service {
                Service::PuppetDb => policy.deadline.puppetdb,
                _ => None,
            },
            grace: begun + policy.deadline.grace,
            pauses: (policy.repeats.pause, policy.repeats.pause_most),
            overload: policy.overload,
            sent_most,
            sent: 0,
            attempts: 0,
            busy: 0,
            passes: 0,
            paid: None,
            waiting: None,
            end: (barred == Barred::TwoMasters).then_some(GiveUp::TwoMasters),
        }
    }

    /// What to do next. Repeats of what may have been processed are paid for from `budget`.
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
        let place = match self.next(now) {
            Next::Try(place) => place,
            Next::Wait(until) => return Step::Wait(until.min(self.deadline)),
            Next::Nobody => return Step::GiveUp(self.out_of_candidates()),
        };
        if self.sent >= self.sent_most {
            return Step::GiveUp(self.out_of_candidates());
        }
        if self.sent > 0 && self.paid.is_none() {
            self.paid = budget.withdraw();
            if self.paid.is_none() {
                return Step::GiveUp(GiveUp::OverBudget);
            }
        }
        Step::Attempt {
            place,
            until: self.until(place, now),
        }
    }

    /// Who is connected to for an attempt at `place`: it first, then those that may stand in for it
    /// if it is not reached.
    ///
    /// While somebody before them asked to be left alone, only servers of a pool may.
    pub fn lanes(&self, place: usize, now: Moment) -> impl Iterator<Item = usize> + '_ {
        let is_busy = |stop: &Stop| match stop.progress {
            Progress::Fresh => stop.not_before > now,
            Progress::Busy => self.overload == Overload::WaitOnly,
            _ => false,
        };
        let busy = self.stops.iter().position(is_busy);
        let others = self.stops.iter().enumerate().filter(move |(at, stop)| {
            let is_calm = busy.is_none_or(|busy| *at < busy);
            stop.place != place && stop.is_due(now) && (is_calm || self.may_be_poured_onto(stop))
        });
        std::iter::once(place).chain(others.map(|(_, stop)| stop.place))
    }

    /// When an attempt at `place` that begins now ends as lost.
    ///
    /// While another candidate remains, something is left for it; a pool's servers stand for the
    /// whole infrastructure and get all there is.
    #[must_use]
    pub fn until(&self, place: usize, now: Moment) -> Moment {
        let until = self.unbounded_until(place, now);
        match self.attempt {
            Some(most) => until.min(now + most),
            None => until,
        }
    }

    fn unbounded_until(&self, place: usize, now: Moment) -> Moment {
        let role = self.stop(place).map(|stop| stop.role);
        let alone = !self.leaves_others(place);
        if role == Some(Role::Pool) || alone || self.operation.repeat == Repeat::Harmful {
            return self.deadline;
        }
        self.reserved.max(now.midway(self.deadline))
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
            // It may be asked again, when it said.
            Verdict::Busy(_) => Progress::Fresh,
            Verdict::Untrusted => Progress::Untrusted,
            Verdict::Unreached(Unreached::Refused) => Progress::Refused,
            Verdict::NotReady(_) | Verdict::Unreached(_) | Verdict::Lost(_) => Progress::Failed,
        };
        if matches!(
            verdict,
            Verdict::Lost(_) | Verdict::NotReady(Processed::Maybe)
        ) {
            self.sent += 1;
        }
        if !matches!(verdict, Verdict::Unreached(_) | Verdict::Untrusted) {
            self.paid = None;
        }
        let not_before = match verdict {
            Verdict::Busy(retry_after) => self.come_again(retry_after, now, random),
            _ => now,
        };
        if let Some(stop) = self.stops.iter_mut().find(|stop| stop.place == place) {
            stop.progress = progress;
            stop.not_before = not_before;
        }
        if self.end.is_none() && self.stops.iter().all(Stop::is_done) {
            self.begin_again(now, random);
        }
        After::GoOn
    }

    /// When the server at `place` may be asked again, if it asked to be left alone.
    #[must_use]
    pub fn busy_until(&self, place: usize, now: Moment) -> Option<Moment> {
        let stop = self.stop(place)?;
        (stop.not_before > now).then_some(stop.not_before)
    }

    /// Whether the server at `place` failed this request, so that another may take its place.
    #[must_use]
    pub fn failed_at(&self, place: usize) -> bool {
        self.stop(place)
            .is_some_and(|stop| !matches!(stop.progress, Progress::Fresh | Progress::Busy))
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

    /// Whose turn it is. Who asked to be left alone is waited for, and only whom overload may pour
    /// onto is asked meanwhile: servers of a pool, or anybody when the wait would leave no time.
    #[inline]
    fn next(&mut self, now: Moment) -> Next {
        match self.stops.first() {
            // Nearly always.
            Some(first) if first.is_due(now) => Next::Try(first.place),
            _ => self.next_of_all(now),
        }
    }

    fn next_of_all(&mut self, now: Moment) -> Next {
        let mut may_follow = true;
        for at in 0..self.stops.len() {
            let stop = self.stops[at];
            if stop.progress == Progress::Busy {
                may_follow = self.overload != Overload::WaitOnly;
            }
            if stop.progress != Progress::Fresh || !(may_follow || stop.role == Role::Pool) {
                continue;
            }
            if stop.not_before <= now {
                return Next::Try(stop.place);
            }
            let mut others = self.stops[at + 1..].iter();
            let other = others.find(|other| other.is_due(now) && self.may_be_poured_onto(other));
            if let Some(other) = other {
                return Next::Try(other.place);
            }
            if stop.not_before < self.waits_until(&stop) {
                return Next::Wait(stop.not_before);
            }
            self.stops[at].progress = Progress::Busy;
            may_follow = self.overload != Overload::WaitOnly;
        }
        Next::Nobody
    }

    /// When a busy server is asked again: when it said and no earlier than after a second, which
    /// doubles, since some say 0 for ever.
    fn come_again(&mut self, retry_after: Duration, now: Moment, random: u64) -> Moment {
        let least = LEAST_WAIT.saturating_mul(1 << self.busy.min(5));
        self.busy += 1;
        let pause = retry_after.max(least.min(self.pauses.1).max(LEAST_WAIT));
        now + pause + jitter::fraction(pause / 4, random)
    }

    /// Until when a busy server may be waited for: something is left for who may stand in for it, or
    /// for its own work where nobody may.
    fn waits_until(&self, stop: &Stop) -> Moment {
        let waits_only = self.overload == Overload::WaitOnly;
        match (waits_only || self.leaves_others(stop.place), stop.role) {
            (true, Role::Master | Role::Replica) => {
                self.reserved.max(self.begun.midway(self.deadline))
            }
            _ => self.deadline,
        }
    }

    fn may_be_poured_onto(&self, stop: &Stop) -> bool {
        stop.role == Role::Pool || self.overload == Overload::Spill
    }

    /// Whether another candidate is left for when the one at `place` fails.
    #[must_use]
    pub fn leaves_others(&self, place: usize) -> bool {
        let mut stops = self.stops.iter();
        // Who was only busy, and is too slow now, is overloaded still.
        let pool_only = self.overload == Overload::WaitOnly && self.busy > 0;
        stops.any(|stop| {
            stop.progress == Progress::Fresh
                && stop.place != place
                && (!pool_only || stop.role == Role::Pool)
        })
    }

    /// A second pass after a pause, and no third: whoever gets the error can wait better than this.
    /// Not where only a master may be asked: that fails at once, unless it refuses and the grace
    /// lasts, for then it may be reloading.
    fn begin_again(&mut self, now: Moment, random: u64) {
        let (pause, most) = self.pauses;
        let passes = self.passes;
        let for_the_master_only = !self.operation.may_go_to(Role::Replica);
        if for_the_master_only && now < self.grace {
            let until = now + jitter::equal(pause, passes, LEAST_WAIT, random);
            self.freshen(until, |progress| progress == Progress::Refused);
            return;
        }
        if passes > 0 || self.all_untrusted() || self.barred == Barred::Replica {
            return;
        }
        let until = now + jitter::full(pause, passes, most, random);
        // Whoever is busy has said when to come again, which is too late.
        self.freshen(until, |progress| {
            matches!(progress, Progress::Failed | Progress::Refused)
        });
    }

    fn freshen(&mut self, until: Moment, which: impl Fn(Progress) -> bool) {
        if until >= self.deadline || self.sent >= self.sent_most {
            return;
        }
        self.passes += 1;
        let again = self.stops.iter_mut().filter(|stop| which(stop.progress));
        for stop in again {
            stop.progress = Progress::Fresh;
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
        } else if self.barred == Barred::Replica && self.busy == 0 && self.sent == 0 {
            GiveUp::NotDuringFailover
        } else {
            GiveUp::Exhausted
        }
    }

    fn out_of_time(&self) -> GiveUp {
        let only_unreached = self.attempts > 0 && self.sent == 0 && self.busy == 0;
        if only_unreached && self.barred == Barred::Replica {
            GiveUp::NotDuringFailover
        } else {
            GiveUp::DeadlinePassed
        }
    }
}

enum Next {
    Try(usize),
    Wait(Moment),
    Nobody,
}

impl Stop {
    #[inline]
    fn is_due(&self, now: Moment) -> bool {
        self.progress == Progress::Fresh && self.not_before <= now
    }

    fn is_done(&self) -> bool {
        self.progress != Progress::Fresh
    }
}

/// A busy server is left alone for at least this long, since it may say 0.
const LEAST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
