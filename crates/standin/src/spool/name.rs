//! What the files of entries are called. Their names say all that delivery has to know beforehand.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use standin_core::WallTime;

use super::kind::Kind;

/// Which entry of a spool: the moment at which it was kept, in milliseconds since 1970, or one
/// more than the entry before it. So no two are alike, and a clock that steps back does not change
/// the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EntryId(u64);

impl EntryId {
    /// The one behind `last`; `None` when there is no number left.
    pub(crate) fn after(last: Option<Self>, now: WallTime) -> Option<Self> {
        let next = last.map_or(0, |last| last.0 + 1);
        let id = next.max(now.as_millis());
        (id <= NUMBER_MOST).then_some(Self(id))
    }

    /// How long ago it was kept. An entry from the future is new, and what was kept by a clock that was
    /// not set has no age: it would be lost as soon as the clock is set.
    pub(crate) fn age(self, now: WallTime) -> Duration {
        if self.0 < NUMBER_OF_A_SET_CLOCK {
            return Duration::ZERO;
        }
        WallTime::from_millis(self.0).age(now).unwrap_or_default()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}", self.0)
    }
}

/// The name of an entry's file: `ID.TRIES.KIND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) id: EntryId,
    /// How often a server failed at it.
    pub(crate) tries: u32,
    pub(crate) kind: Kind,
}

impl Name {
    /// `None` when no entry is called so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once('.')?;
        let (tries, kind) = rest.split_once('.')?;
        let name = Self {
            id: EntryId(id.parse().ok()?),
            tries: tries.parse().ok()?,
            kind: Kind::ALL.into_iter().find(|known| known.name() == kind)?,
        };
        // One way of writing each, so that no two files are one entry.
        (name.id.0 <= NUMBER_MOST && name.to_string() == text).then_some(name)
    }

    /// The same entry once a server failed at it again.
    pub(crate) const fn tried_again(self) -> Self {
        Self {
            tries: self.tries.saturating_add(1),
            ..self
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.id, self.tries, self.kind)
    }
}

/// Thirteen digits, until the year 2286.
const NUMBER_MOST: u64 = 9_999_999_999_999;

/// The beginning of 2020, before anything could be kept.
const NUMBER_OF_A_SET_CLOCK: u64 = 1_577_836_800_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_millis(1_790_000_000_000);

    fn id(number: u64) -> EntryId {
        EntryId::after(None, WallTime::from_millis(number)).unwrap()
    }

    #[test]
    fn names_read_as_they_were_written() {
        for text in ["1790000000000.0.report", "0000000000001.7.command"] {
            assert_eq!(Name::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_names_are_no_entries() {
        for text in [
            "",
            ".new",
            ".lock",
            "set-aside",
            "1790000000000.0.facts",
            "1790000000000.0",
            "1790000000000.00.report",
            "1790000000000.-1.report",
            "1790000000000.+1.report",
            "1.0.report",
            "01790000000000.0.report",
            "10000000000000.0.report",
            "99999999999999999999.0.report",
            "1790000000000.0.report.why",
        ] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_does_not_change_the_order() {
        let first = EntryId::after(None, NOW).unwrap();
        let second = EntryId::after(Some(first), WallTime::from_millis(5)).unwrap();
        assert!(second > first);
    }

    #[test]
    fn two_entries_of_one_millisecond_differ() {
        let first = EntryId::after(None, NOW).unwrap();
        assert_ne!(EntryId::after(Some(first), NOW), Some(first));
    }

    #[test]
    fn there_is_an_end_of_numbers_and_no_overflow() {
        let last = EntryId(NUMBER_MOST);
        assert_eq!(EntryId::after(Some(last), NOW), None);
        let far = WallTime::from_millis(u64::MAX);
        assert_eq!(EntryId::after(None, far), None);
    }

    #[test]
    fn what_was_kept_by_a_clock_that_was_not_set_is_new() {
        assert_eq!(id(86_400_000).age(NOW), Duration::ZERO);
        let hour_ago = WallTime::from_millis(NOW.as_millis() - 3_600_000);
        assert_eq!(id(hour_ago.as_millis()).age(NOW), Duration::from_secs(3600));
        assert_eq!(id(NOW.as_millis() + 9).age(NOW), Duration::ZERO);
    }
}
