//! Patience: is a server that does not answer slow, or silent?

use std::time::Duration;

use crate::policy;
use crate::{Length, Moment};

/// Watches one request whose answer is awaited.
///
/// Only silence of the server's transport counts against it; any answer to the question for its
/// status, be it 503, is a sign of life. A server that gives signs of life is waited for as long as
/// such work may take.
#[derive(Debug)]
pub struct Patience {
    next: Moment,
    stuck_at: Option<Moment>,
    lives: bool,
    interval: Duration,
    interval_most: Duration,
    silence: Duration,
    misses: u8,
    silent_since: Option<Moment>,
}

/// What to do next for a request that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatienceStep {
    /// Go on waiting until this moment.
    Wait(Moment),
    /// Ask the server's status on another connection.
    Ask,
    /// The server is silent: the request is lost.
    Silent,
    /// The server lives and its work is silent: the request is lost.
    Stuck,
}

/// What came of asking for the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Something came back.
    Life,
    /// Nothing came back.
    Silence,
    /// The question could not be asked, which says nothing of the server.
    Unknown,
}

impl Patience {
    /// Patience with a request that is sent now. After `stuck_after` its work counts as silent;
    /// `None` when it may take all the time there is.
    #[must_use]
    pub fn new(
        length: Length,
        stuck_after: Option<Duration>,
        now: Moment,
        times: &policy::Patience,
    ) -> Self {
        Self {
            next: now + times.after,
            stuck_at: stuck_after.map(|span| now + span),
            lives: false,
            interval: times.after,
            interval_most: times.interval_most,
            silence: match length {
                Length::Cheap => times.silence,
                Length::Long => times.silence_long,
            },
            misses: 0,
            silent_since: None,
        }
    }

    /// What to do next. After [`PatienceStep::Ask`] the next call is for [`Patience::heard`].
    #[must_use]
    pub fn step(&self, now: Moment) -> PatienceStep {
        let silent_for = self.silent_since.map(|since| now.since(since));
        if self.misses >= 2 && silent_for.is_some_and(|span| span >= self.silence) {
            return PatienceStep::Silent;
        }
        if self.lives && self.stuck_at.is_some_and(|at| now >= at) {
            return PatienceStep::Stuck;
        }
        if now >= self.next {
            return PatienceStep::Ask;
        }
        let stuck_at = self.stuck_at.filter(|at| self.lives && *at > now);
        PatienceStep::Wait(stuck_at.map_or(self.next, |at| at.min(self.next)))
    }

    /// The status was asked at `asked`, and this came of it.
    pub fn heard(&mut self, sign: Sign, asked: Moment) {
        self.next = asked + self.interval;
        self.interval = (self.interval * 2).min(self.interval_most);
        match sign {
            Sign::Life => {
                self.lives = true;
                self.misses = 0;
                self.silent_since = None;
            }
            Sign::Unknown => {}
            Sign::Silence => {
                self.lives = false;
                self.misses = self.misses.saturating_add(1);
                self.silent_since.get_or_insert(asked);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PatienceStep::{Ask, Silent, Wait};

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    fn patience(length: Length) -> Patience {
        Patience::new(length, None, at(0), &policy::Patience::default())
    }

    /// With a request whose work counts as silent after ten seconds.
    fn impatience() -> Patience {
        let times = policy::Patience::default();
        Patience::new(Length::Cheap, Some(Duration::from_secs(10)), at(0), &times)
    }

    #[test]
    fn work_that_is_silent_too_long_is_stuck_while_the_server_lives() {
        let mut patience = impatience();
        for second in [2, 4, 8] {
            patience.heard(Sign::Life, at(second));
        }
        assert_eq!(patience.step(at(8)), Wait(at(10)));
        assert_eq!(patience.step(at(10)), PatienceStep::Stuck);
    }

    #[test]
    fn a_server_that_gave_no_sign_yet_is_silent_and_not_stuck() {
        let mut patience = impatience();
        patience.heard(Sign::Life, at(2));
        patience.heard(Sign::Silence, at(8));
        assert_eq!(patience.step(at(11)), Wait(at(12)));
        assert_eq!(patience.step(at(12)), Ask);
        patience.heard(Sign::Silence, at(12));
        assert_eq!(patience.step(at(14)), Silent);
    }

    #[test]
    fn nothing_is_asked_for_two_seconds() {
        let patience = patience(Length::Cheap);
        assert_eq!(patience.step(at(0)), Wait(at(2)));
        assert_eq!(patience.step(at(2)), Ask);
    }

    #[test]
    fn a_silent_server_is_given_up_after_two_misses_over_four_seconds() {
        let mut patience = patience(Length::Cheap);
        patience.heard(Sign::Silence, at(2));
        assert_eq!(patience.step(at(4)), Ask);
        patience.heard(Sign::Silence, at(4));
        assert_eq!(patience.step(at(6)), Silent);
    }

    #[test]
    fn a_catalog_is_given_eight_seconds() {
        let mut patience = patience(Length::Long);
        patience.heard(Sign::Silence, at(2));
        patience.heard(Sign::Silence, at(4));
        assert_eq!(patience.step(at(6)), Wait(at(8)));
        patience.heard(Sign::Silence, at(8));
        assert_eq!(patience.step(at(10)), Silent);
    }

    #[test]
    fn refusals_at_once_still_take_four_seconds() {
        let mut patience = patience(Length::Cheap);
        patience.heard(Sign::Silence, at(2));
        assert_eq!(patience.step(at(2)), Wait(at(4)));
        patience.heard(Sign::Silence, at(4));
        assert_eq!(patience.step(at(4)), Wait(at(8)));
        patience.heard(Sign::Silence, at(8));
        assert_eq!(patience.step(at(8)), Silent);
    }

    #[test]
    fn a_question_that_could_not_be_asked_counts_as_nothing() {
        let mut patience = patience(Length::Cheap);
        patience.heard(Sign::Silence, at(2));
        patience.heard(Sign::Unknown, at(4));
        assert_eq!(patience.step(at(7)), Wait(at(8)));
        patience.heard(Sign::Silence, at(8));
        assert_eq!(patience.step(at(10)), Silent);
    }

    #[test]
    fn a_sign_of_life_starts_again_and_questions_grow_rare() {
        let mut patience = patience(Length::Cheap);
        let mut asked = Vec::new();
        let mut now = at(0);
        while now < at(120) {
            match patience.step(now) {
                Wait(until) => now = until,
                Ask => {
                    asked.push(now.since(at(0)).as_secs());
                    patience.heard(Sign::Life, now);
                }
                Silent | PatienceStep::Stuck => panic!("it lives"),
            }
        }
        assert_eq!(asked, [2, 4, 8, 16, 32, 62, 92]);
    }
}
