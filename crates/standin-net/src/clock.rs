//! The only place of this crate where clocks are read.

use std::time::{Duration, SystemTime};

use standin_core::{Moment, WallTime};
use tokio::time::Instant;

/// Tokio's clock as the core's moments. It follows tokio's clock when a test pauses it.
///
/// It starts a day after the core's origin, so that what an earlier process saw has a moment too.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The moment it is now.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Moment {
        START + self.started.elapsed()
    }

    /// The same moment for tokio's timers.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Instant {
        self.started
            .checked_add(moment.since(START))
            .unwrap_or_else(|| self.started + FAR)
    }

    /// The time by the machine's wall clock, for what outlives the process.
    #[must_use]
    pub fn wall(&self) -> WallTime {
        let since_1970 = self.time_of_day().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since_1970.unwrap_or_default().as_millis();
        WallTime::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// The time of day, to be set beside the times of files.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "read here and nowhere else")]
    pub fn time_of_day(&self) -> SystemTime {
        SystemTime::now()
    }
}

const START: Moment = Moment::from_nanos(86_400 * 1_000_000_000);

/// Thirty years, as far as tokio's own timers look.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
