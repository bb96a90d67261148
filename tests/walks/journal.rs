//! What happened in a world, in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// One thing that happened at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Counted from the world's beginning.
    pub(crate) at: Duration,
    /// Host and port.
    pub(crate) server: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Somebody begins to connect.
    Connecting,
    /// A connection was not made.
    NotConnected,
    /// A connection that stood was taken.
    Taken,
    /// A request for work came in whole, and may have been processed.
    Got(String),
    /// A request for work came in whole, and was answered as not processed.
    TurnedAway(String),
    /// A question for the status came in.
    Asked,
}

/// What goes on at a server at the same time: now, and at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) now: usize,
    pub(crate) most: usize,
}

/// What is counted by server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    Connecting,
    Status,
    Work,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    events: Vec<Event>,
    gauges: BTreeMap<(String, Counted), Gauge>,
}

impl Journal {
    pub(crate) fn write(&self, at: Duration, server: &str, what: What) {
        let server = server.to_owned();
        self.book().events.push(Event { at, server, what });
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.book().events.clone()
    }

    /// The servers at which `what` happened, in order.
    pub(crate) fn servers_where(&self, what: impl Fn(&What) -> bool) -> Vec<String> {
        let events = self.events().into_iter();
        let there = events.filter(|event| what(&event.what));
        there.map(|event| event.server).collect()
    }

    pub(crate) fn gauge(&self, server: &str, counted: Counted) -> Gauge {
        let key = (server.to_owned(), counted);
        self.book().gauges.get(&key).copied().unwrap_or_default()
    }

    /// Counts something as under way until it is dropped.
    pub(crate) fn begin(&self, server: &str, counted: Counted) -> UnderWay {
        let key = (server.to_owned(), counted);
        let mut book = self.book();
        let gauge = book.gauges.entry(key.clone()).or_default();
        gauge.now += 1;
        gauge.most = gauge.most.max(gauge.now);
        UnderWay {
            journal: self.clone(),
            key,
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }
}

/// See [`Journal::begin`].
#[must_use = "it ends when it is dropped"]
pub(crate) struct UnderWay {
    journal: Journal,
    key: (String, Counted),
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(gauge) = self.journal.book().gauges.get_mut(&self.key) {
            gauge.now -= 1;
        }
    }
}
