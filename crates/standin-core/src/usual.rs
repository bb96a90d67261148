//! What each operation usually takes, learned from its answers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::Operation;

/// So many answers are remembered of each operation.
pub(crate) const ANSWERS: usize = 32;

/// The times of the last answers to each operation. Recording is two plain stores.
#[derive(Debug)]
pub struct UsualTimes(Box<[Ring; Operation::COUNT]>);

/// Milliseconds, one more than they are; 0 where there is none yet.
#[derive(Debug)]
struct Ring {
    times: [AtomicU32; ANSWERS],
    next: AtomicU32,
    /// So many of all that were ever pushed are written down.
    written: AtomicU32,
}

impl Ring {
    const fn new() -> Self {
        Self {
            times: [const { AtomicU32::new(0) }; ANSWERS],
            next: AtomicU32::new(0),
            written: AtomicU32::new(0),
        }
    }

    /// Of two answers at the same instant one may be lost, which is cheaper than a locked step for
    /// each of all.
    fn push(&self, millis: u32) {
        let next = self.next.load(Ordering::Relaxed);
        self.times[next as usize % ANSWERS].store(millis.saturating_add(1), Ordering::Relaxed);
        self.next.store(next.wrapping_add(1), Ordering::Release);
    }

    /// What nineteen of twenty take at most: of so few the longest, or the one after it. Nearly every
    /// request asks, so nothing is sorted for it.
    fn p95(&self) -> Option<u32> {
        const { assert!(ANSWERS < 40, "of forty it is the third longest") };
        let (mut count, mut longest, mut second) = (0, 0, 0);
        for time in &self.times {
            let time = time.load(Ordering::Relaxed);
            count += usize::from(time > 0);
            second = second.max(time.min(longest));
            longest = longest.max(time);
        }
        let p95 = if count < 20 { longest } else { second };
        p95.checked_sub(1)
    }
}

impl Default for UsualTimes {
    fn default() -> Self {
        Self(Box::new([const { Ring::new() }; Operation::COUNT]))
    }
}

impl UsualTimes {
    /// An answer came after so long.
    #[inline]
    pub fn answered(&self, operation: Operation, took: Duration) {
        self.0[operation.index()].push(millis(took));
    }

    /// The wait was cut after so long. It counts as twice its time, so that who cuts too early learns
    /// to wait.
    pub fn cut(&self, operation: Operation, waited: Duration) {
        self.answered(operation, waited.saturating_mul(2));
    }

    /// What nineteen answers of twenty take at most; `None` without an answer so far.
    #[must_use]
    pub fn p95(&self, operation: Operation) -> Option<Duration> {
        let millis = self.0[operation.index()].p95()?;
        Some(Duration::from_millis(millis.into()))
    }

    /// The times that no memory has yet, in milliseconds, the oldest first.
    pub(crate) fn unwritten(&self, index: usize) -> Vec<u32> {
        let ring = &self.0[index];
        let next = ring.next.load(Ordering::Acquire);
        let fresh = next.wrapping_sub(ring.written.load(Ordering::Acquire));
        let first = next.wrapping_sub(fresh.min(ANSWERS as u32));
        (0..fresh.min(ANSWERS as u32))
            .filter_map(|at| {
                let place = first.wrapping_add(at) as usize % ANSWERS;
                ring.times[place].load(Ordering::Relaxed).checked_sub(1)
            })
            .collect()
    }

    /// So many of [`UsualTimes::unwritten`] are in a memory now.
    pub(crate) fn written(&self, index: usize, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let ring = &self.0[index];
        let next = ring.next.load(Ordering::Acquire);
        let before = ring.written.load(Ordering::Acquire);
        // What was overwritten before it was written down is lost to memory.
        let oldest = next.wrapping_sub(next.wrapping_sub(before).min(ANSWERS as u32));
        ring.written
            .store(oldest.wrapping_add(count), Ordering::Release);
    }

    /// Takes in what an earlier process learned.
    pub(crate) fn recall(&self, index: usize, millis: &[u32]) {
        let newest = &millis[millis.len().saturating_sub(ANSWERS)..];
        for &millis in newest {
            self.0[index].push(millis);
        }
        self.written(index, newest.len());
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Length, Service};
    use proptest::prelude::*;

    fn look_up() -> Operation {
        Operation::by_method(Service::PuppetServer, "GET")
    }

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn without_an_answer_nothing_is_usual() {
        assert_eq!(UsualTimes::default().p95(look_up()), None);
    }

    #[test]
    fn one_answer_is_all_there_is() {
        let usual = UsualTimes::default();
        usual.answered(look_up(), millis(7));
        assert_eq!(usual.p95(look_up()), Some(millis(7)));
    }

    #[test]
    fn one_slow_answer_of_thirty_two_is_not_usual_and_two_are() {
        let usual = UsualTimes::default();
        for _ in 0..31 {
            usual.answered(look_up(), millis(10));
        }
        usual.answered(look_up(), millis(9000));
        assert_eq!(usual.p95(look_up()), Some(millis(10)));
        usual.answered(look_up(), millis(9000));
        assert_eq!(usual.p95(look_up()), Some(millis(9000)));
    }

    #[test]
    fn what_is_older_than_thirty_two_answers_is_forgotten() {
        let usual = UsualTimes::default();
        usual.answered(look_up(), millis(9000));
        for _ in 0..ANSWERS {
            usual.answered(look_up(), millis(10));
        }
        assert_eq!(usual.p95(look_up()), Some(millis(10)));
    }

    #[test]
    fn a_cut_wait_counts_twice() {
        let usual = UsualTimes::default();
        usual.cut(look_up(), millis(10_000));
        assert_eq!(usual.p95(look_up()), Some(millis(20_000)));
    }

    #[test]
    fn a_catalog_takes_its_own_time() {
        let usual = UsualTimes::default();
        usual.answered(look_up(), millis(10));
        let catalog = Operation {
            length: Length::Long,
            ..look_up()
        };
        assert_eq!(usual.p95(catalog), None);
    }

    #[test]
    fn only_what_is_new_is_to_be_written() {
        let usual = UsualTimes::default();
        let index = look_up().index();
        usual.recall(index, &[1, 2, 3]);
        assert!(usual.unwritten(index).is_empty());
        usual.answered(look_up(), millis(4));
        usual.answered(look_up(), millis(5));
        assert_eq!(usual.unwritten(index), [4, 5]);
        usual.written(index, 1);
        assert_eq!(usual.unwritten(index), [5]);
        for time in 0..100 {
            usual.answered(look_up(), millis(time));
        }
        assert_eq!(usual.unwritten(index), (68..100).collect::<Vec<u32>>());
        usual.written(index, ANSWERS);
        assert!(usual.unwritten(index).is_empty());
    }

    proptest! {
        #[test]
        fn nineteen_of_twenty_take_no_longer(times in prop::collection::vec(0..1000_u32, 1..80)) {
            let usual = UsualTimes::default();
            for &time in &times {
                usual.answered(look_up(), millis(time.into()));
            }
            let mut newest = times[times.len().saturating_sub(ANSWERS)..].to_vec();
            newest.sort_unstable();
            let rank = (newest.len() * 95).div_ceil(100);
            let expected = millis(newest[rank - 1].into());
            prop_assert_eq!(usual.p95(look_up()), Some(expected));
        }
    }

    #[test]
    fn a_time_beyond_all_clocks_does_no_harm() {
        let usual = UsualTimes::default();
        usual.answered(look_up(), Duration::MAX);
        usual.cut(look_up(), Duration::MAX);
        assert!(usual.p95(look_up()).is_some());
    }
}
