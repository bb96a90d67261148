//! The life of an association, decided: when to associate, with whom first, when to ping, to leave, to
//! fail back.
//!
//! Nothing here does I/O, reads a clock or draws a random number.

use std::time::Duration;

use standin_core::health::ServerId;
use standin_core::{Moment, jitter};

use crate::{AfterClose, Terms, after_close};

mod lane;

use lane::{Lane, Need};

/// Keeps an association: it is told what happens and answers what to do next.
///
/// There is one association at a time. The one exception is failback: then the association with the
/// earlier broker stands and has proven itself before the present one is left.
#[derive(Debug)]
pub struct Keeper {
    terms: Terms,
    ask_every: Duration,
    phase: Phase,
    /// So many attempts failed since the last success; none while nothing did.
    failures: Option<u32>,
    wishes: Wishes,
}

/// Which brokers a walk is to try first and last; the others stand as health has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Before all others.
    pub first: Option<ServerId>,
    /// After all others, the latest failure last.
    pub last: Vec<ServerId>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Walk the brokers; then tell [`Keeper::associated`] or [`Keeper::not_associated`].
    Associate(Wishes),
    /// Send a ping; then tell [`Keeper::pinged`].
    Ping(Which),
    /// The broker is silent: close without a farewell, then tell [`Keeper::ended`].
    Leave(Which),
    /// The present association counts as a success now.
    Settled,
    /// Ask the brokers before the present one whether they are well.
    Ask,
    /// Associate with this earlier broker beside the present association; then tell
    /// [`Keeper::earlier_associated`] or [`Keeper::earlier_failed`].
    Try(ServerId),
    /// The association with the earlier broker is the present one from now on: leave the other in good
    /// order.
    FailBack,
    /// Nothing until this moment, or until something happens.
    Wait(Option<Moment>),
}

/// Which association is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that messages are sent by.
    Present,
    /// The one with an earlier broker, beside it for a while.
    Earlier,
}

/// How an association ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The broker closed it with this code.
    Closed(u16),
    /// The connection broke.
    Broke,
    /// The broker was silent.
    Silent,
}

/// Why a walk led to no association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody was there.
    Nobody,
    /// There is trust with nobody: waiting does not help.
    Untrusted,
}

/// What follows from the end of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is lost; the next attempt is made then.
    Lost(Moment),
    /// The broker sent everybody away; the next attempt is made then.
    Evicted(Moment),
    /// Nobody will take this agent before something is changed; the next attempt is made then.
    Misconfigured(Moment),
    /// The one with the earlier broker takes its place at once.
    FellBack,
    /// It was the one with the earlier broker; the present one stays.
    Stayed,
}

#[derive(Debug)]
enum Phase {
    Resting { until: Moment },
    Associating,
    Kept(Box<Kept>),
}

#[derive(Debug)]
struct Kept {
    present: Lane,
    earlier: Earlier,
    next_ask: Moment,
}

#[derive(Debug)]
enum Earlier {
    Absent,
    Well(ServerId),
    Trying(ServerId),
    OnTrial(Lane),
}

impl Keeper {
    /// Associates at once. Earlier brokers are asked whether they are well each `ask_every`.
    #[must_use]
    pub const fn new(terms: Terms, ask_every: Duration, now: Moment) -> Self {
        Self {
            terms,
            ask_every,
            phase: Phase::Resting { until: now },
            failures: None,
            wishes: Wishes {
                first: None,
                last: Vec::new(),
            },
        }
    }

    /// What to do next. Each answer but [`Step::Wait`] is given once.
    pub fn step(&mut self, now: Moment) -> Step {
        let (terms, ask_every) = (&self.terms, self.ask_every);
        let kept = match &mut self.phase {
            Phase::Resting { until } if now < *until => return Step::Wait(Some(*until)),
            Phase::Resting { .. } => {
                self.phase = Phase::Associating;
                return Step::Associate(self.wishes.clone());
            }
            Phase::Associating => return Step::Wait(None),
            Phase::Kept(kept) => kept,
        };
        let present = match kept.present.need(terms, now) {
            Need::Ping => return Step::Ping(Which::Present),
            Need::Leave => return Step::Leave(Which::Present),
            Need::Settle => {
                self.failures = None;
                self.wishes = Wishes::default();
                return Step::Settled;
            }
            Need::Nothing(until) => until,
        };
        let is_stable = kept.present.is_stable();
        let earlier = match &mut kept.earlier {
            Earlier::OnTrial(lane) => match lane.need(terms, now) {
                Need::Ping => return Step::Ping(Which::Earlier),
                Need::Leave => return Step::Leave(Which::Earlier),
                Need::Settle => {
                    kept.fall_back();
                    self.failures = None;
                    self.wishes = Wishes::default();
                    return Step::FailBack;
                }
                Need::Nothing(until) => until,
            },
            Earlier::Well(server) => {
                let server = *server;
                kept.earlier = Earlier::Trying(server);
                return Step::Try(server);
            }
            Earlier::Trying(_) => None,
            Earlier::Absent if is_stable && now >= kept.next_ask => {
                kept.next_ask = now + ask_every;
                return Step::Ask;
            }
            Earlier::Absent => is_stable.then_some(kept.next_ask),
        };
        Step::Wait(present.into_iter().chain(earlier).min())
    }

    /// A walk led to an association.
    pub fn associated(&mut self, server: ServerId, now: Moment) {
        self.phase = Phase::Kept(Box::new(Kept {
            present: Lane::new(server, now),
            earlier: Earlier::Absent,
            next_ask: now + self.ask_every,
        }));
    }

