//! A picture of health, for people and for files.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use super::{ClassHealth, Health, Hearing, Mode};
use crate::cell::{Forced, State};
use crate::{Class, Moment, Operation, Role, Server};

/// What is known of every service at every server, at one moment. Spans of time are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// One for each class that the installation has.
    pub classes: Vec<ClassSnapshot>,
    /// One for each host, in the order in which lists name them.
    pub hosts: Vec<HostSnapshot>,
    /// What operations usually take, where that is known.
    pub usual: Vec<UsualSnapshot>,
}

/// One service, or the part of one with health of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassSnapshot {
    /// Its name.
    pub class: String,
    /// Who holds it.
    pub holder: Server,
    /// Its servers in the operator's order.
    pub entries: Vec<EntrySnapshot>,
}

/// A service at a server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntrySnapshot {
    /// Where.
    pub server: Server,
    /// What its host is: as listed or assumed, or as it has said since.
    pub role: Role,
    /// What is known of the server, for every service that shares it.
    pub server_state: State,
    /// What is known of this service there.
    pub service_state: State,
    /// Whether an operator decided over either.
    pub forced: Forced,
    /// How long it will be left alone because it asked to.
    #[serde(serialize_with = "seconds")]
    pub busy_for: Option<Duration>,
    /// How long ago it lost its place to a later server.
    #[serde(serialize_with = "seconds")]
    pub down_for: Option<Duration>,
    /// For how long every question to it was answered well since then.
    #[serde(serialize_with = "seconds")]
    pub good_for: Option<Duration>,
    /// What connecting to it usually takes.
    #[serde(serialize_with = "seconds")]
    pub connects_in: Option<Duration>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostSnapshot {
    /// Its name.
    pub host: String,
    /// Whether it is silent as a whole.
    pub hearing: Hearing,
    /// How it says that it replicates.
    pub replication: Mode,
}

/// What an operation usually takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsualSnapshot {
    /// Which.
    pub operation: String,
    /// What nineteen answers of twenty take at most.
    #[serde(serialize_with = "seconds")]
    pub p95: Option<Duration>,
}

impl Health {
    /// A picture of it now.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let classes = Class::all().filter_map(|class| {
            let health = self.class(class)?;
            let places = 0..health.entries.len();
            Some(ClassSnapshot {
                class: class.to_string(),
                holder: health.list.entries()[health.holder()].server.clone(),
                entries: places.map(|at| self.picture(health, at, now)).collect(),
            })
        });
        let hosts = self.listed.iter();
        let silence = self.policy.trip.host_silence;
        let usual = Operation::every().filter_map(|operation| {
            Some(UsualSnapshot {
                operation: operation.key(),
                p95: Some(self.usual.p95(operation)?),
            })
        });
        Snapshot {
            classes: classes.collect(),
            hosts: hosts
                .map(|host| HostSnapshot {
                    host: host.name.to_string(),
                    hearing: match host.is_silent(now, silence) {
                        true => Hearing::Silence,
                        false => Hearing::Answer,
                    },
                    replication: host.mode(),
                })
                .collect(),
            usual: usual.collect(),
        }
    }

    fn picture(&self, class: &ClassHealth, place: usize, now: Moment) -> EntrySnapshot {
        let entry = &class.entries[place];
        let server = &entry.server;
        let since = |nanos: u64| (nanos > 0).then(|| now.since(Moment::from_nanos(nanos)));
        let busy_until = Moment::from_nanos(entry.busy_until.load(Ordering::Acquire));
        let good_since = entry.good_since.load(Ordering::Acquire);
        let is_good = entry.good.load(Ordering::Acquire) > 0 && place < class.holder();
        let forced = [server.cell.forced(), entry.cell.forced()];
        EntrySnapshot {
            server: server.name.clone(),
            role: class.role(place),
            server_state: server.cell.state(),
            service_state: entry.cell.state(),
            forced: match forced.contains(&Forced::Down) {
                true => Forced::Down,
                false => Forced::No,
            },
            busy_for: (busy_until > now).then(|| busy_until.since(now)),
            down_for: since(entry.down_since.load(Ordering::Acquire)),
            good_for: is_good.then(|| now.since(Moment::from_nanos(good_since))),
            connects_in: server.connects_in(),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
fn seconds<S: serde::Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64()).serialize(serializer)
}
