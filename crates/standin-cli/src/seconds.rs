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

/// The same, where `s` or `m` may follow the number, as in the settings of load balancers.
///
/// # Errors
/// When the text is no such time.
pub(crate) fn seconds_or_minutes(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b's') => (&text[..text.len() - 1], 1),
        _ => (text, 1),
    };
    let refused = || "write a time above 0 and up to a day, such as 240 or 4m".to_owned();
    seconds(number)
        .map_err(|_| refused())?
        .checked_mul(unit)
        .filter(|time| *time <= DAY)
        .ok_or_else(refused)
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

    #[test]
    fn a_unit_may_follow() {
        let read = |text| seconds_or_minutes(text).map(|time| time.as_secs());
        assert_eq!(read("240"), Ok(240));
        assert_eq!(read("240s"), Ok(240));
        assert_eq!(read("4m"), Ok(240));
        for text in ["", "m", "4h", "4mm", "1441m", "-4m", "4 m"] {
            assert!(read(text).unwrap_err().contains("4m"), "{text}");
        }
    }
}
