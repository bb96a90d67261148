//! A deadline that comes with a request.

use std::time::Duration;

use tokio::time::Instant;

/// When a request must be over, in its extensions. It only shortens the policy's deadline.
///
/// ```
/// use std::time::Duration;
/// use standin::{Body, Deadline};
///
/// let mut request = http::Request::get("/puppet/v3/node/agent.test").body(Body::empty())?;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// request.extensions_mut().insert(Deadline::within(Duration::from_secs(20)));
/// # });
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn within(span: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(span).unwrap_or(now + FAR))
    }

    /// At this instant.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The time left; nothing once it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// A year: a span that no clock holds is as good as none.
const FAR: Duration = Duration::from_secs(86_400 * 365);
