//! The rules in force at a relay: one immutable picture that every step consults.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::fault::{Direction, WireFault};
use super::journal::RelayJournal;
use crate::LabError;
use crate::port::Applied;
use crate::scene::Door;

/// What a relay, its guards and its connections share.
pub(super) struct Board {
    address: SocketAddr,
    journal: RelayJournal,
    rules: watch::Sender<Arc<Rules>>,
    applied: OnceLock<watch::Receiver<Applied>>,
}

/// The rules at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// Counts changes, so that one can wait for a change to be in effect.
    pub(super) version: u64,
    rules: Vec<Rule>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    id: u64,
    since: Instant,
    fault: WireFault,
}

/// How bytes move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    bandwidth: Option<u32>,
    drip: Option<Duration>,
}

/// Where a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    None,
    Reset(u64),
    Cut(u64),
}

impl Board {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            journal: RelayJournal::new(),
            rules: watch::Sender::default(),
            applied: OnceLock::new(),
        }
    }

    pub(super) fn journal(&self) -> &RelayJournal {
        &self.journal
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Rules>> {
        self.rules.subscribe()
    }

    /// Makes known where the server reports which change it has caught up with. Counts once.
    pub(super) fn watch(&self, applied: watch::Receiver<Applied>) {
        self.applied.get_or_init(|| applied);
    }

    /// Returns the rule's number and the version that has it.
    pub(super) fn add(&self, fault: WireFault) -> (u64, u64) {
        let mut id = 0;
        let version = self.change(|rules| {
            id = rules.next;
            rules.next += 1;
            let since = Instant::now();
            rules.rules.push(Rule { id, since, fault });
        });
        (id, version)
    }

    pub(super) fn remove(&self, id: u64) -> u64 {
        self.change(|rules| rules.rules.retain(|rule| rule.id != id))
    }

    /// Waits until the relay acts by that version. At once if it is gone.
    pub(super) async fn settled(&self, version: u64) -> Result<(), LabError> {
        let Some(mut applied) = self.applied.get().cloned() else {
            return Ok(());
        };
        let caught_up = applied.wait_for(|applied| applied.version >= Some(version));
        match caught_up
            .await
            .ok()
            .and_then(|applied| applied.trouble.clone())
        {
            Some(source) => Err(LabError::Socket {
                address: self.address,
                source,
            }),
            None => Ok(()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) -> u64 {
        let mut version = 0;
        self.rules.send_modify(|rules| {
            let rules = Arc::make_mut(rules);
            change(rules);
            rules.version += 1;
            version = rules.version;
        });
        version
    }
}

impl Rules {
    /// How connections are treated now, and when that will be otherwise though no rule changes.
    pub(super) fn door(&self, now: Instant) -> (Door, Option<Instant>) {
        let mut latest = self.rules.iter().rev();
        let door = latest.find_map(|rule| match rule.fault {
            WireFault::Refuse => Some((Door::Closed, None)),
            WireFault::BlackHole => Some((Door::BlackHole, None)),
            WireFault::Silent => Some((Door::Silent, None)),
            WireFault::HangUp => Some((Door::HangUp, None)),
            WireFault::Flapping { down, up } => Some(flapping(rule.since, down, up, now)),
            _ => None,
        });
        door.unwrap_or((Door::Open, None))
    }

    pub(super) fn pace(&self) -> Pace {
        let mut pace = Pace::default();
        for rule in &self.rules {
            match rule.fault {
                WireFault::Delay(by) => pace.delay = by,
                WireFault::Jitter(by) => pace.jitter = by,
                WireFault::Bandwidth(rate) => pace.bandwidth = Some(rate),
                WireFault::Drip(every) => pace.drip = Some(every),
                _ => {}
            }
        }
        pace
    }

    pub(super) fn limit(&self, way: Direction) -> Limit {
        let mut latest = self.rules.iter().rev();
        let limit = latest.find_map(|rule| match rule.fault {
            WireFault::Reset { direction, after } if direction == way => Some(Limit::Reset(after)),
            WireFault::Cut { direction, after } if direction == way => Some(Limit::Cut(after)),
            _ => None,
        });
        limit.unwrap_or(Limit::None)
    }
}

impl Pace {
    /// How many bytes may go at once, and how long nothing may follow them.
    pub(super) fn piece(&self, waiting: usize) -> (usize, Duration) {
        if let Some(every) = self.drip {
            return (1, every);
        }
        let Some(rate) = self.bandwidth else {
            return (waiting, Duration::ZERO);
        };
        // Twenty pieces a second are smooth enough.
        let rate = rate.max(1);
        let piece = usize::try_from(rate / 20)
            .unwrap_or(usize::MAX)
            .max(1)
            .min(waiting);
        (
            piece,
            Duration::from_secs(1).mul_f64(piece as f64 / f64::from(rate)),
        )
    }
}

impl Limit {
    /// How many bytes may still pass after those.
    pub(super) fn left(self, passed: u64) -> u64 {
        match self {
            Self::None => u64::MAX,
            Self::Reset(after) | Self::Cut(after) => after.saturating_sub(passed),
        }
    }
}

fn flapping(since: Instant, down: Duration, up: Duration, now: Instant) -> (Door, Option<Instant>) {
    let round = down.saturating_add(up).max(Duration::from_nanos(1));
    let into = now.saturating_duration_since(since).as_nanos() % round.as_nanos();
    let into = Duration::from_nanos(u64::try_from(into).unwrap_or(u64::MAX));
    if into < down {
        (Door::Closed, now.checked_add(down - into))
    } else {
        (Door::Open, now.checked_add(round.saturating_sub(into)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules(faults: &[WireFault]) -> Rules {
        let board = Board::new(([127, 0, 0, 1], 1).into());
        for fault in faults {
            board.add(*fault);
        }
        let rules = board.rules.borrow();
        Rules::clone(&rules)
    }

    #[test]
    fn the_last_of_a_kind_counts() {
        let rules = rules(&[
            WireFault::Silent,
            WireFault::Delay(SECOND),
            WireFault::Refuse,
            WireFault::Delay(SECOND * 2),
        ]);
        assert_eq!(rules.door(Instant::now()).0, Door::Closed);
        assert_eq!(rules.pace().delay, SECOND * 2);
    }

    #[test]
    fn each_direction_has_its_limit() {
        let (to_client, to_server) = (Direction::ToClient, Direction::ToServer);
        let rules = rules(&[
            WireFault::Reset {
                direction: to_client,
                after: 1,
            },
            WireFault::Cut {
                direction: to_server,
                after: 2,
            },
        ]);
        assert_eq!(rules.limit(to_client), Limit::Reset(1));
        assert_eq!(rules.limit(to_server), Limit::Cut(2));
    }

    #[test]
    fn flapping_begins_with_down_and_goes_round() {
        let since = Instant::now();
        for (after, door, then) in [
            (0, Door::Closed, 3),
            (2, Door::Closed, 3),
            (3, Door::Open, 5),
            (5, Door::Closed, 8),
        ] {
            let (now, then) = (since + SECOND * after, since + SECOND * then);
            assert_eq!(
                flapping(since, SECOND * 3, SECOND * 2, now),
                (door, Some(then)),
                "{after}"
            );
        }
        let still = Duration::ZERO;
        assert_eq!(flapping(since, still, still, since).0, Door::Open);
    }

    #[test]
    fn a_rate_holds_over_a_second() {
        let pace = rules(&[WireFault::Bandwidth(1000)]).pace();
        assert_eq!(pace.piece(10_000), (50, SECOND / 20));
        assert_eq!(pace.piece(10), (10, SECOND / 100));
        let slowest = rules(&[WireFault::Bandwidth(0)]).pace();
        assert_eq!(slowest.piece(10), (1, SECOND));
    }
}
