//! What a server's answer means for an entry.

use http::StatusCode;

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server has it.
    Delivered,
    /// No server will ever take it.
    Refused,
    /// The server failed at it, and it may be to blame.
    Doubtful,
    /// The server takes nothing now, whatever it is sent.
    Later,
}

impl Fate {
    /// A refusal of whoever asks (401, 403, 407) is the same for every entry and ends when an allowlist
    /// or an account is mended.
    pub(crate) const fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Delivered,
            401 | 403 | 407 | 408 | 421 | 425 | 429 | 502..=504 => Self::Later,
            400..=499 => Self::Refused,
            _ => Self::Doubtful,
        }
    }
}

/// How often a server may fail at an entry before the ones behind it are not kept waiting any longer:
/// four hours for an agent that runs every half hour.
pub(crate) const TRIES_MOST: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        for (status, fate) in [
            (200, Fate::Delivered),
            (202, Fate::Delivered),
            (400, Fate::Refused),
            (404, Fate::Refused),
            (413, Fate::Refused),
            (401, Fate::Later),
            (403, Fate::Later),
            (429, Fate::Later),
            (503, Fate::Later),
            (302, Fate::Doubtful),
            (500, Fate::Doubtful),
            (507, Fate::Doubtful),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Fate::of(status), fate, "{status}");
        }
    }
}
