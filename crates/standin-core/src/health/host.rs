//! Hosts: whether a machine as a whole is silent, and what it says it is.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::{ClassHealth, Event, Events, Health, ServerHealth};
use crate::verdict::{Loss, Unreached, Verdict};
use crate::{Moment, Role};

/// A machine, which has a server at each of its ports.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: Box<str>,
    /// So many of its ports are silent.
    silent_ports: AtomicU8,
    /// One more than the second in which it last answered at any port; 0 when it never did.
    answered: AtomicU32,
    /// Whether its silence was told.
    told: AtomicBool,
    mode: AtomicU8,
}

/// What was heard of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hearing {
    /// An answer of any kind, be it a refusal.
    Answer,
    /// Nothing.
    Silence,
}

/// How a host says that it replicates: `replication.mode` of its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It has not said.
    Unknown,
    /// It neither gives nor takes.
    None,
    /// Others follow it: it is the master.
    Source,
    /// It follows the master.
    Replica,
}

impl Mode {
    /// What the text of a status means; [`Mode::Unknown`] for a word that is not known.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "none" => Self::None,
            "source" => Self::Source,
            "replica" => Self::Replica,
            _ => Self::Unknown,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::None,
            2 => Self::Source,
            3 => Self::Replica,
            _ => Self::Unknown,
        }
    }
}

impl Host {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            silent_ports: AtomicU8::new(0),
            answered: AtomicU32::new(0),
            told: AtomicBool::new(false),
            mode: AtomicU8::new(Mode::Unknown as u8),
        }
    }

    pub(super) fn mode(&self) -> Mode {
        Mode::from_number(self.mode.load(Ordering::Acquire))
    }

    /// Two of its ports are silent: reason enough to look at the time.
    #[inline]
    pub(super) fn is_in_doubt(&self) -> bool {
        self.silent_ports.load(Ordering::Acquire) >= 2
    }

    /// Two of its ports are silent, and none has said anything for `span`.
    pub(super) fn is_silent(&self, now: Moment, span: Duration) -> bool {
        self.is_in_doubt()
            && match self.answered.load(Ordering::Relaxed) {
                0 => true,
                answered => u64::from(second(now) - answered.min(second(now))) >= span.as_secs(),
            }
    }
}

impl Health {
    /// Something came from a server: its host lives.
    pub(super) fn heard(&self, server: &ServerHealth, now: Moment, events: &mut Events) {
        let host = &server.host;
        let second = second(now);
        // Written once a second at most, so that the healthy path only loads.
        if host.answered.load(Ordering::Relaxed) < second {
            host.answered.fetch_max(second, Ordering::Relaxed);
        }
        if server.silent.load(Ordering::Relaxed) && server.silent.swap(false, Ordering::AcqRel) {
            host.silent_ports.fetch_sub(1, Ordering::AcqRel);
        }
        if host.told.load(Ordering::Relaxed) && host.told.swap(false, Ordering::AcqRel) {
            events.push(Event::Host {
                host: host.name.to_string(),
                hearing: Hearing::Answer,
            });
        }
    }

    /// Nothing came from a server.
    pub(super) fn unheard(&self, server: &ServerHealth, now: Moment, events: &mut Events) {
        let host = &server.host;
        if !server.silent.swap(true, Ordering::AcqRel) {
            host.silent_ports.fetch_add(1, Ordering::AcqRel);
        }
        if self.is_silent(server, now) && !host.told.swap(true, Ordering::AcqRel) {
            events.push(Event::Host {
                host: host.name.to_string(),
                hearing: Hearing::Silence,
            });
        }
    }

    /// Whether the host of a server is silent as a whole.
    pub(super) fn is_silent(&self, server: &ServerHealth, now: Moment) -> bool {
        server.host.is_silent(now, self.policy.trip.host_silence)
    }

    /// A host said how it replicates. A replica that is the source was promoted: its writes open. A
    /// master that is a replica follows another: its writes close.
    pub fn set_mode(&self, host: &str, mode: Mode) -> Events {
        let mut events = Events::new();
        let Some(known) = self.hosts.iter().find(|known| *known.name == *host) else {
            return events;
        };
        let before = Mode::from_number(known.mode.swap(mode as u8, Ordering::AcqRel));
        if before == mode {
            return events;
        }
        events.push(Event::Mode {
            host: host.to_owned(),
            mode,
        });
        if mode == Mode::Source && self.has_two_masters() {
            let hosts = self.sources().map(ToOwned::to_owned).collect();
            events.push(Event::TwoMasters { hosts });
        }
        events
    }

    /// Whether two hosts say that they are the source.
    #[must_use]
    pub fn has_two_masters(&self) -> bool {
        self.sources().nth(1).is_some()
    }

    /// The hosts of the lists that say that they are the source.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let listed = self.listed.iter();
        listed
            .filter(|host| host.mode() == Mode::Source)
            .map(|host| &*host.name)
    }
}

impl ClassHealth {
    /// What the host at a place is: see [`Health::role`].
    #[inline]
    pub(super) fn role(&self, place: usize) -> Role {
        let listed = self.list.entries()[place].role;
        match (listed, self.entries[place].server.host.mode()) {
            (Role::Pool, _) | (_, Mode::None | Mode::Unknown) => listed,
            (_, Mode::Source) => Role::Master,
            (_, Mode::Replica) => Role::Replica,
        }
    }
}

/// What a verdict shows of the host.
pub(super) const fn hearing(verdict: Verdict) -> Option<Hearing> {
    match verdict {
        Verdict::Unreached(Unreached::TimedOut | Unreached::PassedOver | Unreached::NoRoute)
        | Verdict::Lost(Loss::Silent) => Some(Hearing::Silence),
        // Who cannot be resolved was not asked, and a wait that ended by itself heard nothing new.
        Verdict::Unreached(Unreached::Name)
        | Verdict::Local
        | Verdict::Lost(Loss::TimedOut)
        | Verdict::Cut => None,
        _ => Some(Hearing::Answer),
    }
}

/// Seconds since the origin, from 1.
fn second(now: Moment) -> u32 {
    let seconds = now.since(Moment::ORIGIN).as_secs();
    u32::try_from(seconds)
        .unwrap_or(u32::MAX - 1)
        .saturating_add(1)
}

#[cfg(test)]
mod tests;
