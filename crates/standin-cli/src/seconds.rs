//! Reads a time in seconds.

use std::time::Duration;

/// A time that a person is ready to wait: more than none, and a day at most.
///
/// # Errors
/// When the text is no such number.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero() && *time <= DAY)
        .ok_or_else(|| {
            "write a number of seconds above 0, such as 20 or 0.5, and at most 86400".into()
        })
}

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_nothing_else() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        for text in ["", "0", "-1", "1s", "nan", "inf", "1e300", "86401", "1e-30"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
