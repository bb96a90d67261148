//! Time as the core sees it: a number that is handed in.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment on a clock that never goes back: nanoseconds since an origin that the shell chose.
///
/// 64 bits hold 584 years, so sums saturate and never wrap. Moments of two shells do not compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The origin of the clock.
    pub const ORIGIN: Self = Self(0);

    /// The moment `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment in the middle between this and `later`; `later` when that is before.
    #[must_use]
    pub const fn midway(self, later: Self) -> Self {
        Self(later.0 - later.0.saturating_sub(self.0) / 2)
    }

    /// This moment less `span`, at least the origin.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// A moment on the machine's wall clock: milliseconds since 1970, for what outlives the process.
///
/// It may jump, so nothing is decided by it but how old a memory is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(u64);

impl WallTime {
    /// The moment `millis` milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning of 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago this was; `None` when it is yet to come.
    #[must_use]
    pub fn age(self, now: Self) -> Option<Duration> {
        now.0.checked_sub(self.0).map(Duration::from_millis)
    }

    /// The moment `span` before this one.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

/// In 64 bits all the way, since every decision adds a few spans.
#[inline]
fn nanos(span: Duration) -> u64 {
    let seconds = span.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(span.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_beyond_the_clock_ends_at_its_end() {
        let last = Moment::from_nanos(u64::MAX);
        assert_eq!(Moment::ORIGIN + Duration::MAX, last);
        assert_eq!(Moment::ORIGIN + Duration::from_nanos(u64::MAX), last);
        assert_eq!(last.before(Duration::MAX), Moment::ORIGIN);
        let span = Duration::new(7, 5);
        assert_eq!(Moment::ORIGIN + span, Moment::from_nanos(7_000_000_005));
    }

    #[test]
    fn the_future_has_no_age() {
        let (early, late) = (WallTime::from_millis(1000), WallTime::from_millis(3000));
        assert_eq!(early.age(late), Some(Duration::from_secs(2)));
        assert_eq!(late.age(early), None);
        assert_eq!(early.before(Duration::MAX), WallTime::from_millis(0));
    }
}