    /// A walk led to none. Returns when the next one is made.
    pub fn not_associated(&mut self, why: Failure, now: Moment, random: u64) -> Moment {
        self.wishes = Wishes::default();
        let pause = match why {
            Failure::Untrusted => self.long_pause(random),
            Failure::Nobody => {
                let failures = self.failures.unwrap_or(0);
                self.failures = Some(failures.saturating_add(1));
                self.pause(failures, random)
            }
        };
        self.rest(now + pause)
    }

    /// Something came from the broker.
    pub fn heard(&mut self, which: Which, now: Moment) {
        if let Some(lane) = self.lane(which) {
            lane.heard(now);
        }
    }

    /// An answer to a ping came.
    pub fn ponged(&mut self, which: Which, now: Moment) {
        if let Some(lane) = self.lane(which) {
            lane.ponged(now);
        }
    }

    /// A ping was written.
    pub fn pinged(&mut self, which: Which, now: Moment) {
        if let Some(lane) = self.lane(which) {
            lane.pinged(now);
        }
    }

    /// A message was written, which a ping behind it is to confirm.
    pub fn wrote(&mut self, which: Which) {
        if let Some(lane) = self.lane(which) {
            lane.wrote();
        }
    }

    /// The broker is not read for now, since nobody takes what came before: its silence shows nothing.
    pub fn deaf(&mut self, which: Which) {
        if let Some(lane) = self.lane(which) {
            lane.deaf();
        }
    }

    /// An earlier broker is well again, and it is this agent's turn to return.
    pub fn earlier_is_well(&mut self, server: ServerId) {
        if let Phase::Kept(kept) = &mut self.phase
            && matches!(kept.earlier, Earlier::Absent)
            && kept.present.server() != server
        {
            kept.earlier = Earlier::Well(server);
        }
    }

    /// The earlier broker associated.
    pub fn earlier_associated(&mut self, now: Moment) {
        if let Phase::Kept(kept) = &mut self.phase
            && let Earlier::Trying(server) = kept.earlier
        {
            kept.earlier = Earlier::OnTrial(Lane::new(server, now));
        }
    }

    /// The earlier broker did not.
    pub fn earlier_failed(&mut self) {
        if let Phase::Kept(kept) = &mut self.phase {
            kept.earlier = Earlier::Absent;
        }
    }

    /// An association ended.
    pub fn ended(&mut self, which: Which, loss: Loss, now: Moment, random: u64) -> After {
        let Phase::Kept(kept) = &mut self.phase else {
            return After::Stayed;
        };
        if which == Which::Earlier {
            kept.earlier = Earlier::Absent;
            return After::Stayed;
        }
        if matches!(kept.earlier, Earlier::OnTrial(_)) {
            kept.fall_back();
            return After::FellBack;
        }
        let (server, was_stable) = (kept.present.server(), kept.present.is_stable());
        self.wishes.first = None;
        self.wishes.last.retain(|other| *other != server);
        let meaning = match loss {
            Loss::Closed(code) => after_close(code),
            Loss::Broke | Loss::Silent => AfterClose::NextBroker,
        };
        match meaning {
            AfterClose::SameBroker => self.wishes.first = Some(server),
            AfterClose::NextBroker | AfterClose::Evicted | AfterClose::Misconfigured => {
                self.wishes.last.push(server);
            }
        }
        match meaning {
            AfterClose::Misconfigured => {
                let pause = self.long_pause(random);
                After::Misconfigured(self.rest(now + pause))
            }
            AfterClose::Evicted if was_stable => {
                self.failures = Some(0);
                let pause = jitter::fraction(self.terms.evicted_spread, random);
                After::Evicted(self.rest(now + pause))
            }
            _ => {
                let pause = match self.failures {
                    None => jitter::fraction(self.terms.spread, random),
                    Some(failures) => self.pause(failures, random),
                };
                self.failures = Some(self.failures.map_or(0, |count| count.saturating_add(1)));
                After::Lost(self.rest(now + pause))
            }
        }
    }

    /// Whether the present association counts as a success.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        matches!(&self.phase, Phase::Kept(kept) if kept.present.is_stable())
    }

    /// When the next walk begins, if it is waited for.
    #[must_use]
    pub const fn rests_until(&self) -> Option<Moment> {
        match self.phase {
            Phase::Resting { until } => Some(until),
            _ => None,
        }
    }

    fn rest(&mut self, until: Moment) -> Moment {
        self.phase = Phase::Resting { until };
        until
    }

    fn pause(&self, failures: u32, random: u64) -> Duration {
        jitter::full(self.terms.pause, failures, self.terms.pause_most, random)
    }

    fn long_pause(&self, random: u64) -> Duration {
        jitter::equal(
            self.terms.misconfigured,
            0,
            self.terms.misconfigured,
            random,
        )
    }

    fn lane(&mut self, which: Which) -> Option<&mut Lane> {
        match (&mut self.phase, which) {
            (Phase::Kept(kept), Which::Present) => Some(&mut kept.present),
            (Phase::Kept(kept), Which::Earlier) => match &mut kept.earlier {
                Earlier::OnTrial(lane) => Some(lane),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Kept {
    /// The association with the earlier broker becomes the present one.
    fn fall_back(&mut self) {
        if let Earlier::OnTrial(lane) = std::mem::replace(&mut self.earlier, Earlier::Absent) {
            self.present = lane;
        }
    }
}

#[cfg(test)]
mod tests;
