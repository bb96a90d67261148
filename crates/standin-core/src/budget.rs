//! The budget of repeats: a bucket without a clock.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::policy::Repeats;

/// One repeat, in the bucket's units. Integers, so that no share is lost to rounding.
const REPEAT: u32 = 100;

/// Bounds how much an outage is multiplied by repeats.
///
/// Each request pays in a share, each repeat takes one out. A full bucket is only looked at, so
/// the healthy path writes nothing.
#[derive(Debug)]
pub struct Budget {
    balance: AtomicU32,
    share: u32,
    most: u32,
}

impl Budget {
    /// A full bucket.
    #[must_use]
    pub fn new(repeats: &Repeats) -> Self {
        let most = u32::from(repeats.reserve) * REPEAT;
        Self {
            balance: AtomicU32::new(most),
            share: u32::from(repeats.percent),
            most,
        }
    }

    /// How many repeats it holds, the last of them in part.
    #[must_use]
    pub fn repeats(&self) -> f64 {
        f64::from(self.balance.load(Ordering::Relaxed)) / f64::from(REPEAT)
    }

    /// A new request pays in its share.
    pub fn deposit(&self) {
        let balance = self.balance.load(Ordering::Relaxed);
        if balance < self.most {
            let _ = self
                .balance
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |balance| {
                    (balance < self.most).then(|| (balance + self.share).min(self.most))
                });
        }
    }

    /// Takes one repeat out; `None` when the bucket does not hold one.
    #[must_use]
    pub fn withdraw(&self) -> Option<Paid> {
        self.balance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |balance| {
                balance.checked_sub(REPEAT)
            })
            .ok()
            .map(|_| Paid(()))
    }
}

/// Proof that a repeat was paid for.
#[derive(Debug)]
pub struct Paid(());

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(&Repeats::default())
    }

    #[test]
    fn the_reserve_pays_for_ten_repeats() {
        let budget = budget();
        let paid = (0..20).filter_map(|_| budget.withdraw()).count();
        assert_eq!(paid, 10);
    }

    #[test]
    fn what_is_left_can_be_told() {
        let budget = budget();
        assert_eq!(budget.repeats().to_string(), "10");
        assert!(budget.withdraw().is_some());
        budget.deposit();
        assert_eq!(budget.repeats().to_string(), "9.2");
    }

    #[test]
    fn five_requests_pay_for_one_repeat() {
        let budget = budget();
        while budget.withdraw().is_some() {}
        for _ in 0..4 {
            budget.deposit();
        }
        assert!(budget.withdraw().is_none());
        budget.deposit();
        assert!(budget.withdraw().is_some());
    }

    #[test]
    fn a_full_bucket_does_not_overflow() {
        let budget = budget();
        for _ in 0..1000 {
            budget.deposit();
        }
        assert_eq!((0..20).filter_map(|_| budget.withdraw()).count(), 10);
    }
}
