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

/// 64 bits made from a name: FNV-1a with a final mix, the same on every machine and release, and
/// spread over all bits. They choose an agent's share of a spread.
#[must_use]
pub fn seed_of(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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

    #[test]
    fn names_that_differ_by_a_digit_return_at_different_times() {
        let shares: Vec<u64> = (0..1000)
            .map(|agent| seed_of(&format!("agent{agent}.example.com")) >> 60)
            .collect();
        for sixteenth in 0..16 {
            let count = shares.iter().filter(|share| **share == sixteenth).count();
            assert!((30..100).contains(&count), "{sixteenth}: {count}");
        }
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
