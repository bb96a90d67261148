//! Counts what happens: see [`crate::telling`] for what each metric means.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use standin_core::budget::Budget;
use standin_core::cell::State;
use standin_core::health::{Event, Events, Snapshot};
use standin_core::{Class, Server, Verdict};

use crate::telling::metric;

/// An attempt is over.
pub(crate) fn attempt(class: Class, server: &Server, verdict: Verdict) {
    counter!(
        metric::ATTEMPTS,
        "service" => class.to_string(), "server" => server.to_string(), "outcome" => outcome(verdict)
    )
    .increment(1);
}

/// A request is over, and this is left for those to come.
pub(crate) fn budget(budget: &Budget) {
    gauge!(metric::BUDGET).set(budget.repeats());
}

pub(crate) fn events(events: &Events) {
    for event in events {
        match event {
            Event::Server { server, change } => server_state(server, change.to),
            Event::Service {
                class,
                server,
                change,
            } => service_state(&class.to_string(), server, change.to),
            Event::Failover { class, .. } => {
                counter!(metric::FAILOVERS, "service" => class.to_string()).increment(1);
            }
            Event::Failback { class, .. } => {
                counter!(metric::FAILBACKS, "service" => class.to_string()).increment(1);
            }
            _ => {}
        }
    }
}

/// A question to a server how it is was answered, or given up.
pub(crate) fn probe(server: &Server, took: Duration) {
    histogram!(metric::PROBE, "server" => server.to_string()).record(took);
}

/// So many entries are in the spool.
pub(crate) fn spool(entries: usize) {
    gauge!(metric::SPOOL).set(entries as f64);
}

/// The states of all servers, before any of them changes.
pub(crate) fn states(snapshot: impl FnOnce() -> Snapshot) {
    for class in snapshot().classes {
        for entry in class.entries {
            server_state(&entry.server, entry.server_state);
            service_state(&class.class, &entry.server, entry.service_state);
        }
    }
}

fn server_state(server: &Server, state: State) {
    gauge!(metric::SERVER_STATE, "server" => server.to_string()).set(number(state));
}

fn service_state(class: &str, server: &Server, state: State) {
    gauge!(
        metric::SERVICE_STATE,
        "service" => class.to_owned(), "server" => server.to_string()
    )
    .set(number(state));
}

const fn number(state: State) -> u32 {
    match state {
        State::Ready => 0,
        State::Suspect => 1,
        State::Probing => 2,
        State::Benched => 3,
    }
}

const fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Answered => "answered",
        Verdict::NotReady(_) => "not-ready",
        Verdict::Busy(_) => "busy",
        Verdict::Unreached(_) => "unreached",
        Verdict::Untrusted => "untrusted",
        Verdict::Local => "local",
        Verdict::Lost(_) => "lost",
        Verdict::Cut => "cut",
        _ => "other",
    }
}
