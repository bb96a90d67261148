//! Moments of the calendar, in UTC.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::error::ComponentRange;

/// `2031-05-28`, or nothing for a moment that no calendar has.
pub(crate) fn day(at: SystemTime) -> Option<String> {
    Some(calendar(at).ok()?.date().to_string())
}

/// `2031-05-28T10:00:00Z`, as RFC 3339 has it.
pub(crate) fn moment(at: SystemTime) -> Option<String> {
    let at = calendar(at).ok()?;
    let (hour, minute, second) = at.to_hms();
    Some(format!("{}T{hour:02}:{minute:02}:{second:02}Z", at.date()))
}

/// Not `OffsetDateTime::from`, which panics at what its calendar does not have.
fn calendar(at: SystemTime) -> Result<OffsetDateTime, ComponentRange> {
    let nanos = match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()),
        Err(before) => i128::try_from(before.duration().as_nanos()).map(|nanos| -nanos),
    };
    OffsetDateTime::from_unix_timestamp_nanos(nanos.unwrap_or(i128::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_of_the_calendar() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_937_815_385_500);
        assert_eq!(day(at).unwrap(), "2031-05-29");
        assert_eq!(moment(at).unwrap(), "2031-05-29T10:03:05Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(moment(before).unwrap(), "1969-12-31T23:59:59Z");
        let never = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(day(never), None);
    }
}
