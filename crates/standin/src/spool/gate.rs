//! When entries of a kind are delivered in the background.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use standin_core::{Moment, jitter};

/// Opens at the first contact, as soon as something was kept, and now and then, since another process
/// may have kept something and gone. After a failure it stays shut for longer each time.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Nanoseconds of a [`Moment`].
    opens: AtomicU64,
    failures: AtomicU32,
}

/// How a round of deliveries ended for a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All were delivered, or another process sees to them.
    Done,
    /// It has to be tried again.
    Failed,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self {
            opens: AtomicU64::new(0),
            failures: AtomicU32::new(0),
        }
    }

    /// Whether to begin a round now. Whoever is told so shuts the gate for the others.
    pub(crate) fn pass(&self, now: Moment) -> bool {
        let opens = self.opens.load(Ordering::Acquire);
        opens <= now.as_nanos()
            && self
                .opens
                .compare_exchange(
                    opens,
                    (now + LOOK_AGAIN).as_nanos(),
                    Ordering::AcqRel,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Something was kept. A gate that is shut after a failure stays so.
    pub(crate) fn kept(&self, now: Moment) {
        if self.failures.load(Ordering::Acquire) == 0 {
            self.opens.store(now.as_nanos(), Ordering::Release);
        }
    }

    pub(crate) fn ended(&self, how: Ended, now: Moment, random: u64) {
        let pause = match how {
            Ended::Done => {
                self.failures.store(0, Ordering::Release);
                LOOK_AGAIN
            }
            Ended::Failed => {
                let failures = self.failures.fetch_add(1, Ordering::AcqRel);
                jitter::equal(PAUSE, failures.min(16), PAUSE_MOST, random)
            }
        };
        self.opens
            .store((now + pause).as_nanos(), Ordering::Release);
    }
}

/// How often a spool is looked into that is thought to be empty.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// After one failure, doubled for each further one: as benches of servers.
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MOST: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_nanos(1_000_000_000_000);

    fn after(seconds: u64) -> Moment {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_contact_passes_and_the_second_does_not() {
        let gate = Gate::new();
        assert!(gate.pass(NOW));
        assert!(!gate.pass(NOW));
    }

    #[test]
    fn what_was_kept_opens_it() {
        let gate = Gate::new();
        assert!(gate.pass(NOW));
        gate.ended(Ended::Done, NOW, 0);
        assert!(!gate.pass(after(1)));
        gate.kept(after(1));
        assert!(gate.pass(after(1)));
    }

    #[test]
    fn it_opens_now_and_then_for_what_others_left() {
        let gate = Gate::new();
        gate.ended(Ended::Done, NOW, 0);
        assert!(!gate.pass(after(59)));
        assert!(gate.pass(after(60)));
    }

    #[test]
    fn failures_shut_it_for_longer_and_longer_whatever_is_kept() {
        let gate = Gate::new();
        for (failure, shut) in [3, 5, 10, 20, 40, 80, 150, 150].into_iter().enumerate() {
            gate.ended(Ended::Failed, NOW, 0);
            gate.kept(NOW);
            assert!(!gate.pass(after(shut - 1)), "{failure}");
            assert!(gate.pass(after(shut)), "{failure}");
        }
    }

    #[test]
    fn a_good_round_forgets_the_failures() {
        let gate = Gate::new();
        gate.ended(Ended::Failed, NOW, 0);
        gate.ended(Ended::Done, NOW, 0);
        gate.kept(NOW);
        assert!(gate.pass(NOW));
    }
}
