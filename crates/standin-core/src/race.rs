//! The race of connections: who connects when, and who wins.

use smallvec::SmallVec;

use crate::Moment;
use crate::policy::Connect;

/// A race of connections to the candidates of a request, the preferred one in lane 0.
///
/// The next lane starts when the last one had its head start or failed. A finished lane waits for
/// those before it, but not longer than the preference lasts.
#[derive(Debug)]
pub struct Race {
    lanes: SmallVec<[Lane; 8]>,
    begun: Moment,
    started: Moment,
    times: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Waiting,
    Connecting,
    Connected,
    Failed,
}

/// What to do next in a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaceStep {
    /// Begin to connect in this lane.
    Start(usize),
    /// Wait for a connection to succeed or fail, until this moment at most.
    Wait(Option<Moment>),
    /// This lane's connection is the one to use.
    Won(usize),
    /// Every lane failed.
    Lost,
}

impl Race {
    /// A race of so many lanes.
    #[must_use]
    pub fn new(lanes: usize, now: Moment, times: &Connect) -> Self {
        Self {
            lanes: SmallVec::from_elem(Lane::Waiting, lanes),
            begun: now,
            started: now,
            times: times.clone(),
        }
    }

    /// What to do next.
    pub fn step(&mut self, now: Moment) -> RaceStep {
        let first_connected = self.first(Lane::Connected);
        let first_connecting = self.first(Lane::Connecting);
        if let Some(connected) = first_connected {
            let patient_until = self.begun + self.times.preference;
            return match first_connecting {
                Some(before) if before < connected && now < patient_until => {
                    RaceStep::Wait(Some(patient_until))
                }
                _ => RaceStep::Won(connected),
            };
        }
        let Some(next) = self.first(Lane::Waiting) else {
            return match first_connecting {
                Some(_) => RaceStep::Wait(None),
                None => RaceStep::Lost,
            };
        };
        let due = self.started + self.times.head_start;
        if first_connecting.is_some() && now < due {
            return RaceStep::Wait(Some(due));
        }
        self.lanes[next] = Lane::Connecting;
        self.started = now;
        RaceStep::Start(next)
    }

    /// The connection of this lane stands.
    pub fn connected(&mut self, lane: usize) {
        self.lanes[lane] = Lane::Connected;
    }

    /// The connection of this lane failed.
    pub fn failed(&mut self, lane: usize) {
        self.lanes[lane] = Lane::Failed;
    }

    /// The lanes that are still connecting.
    pub fn connecting(&self) -> impl Iterator<Item = usize> + '_ {
        let lanes = self.lanes.iter().enumerate();
        lanes.filter_map(|(lane, state)| (*state == Lane::Connecting).then_some(lane))
    }

    fn first(&self, wanted: Lane) -> Option<usize> {
        self.lanes.iter().position(|lane| *lane == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RaceStep::{Lost, Start, Wait, Won};
    use std::time::Duration;

    fn at(millis: u64) -> Moment {
        Moment::ORIGIN + Duration::from_millis(millis)
    }

    fn race(lanes: usize) -> Race {
        Race::new(lanes, at(0), &Connect::default())
    }

    #[test]
    fn the_preferred_connects_alone_for_its_head_start() {
        let mut race = race(2);
        assert_eq!(race.step(at(0)), Start(0));
        assert_eq!(race.step(at(0)), Wait(Some(at(250))));
        assert_eq!(race.step(at(249)), Wait(Some(at(250))));
        assert_eq!(race.step(at(250)), Start(1));
        assert_eq!(race.step(at(251)), Wait(None));
    }

    #[test]
    fn the_preferred_wins_when_it_connects() {
        let mut race = race(2);
        race.step(at(0));
        race.connected(0);
        assert_eq!(race.step(at(1)), Won(0));
    }

    #[test]
    fn a_failure_starts_the_next_at_once() {
        let mut race = race(3);
        race.step(at(0));
        race.failed(0);
        assert_eq!(race.step(at(1)), Start(1));
        race.failed(1);
        assert_eq!(race.step(at(2)), Start(2));
        race.failed(2);
        assert_eq!(race.step(at(3)), Lost);
    }

    #[test]
    fn a_lower_one_waits_for_the_preferred_until_the_preference_ends() {
        let mut race = race(2);
        race.step(at(0));
        race.step(at(250));
        race.connected(1);
        assert_eq!(race.step(at(300)), Wait(Some(at(2500))));
        assert_eq!(race.step(at(2499)), Wait(Some(at(2500))));
        assert_eq!(race.step(at(2500)), Won(1));
    }

    #[test]
    fn a_late_preferred_still_wins_within_the_preference() {
        let mut race = race(2);
        race.step(at(0));
        race.step(at(250));
        race.connected(1);
        race.connected(0);
        assert_eq!(race.step(at(1200)), Won(0));
    }

    #[test]
    fn a_lower_one_wins_as_soon_as_the_preferred_fails() {
        let mut race = race(2);
        race.step(at(0));
        race.step(at(250));
        race.connected(1);
        race.failed(0);
        assert_eq!(race.step(at(400)), Won(1));
    }

    #[test]
    fn the_third_starts_a_head_start_after_the_second() {
        let mut race = race(3);
        race.step(at(0));
        race.step(at(250));
        assert_eq!(race.step(at(499)), Wait(Some(at(500))));
        assert_eq!(race.step(at(500)), Start(2));
    }
}
