//! The one place that reads the wall clock. Certificates, timestamps and PuppetDB's `server-time` need the date;
//! everything that waits uses tokio's time.

use std::time::Duration;

use http::HeaderValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What the calendar says now.
pub(crate) fn today() -> OffsetDateTime {
    #[allow(
        clippy::disallowed_methods,
        reason = "a certificate's validity is judged by the real date, so it has to be made by it"
    )]
    let now = std::time::SystemTime::now();
    OffsetDateTime::from(now)
}

/// `at` the way PuppetDB writes it, in milliseconds and UTC.
pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    let whole = at
        .replace_nanosecond(u32::from(at.millisecond()) * 1_000_000)
        .unwrap_or(at);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// The time so much later, the way HTTP writes it.
pub(crate) fn http_date(later: Duration) -> Option<HeaderValue> {
    let at = std::time::SystemTime::from(today()).checked_add(later)?;
    HeaderValue::from_str(&httpdate::fmt_http_date(at)).ok()
}

/// Reads what a client wrote as a producer timestamp.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
