//! What was logged.

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::fmt::{self, Write};
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// What was logged, by every test of this program.
pub(crate) struct Said;

static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

impl Said {
    pub(crate) fn listen() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).unwrap());
        Self
    }

    /// Those that contain `text`.
    pub(crate) fn warnings_of(&self, text: &str) -> Vec<String> {
        let lines = LINES.lock().unwrap();
        let about = |line: &&(Level, String)| line.0 == Level::WARN && line.1.contains(text);
        lines
            .iter()
            .filter(about)
            .map(|line| line.1.clone())
            .collect()
    }
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = *event.metadata().level();
        LINES.lock().unwrap().push((level, line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
