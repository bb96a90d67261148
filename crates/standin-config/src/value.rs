//! Values: times, numbers and words, as Puppet writes them.

use std::time::Duration;

use standin_core::Server;

use crate::SettingsFault;

/// A time as `puppet.conf` has it: digits and perhaps `y`, `d`, `h`, `m` or `s`; seconds without.
///
/// Units: `duration_setting.rb` of Puppet. A year has 365 days.
pub(crate) fn duration(text: &str) -> Result<Duration, SettingsFault> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'y') => (&text[..text.len() - 1], 365 * 24 * 60 * 60),
        Some(b'd') => (&text[..text.len() - 1], 24 * 60 * 60),
        Some(b'h') => (&text[..text.len() - 1], 60 * 60),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b's') => (&text[..text.len() - 1], 1),
        _ => (text, 1),
    };
    number::<u64>(digits)
        .and_then(|count| count.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| SettingsFault::Duration { text: text.into() })
}

/// A whole number that is at least `least`.
pub(crate) fn count(text: &str, least: u32) -> Result<u32, SettingsFault> {
    number::<u32>(text)
        .filter(|count| *count >= least)
        .ok_or_else(|| SettingsFault::Number {
            text: text.into(),
            least,
        })
}

/// A port that can be connected to. Puppet takes 0 too and then asks `https://:0`, and with a 0 before
/// other digits it counts in eights.
pub(crate) fn port(text: &str) -> Result<u16, SettingsFault> {
    number::<u16>(text)
        .filter(|_| !text.starts_with('0'))
        .ok_or_else(|| SettingsFault::Port { text: text.into() })
}

/// A server whose services speak HTTPS, with or without the scheme.
pub(crate) fn https_server(text: &str, default_port: u16) -> Result<Server, SettingsFault> {
    without_user(text)?;
    match text.split_once("://") {
        None | Some(("https", _)) => Ok(Server::parse(text, default_port)?),
        Some(_) => Err(SettingsFault::Scheme {
            text: text.into(),
            scheme: "https://",
        }),
    }
}

/// Refuses a user and password without repeating them.
pub(crate) fn without_user(text: &str) -> Result<(), SettingsFault> {
    if text.contains('@') {
        return Err(SettingsFault::User);
    }
    Ok(())
}

/// `true` or `false`, each standing for a value.
pub(crate) fn switch<T>(text: &str, on: T, off: T) -> Result<T, SettingsFault> {
    match text {
        "true" => Ok(on),
        "false" => Ok(off),
        _ => Err(SettingsFault::Word {
            text: text.into(),
            known: "true or false",
        }),
    }
}

/// The entries of a list with commas between. Empty ones at its end do not count, as in Ruby.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_end_matches(|c| c == ',' || is_space(c));
    let entries = (!text.is_empty()).then(|| text.split(','));
    entries.into_iter().flatten().map(trim)
}

/// `text` without what Ruby's `\s` matches at its ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// What Ruby's `\s` matches: no space beyond ASCII.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c')
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    // FromStr takes a sign, which no setting does.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_has_one_unit_and_seconds_without() {
        let read = |text| duration(text).unwrap().as_secs();
        assert_eq!(read("1800"), 1800);
        assert_eq!(read("4s"), 4);
        assert_eq!(read("2m"), 120);
        assert_eq!(read("6h"), 21_600);
        assert_eq!(read("2d"), 172_800);
        assert_eq!(read("5y"), 157_680_000);
        assert_eq!(read("0"), 0);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "m",
            "2 m",
            "1.5m",
            "-1",
            "+1",
            "2ms",
            "2M",
            "unlimited",
            "٣",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_too_long_to_count_is_refused() {
        assert!(duration("99999999999999999999").is_err());
        assert!(duration("9999999999999999999y").is_err());
    }

    #[test]
    fn a_port_is_from_1_to_65535() {
        assert_eq!(port("1").unwrap(), 1);
        assert_eq!(port("65535").unwrap(), 65535);
        for text in ["0", "010", "65536", "", "http", "-1", "+1", "8140 "] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn entries_are_trimmed_and_empty_ones_at_the_end_dropped() {
        let read = |text| entries(text).collect::<Vec<_>>();
        assert_eq!(read("a , b,c"), ["a", "b", "c"]);
        assert_eq!(read("a,b, ,"), ["a", "b"]);
        assert_eq!(read("a,,b"), ["a", "", "b"]);
        assert!(read(" , ").is_empty());
        assert!(read("").is_empty());
    }

    #[test]
    fn a_server_may_have_the_scheme_of_https_and_no_other() {
        assert!(https_server("https://a:1", 2).is_ok());
        for text in ["http://a", "wss://a:1", "://a"] {
            let fault = https_server(text, 2).unwrap_err();
            assert!(matches!(fault, SettingsFault::Scheme { .. }), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let fault = https_server("https://ann:secret@a", 2).unwrap_err();
        assert!(matches!(fault, SettingsFault::User));
        assert!(!format!("{fault:?} {fault}").contains("secret"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_value_panic(text in "\\PC{0,12}") {
            let _ = duration(&text);
            let _ = count(&text, 0);
            let _ = port(&text);
            let _ = entries(&text).count();
        }
    }
}
