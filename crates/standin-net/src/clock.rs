//! The only place of this crate where a clock is read.

use standin_core::Moment;
use tokio::time::Instant;

/// Tokio's clock as the core's moments, counted from when this was made. It follows tokio's clock
/// when a test pauses it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// The moment it is now.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Moment {
        Moment::ORIGIN + self.origin.elapsed()
    }

    /// The same moment for tokio's timers.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Instant {
        self.origin
            .checked_add(moment.since(Moment::ORIGIN))
            .unwrap_or_else(|| self.origin + FAR)
    }
}

/// Thirty years, as far as tokio's own timers look.
const FAR: std::time::Duration = std::time::Duration::from_secs(86_400 * 365 * 30);
