//! How much a spool holds, and for how long.

use std::time::Duration;

use standin_core::WallTime;

use super::name::{EntryId, Name};

/// The bounds of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    pub(crate) entries: usize,
    pub(crate) age: Duration,
}

/// A file of a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: Name,
    pub(crate) bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: 128 << 20,
            entries: 2048,
            age: Duration::from_secs(14 * 86_400),
        }
    }
}

impl Room {
    /// Whether one more entry of so many bytes fits beside these.
    pub(crate) fn admits(&self, items: &[Item], bytes: u64) -> bool {
        let free = self.bytes.saturating_sub(bytes_of(items));
        items.len() < self.entries && bytes <= free
    }

    /// The largest entry that is read: a spool may have had more room when it was kept.
    pub(crate) fn largest(&self) -> u64 {
        self.bytes.max(Self::default().bytes)
    }

    /// Whether an entry is so old that it is delivered no more.
    pub(crate) fn is_outlived(&self, id: EntryId, now: WallTime) -> bool {
        id.age(now) > self.age
    }

    /// How many of what was set aside, in order, have to go so that the rest is within bounds: it is for
    /// people, and nobody may come.
    pub(crate) fn surplus(&self, aside: &[Item]) -> usize {
        let mut going = 0;
        let mut bytes = bytes_of(aside);
        for item in aside {
            if aside.len() - going <= ASIDE_MOST && bytes <= self.bytes {
                break;
            }
            going += 1;
            bytes = bytes.saturating_sub(item.bytes);
        }
        going
    }
}

pub(crate) fn bytes_of(items: &[Item]) -> u64 {
    let sum = |sum: u64, item: &Item| sum.saturating_add(item.bytes);
    items.iter().fold(0, sum)
}

/// As many as somebody would look through.
pub(crate) const ASIDE_MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        bytes: 1000,
        entries: 3,
        age: Duration::from_secs(60),
    };

    fn items(sizes: &[u64]) -> Vec<Item> {
        let item = |(at, bytes): (usize, &u64)| Item {
            name: Name::parse(&format!("179000000{at:04}.0.report")).unwrap(),
            bytes: *bytes,
        };
        sizes.iter().enumerate().map(item).collect()
    }

    #[test]
    fn entries_are_admitted_until_their_number_is_reached() {
        assert!(ROOM.admits(&items(&[1, 1]), 1));
        assert!(!ROOM.admits(&items(&[1, 1, 1]), 1));
    }

    #[test]
    fn bytes_are_admitted_to_the_last() {
        assert!(ROOM.admits(&items(&[400, 500]), 100));
        assert!(!ROOM.admits(&items(&[400, 500]), 101));
        assert!(!ROOM.admits(&items(&[u64::MAX, u64::MAX]), 1));
        assert!(!ROOM.admits(&[], u64::MAX));
    }

    #[test]
    fn an_entry_is_outlived_once_it_is_older_than_the_bound() {
        let now = WallTime::from_millis(1_790_000_060_000);
        let id = items(&[1])[0].name.id;
        assert!(!ROOM.is_outlived(id, now));
        assert!(ROOM.is_outlived(id, WallTime::from_millis(now.as_millis() + 1)));
    }

    #[test]
    fn the_oldest_of_what_was_set_aside_go_first() {
        assert_eq!(ROOM.surplus(&items(&[400, 300, 300])), 0);
        assert_eq!(ROOM.surplus(&items(&[400, 300, 301])), 1);
        assert_eq!(ROOM.surplus(&items(&[2000])), 1);
        let many = vec![0; ASIDE_MOST + 2];
        assert_eq!(ROOM.surplus(&items(&many)), 2);
    }
}
