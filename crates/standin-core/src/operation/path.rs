//! How a path is spelled, and whether it fits a pattern.
//!
//! Servers, and proxies before them, do not agree on what a path with dot segments or encoded
//! separators names. So a pattern fits none of them: what may name something else is never judged by
//! what it looks like. Doubled slashes are no such thing: Puppet's agent writes them in the names of
//! file buckets, and whoever collapses them stays beneath the same pattern.

/// How a path is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// It names the same to everybody.
    Plain,
    /// Some take it for another path of the same service.
    Odd,
    /// Some take it for a path that may be another service's.
    LeadsOut,
}

impl Spelling {
    /// The spelling of a path without its query.
    pub(super) fn of(path: &str) -> Self {
        if is_plain(path) {
            Self::Plain
        } else if leads_out(path) {
            Self::LeadsOut
        } else {
            Self::Odd
        }
    }
}

/// A path without its query.
pub(super) fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

/// Whether a path that is spelled plainly fits a pattern: `*` stands for one segment, and `**` at its
/// end for any number of them, none included.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (Some(REST), _) | (None, None) => return true,
            (Some(SEGMENT), Some(segment)) if !segment.is_empty() => {}
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return false,
        }
    }
}

/// Stands for one segment.
pub(super) const SEGMENT: &str = "*";
/// Stands for any number of segments.
pub(super) const REST: &str = "**";

fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return false;
    }
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'/' => !is_dots(&bytes[at + 1..]),
        b'%' => !is_separator(&bytes[at + 1..]),
        b';' | b'\\' => false,
        _ => true,
    })
}

/// Whether a dot segment stands here.
fn is_dots(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'.'] | [b'.', b'.'] | [b'.', b'/', ..] | [b'.', b'.', b'/', ..]
    )
}

/// Whether these digits encode what divides or climbs once it is decoded: a dot, a slash, a semicolon, a
/// backslash, or the percent sign of a second encoding. What is no encoding is as bad.
fn is_separator(digits: &[u8]) -> bool {
    match digits {
        [high, low, ..] => match decoded(*high, *low) {
            Some(byte) => matches!(byte, b'.' | b'/' | b';' | b'\\' | b'%'),
            None => true,
        },
        _ => true,
    }
}

/// Whether a segment climbs once all is decoded, twice for those who do.
fn leads_out(path: &str) -> bool {
    let path = decode(&decode(path.as_bytes()));
    path.split(|byte| matches!(byte, b'/' | b'\\' | b';'))
        .any(|segment| segment == b"..")
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let encoded = match after {
            [high, low, after @ ..] if *first == b'%' => {
                decoded(*high, *low).map(|byte| (byte, after))
            }
            _ => None,
        };
        let (byte, after) = encoded.unwrap_or((*first, after));
        out.push(byte);
        rest = after;
    }
    out
}

fn decoded(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_segment_and_two_are_any_number() {
        assert!(fits("/puppet/v3/node/*", "/puppet/v3/node/a.b"));
        for path in [
            "/puppet/v3/node",
            "/puppet/v3/node/",
            "/puppet/v3/node//a",
            "/puppet/v3/node/a/b",
        ] {
            assert!(!fits("/puppet/v3/node/*", path), "{path}");
        }
        for path in ["/pdb/query/v4", "/pdb/query/v4/", "/pdb/query/v4/nodes/a"] {
            assert!(fits("/pdb/query/v4/**", path), "{path}");
        }
        assert!(!fits("/pdb/query/v4/**", "/pdb/query/v44"));
        assert!(fits("/a/*/c", "/a/b/c"));
        assert!(!fits("/a/*/c", "/a/b/d"));
        assert!(!fits("/a", "/a/"));
    }

    #[test]
    fn ordinary_paths_are_plain() {
        for path in [
            "/",
            "/pdb/query/v4/",
            "/puppet/v3/node/a.example.com",
            "/puppet/v3/file_bucket_file/sha256/1f//etc/motd",
            "/puppet/v3/file_content/modules/a/b%20c%C3%A9",
            "/puppet/v3/file_content/modules/a/.hidden/..data/a..b",
        ] {
            assert_eq!(Spelling::of(path), Spelling::Plain, "{path}");
        }
    }

    #[test]
    fn what_servers_do_not_agree_on_is_odd() {
        for path in [
            "",
            "puppet/v3",
            "/puppet/./v3",
            "/puppet/v3/.",
            "/puppet/v3/a%2fb",
            "/puppet/v3/a%2Eb",
            "/puppet/v3/a%5cb",
            "/puppet/v3/a;b",
            "/puppet/v3/a%3Bb",
            "/puppet/v3/a\\b",
            "/puppet/v3/a%252fb",
            "/puppet/v3/a%",
            "/puppet/v3/a%4",
            "/puppet/v3/a%zz",
        ] {
            assert_eq!(Spelling::of(path), Spelling::Odd, "{path}");
        }
    }

    #[test]
    fn what_climbs_leads_out() {
        for path in [
            "/puppet/../puppet-ca/v1/sign",
            "/puppet/..",
            "/puppet/%2e%2E/x",
            "/puppet/.%2e/x",
            "/puppet/v3/a%2f..%2fb",
            "/puppet/..%5cx",
            "/puppet/..;/x",
            "/puppet/%252e%252e/x",
        ] {
            assert_eq!(Spelling::of(path), Spelling::LeadsOut, "{path}");
        }
    }
}
