//! Pauses from random bits that are handed in, so that a seed replays them.

use std::time::Duration;

/// Full jitter: anything from nothing to `base` doubled `round` times, at most `most`.
///
/// It spreads a fleet over the whole pause, which no other jitter does.
#[must_use]
pub fn full(base: Duration, round: u32, most: Duration, random: u64) -> Duration {
    fraction(doubled(base, round, most), random)
}

/// Equal jitter: half of `base` doubled `round` times, at most `most`, and up to as much again.
///
/// A bench keeps at least half of its length.
#[must_use]
pub fn equal(base: Duration, round: u32, most: Duration, random: u64) -> Duration {
    let half = doubled(base, round, most) / 2;
    half + fraction(half, random)
}

/// The share of `span` that 64 random bits stand for.
#[must_use]
pub fn fraction(span: Duration, random: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let share = (u128::from(nanos) * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
}

fn doubled(base: Duration, round: u32, most: Duration) -> Duration {
    let factor = 1u32.checked_shl(round).unwrap_or(u32::MAX);
    base.checked_mul(factor).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOST: Duration = Duration::from_secs(20);
    const BASE: Duration = Duration::from_millis(50);

    #[test]
    fn the_longest_span_has_a_share_too() {
        assert!(fraction(Duration::MAX, u64::MAX) > Duration::from_secs(500_000_000));
    }

    proptest! {
        #[test]
        fn full_jitter_stays_between_nothing_and_the_doubled_base(round in 0u32..80, random: u64) {
            let ceiling = if round < 9 { BASE * (1 << round) } else { MOST };
            prop_assert!(full(BASE, round, MOST, random) <= ceiling.min(MOST));
        }

        #[test]
        fn equal_jitter_keeps_at_least_half(round in 0u32..80, random: u64) {
            let ceiling = if round < 9 { BASE * (1 << round) } else { MOST }.min(MOST);
            let pause = equal(BASE, round, MOST, random);
            prop_assert!(pause >= ceiling / 2 && pause <= ceiling);
        }
    }
}
