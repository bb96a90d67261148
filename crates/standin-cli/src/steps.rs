//! Says on standard error what the library does, as it does it: the steps of `-v`.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

use crate::streams::Verbosity;

/// Follows the steps of this thread until the guard is dropped, if everything is to be said. `head` is
/// what is shown of a request as it goes out.
pub(crate) fn follow(verbosity: Verbosity, head: Head) -> Option<DefaultGuard> {
    match verbosity {
        Verbosity::Failures => None,
        Verbosity::Everything => Some(tracing::subscriber::set_default(Steps { head })),
    }
}

/// The head of a request, a line each, without the server.
#[derive(Debug, Default)]
pub(crate) struct Head(pub(crate) Vec<String>);

#[derive(Debug)]
struct Steps {
    head: Head,
}

impl Subscriber for Steps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("standin")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let mut step = Step::default();
        event.record(&mut step);
        if let Some(text) = step.text(&self.head) {
            // That nobody reads it is no reason to stop.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    // The library has events and no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event, taken apart.
#[derive(Debug, Default)]
struct Step {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Step {
    fn text(&self, head: &Head) -> Option<String> {
        let field = |name| {
            let mut fields = self.fields.iter();
            fields
                .find(|(field, _)| *field == name)
                .map(|(_, value)| value.as_str())
        };
        let line = match (self.message.as_str(), field("server")) {
            ("connecting", Some(server)) => format!("* connecting to {server}\n"),
            ("connected", Some(server)) => {
                let address = field("address").unwrap_or_default();
                let tls = field("tls").unwrap_or_default();
                format!("* connected to {server} at {address} ({tls})\n")
            }
            ("sending", Some(server)) => head.at(server),
            // The answer is shown itself.
            ("attempt answered", _) => return None,
            ("attempt failed", _) => format!("* tried {}\n", field("attempt").unwrap_or_default()),
            _ => self.any(),
        };
        Some(line)
    }

    fn any(&self) -> String {
        let mut text = format!("* {}", self.message);
        for (name, value) in &self.fields {
            let _ = write!(text, ", {name} {value}");
        }
        text.push('\n');
        text
    }
}

impl Head {
    fn at(&self, server: &str) -> String {
        let Some((first, rest)) = self.0.split_first() else {
            return format!("* asking {server}\n");
        };
        let mut text = format!("> {first}\n> host: {server}\n");
        for line in rest {
            let _ = writeln!(text, "> {line}");
        }
        text.push_str(">\n");
        text
    }
}

impl Visit for Step {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push((name, format!("{value:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(message: &str, fields: &[(&'static str, &str)]) -> Step {
        let fields = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Step {
            message: message.to_owned(),
            fields: fields.collect(),
        }
    }

    #[test]
    fn a_request_is_shown_as_it_goes_out() {
        let lines = ["GET /a HTTP/1.1", "accept: */*"].map(str::to_owned);
        let sending = step("sending", &[("server", "m.test:8140")]);
        assert_eq!(
            sending.text(&Head(lines.to_vec())).unwrap(),
            "> GET /a HTTP/1.1\n> host: m.test:8140\n> accept: */*\n>\n"
        );
    }

    #[test]
    fn what_is_not_known_is_told_with_its_fields() {
        let unknown = step(
            "failover",
            &[("service", "puppetdb"), ("to", "r.test:8081")],
        );
        assert_eq!(
            unknown.text(&Head::default()).unwrap(),
            "* failover, service puppetdb, to r.test:8081\n"
        );
    }
}
