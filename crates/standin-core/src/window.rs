//! The results of the last ten seconds, kept only near failures.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::Moment;
use crate::policy::Trip;

const BUCKETS: usize = 10;

/// Ten buckets of a second each: exact counts rather than an average, since an average depends on
/// how fast requests come.
///
/// Successes count only within ten seconds of a failure, so a healthy server writes nothing here.
/// Counts stop at 255 a second. Results that race over the turn of a second may land in its
/// neighbour.
#[derive(Debug, Default)]
pub(crate) struct Window {
    good: [AtomicU8; BUCKETS],
    bad: [AtomicU8; BUCKETS],
    /// One more than the second of the newest bucket; 0 when there is none.
    newest: AtomicU32,
    /// One more than the second of the last failure; 0 when there is none.
    failed: AtomicU32,
}

impl Window {
    #[inline]
    pub(crate) fn success(&self, now: Moment) {
        let failed = self.failed.load(Ordering::Relaxed);
        if failed != 0 && second(now) < failed.saturating_add(BUCKETS as u32) {
            add(&self.good[self.bucket(now)]);
        }
    }

    pub(crate) fn failure(&self, now: Moment) {
        self.failed.store(second(now), Ordering::Relaxed);
        add(&self.bad[self.bucket(now)]);
    }

    /// Whether enough results are there and too few of them are successes.
    pub(crate) fn is_below(&self, now: Moment, trip: &Trip) -> bool {
        self.bucket(now);
        let good = sum(&self.good);
        let all = good + sum(&self.bad);
        all >= u32::from(trip.least_results) && good * 100 < all * u32::from(trip.success_percent)
    }

    pub(crate) fn clear(&self) {
        self.newest.store(0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
        for bucket in self.good.iter().chain(&self.bad) {
            bucket.store(0, Ordering::Relaxed);
        }
    }

    /// The bucket of this second, once those it leaves behind are emptied.
    fn bucket(&self, now: Moment) -> usize {
        let second = second(now);
        let newest = self.newest.fetch_max(second, Ordering::Relaxed);
        let newest = newest.max(second.saturating_sub(BUCKETS as u32));
        let first_stale = newest.saturating_add(1);
        for stale in (first_stale..=second).take(BUCKETS) {
            let index = stale as usize % BUCKETS;
            self.good[index].store(0, Ordering::Relaxed);
            self.bad[index].store(0, Ordering::Relaxed);
        }
        second as usize % BUCKETS
    }
}

/// Seconds since the origin, from 1.
fn second(now: Moment) -> u32 {
    let seconds = now.since(Moment::ORIGIN).as_secs();
    u32::try_from(seconds)
        .unwrap_or(u32::MAX - 1)
        .saturating_add(1)
}

fn add(bucket: &AtomicU8) {
    let _ = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
        count.checked_add(1)
    });
}

fn sum(buckets: &[AtomicU8; BUCKETS]) -> u32 {
    buckets
        .iter()
        .map(|bucket| u32::from(bucket.load(Ordering::Relaxed)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    #[test]
    fn results_age_out_after_ten_seconds() {
        let window = Window::default();
        for _ in 0..5 {
            window.failure(at(1));
        }
        assert!(window.is_below(at(10), &Trip::default()));
        assert!(!window.is_below(at(11), &Trip::default()));
    }

    #[test]
    fn a_gap_of_years_clears_it() {
        let window = Window::default();
        for _ in 0..5 {
            window.failure(at(1));
        }
        assert!(!window.is_below(at(1_000_000_000), &Trip::default()));
    }

    #[test]
    fn four_results_are_too_few() {
        let window = Window::default();
        for _ in 0..4 {
            window.failure(at(1));
        }
        assert!(!window.is_below(at(1), &Trip::default()));
    }

    #[test]
    fn successes_without_a_failure_near_are_not_counted() {
        let window = Window::default();
        for _ in 0..100 {
            window.success(at(1));
        }
        for _ in 0..5 {
            window.failure(at(2));
        }
        assert!(window.is_below(at(2), &Trip::default()));
    }
}
