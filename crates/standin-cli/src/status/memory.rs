//! What agents of this machine remember of a service at a server.

use std::time::Duration;

use serde::Serialize;
use standin::{Server, Service, Snapshot, State};

/// Everything that is remembered.
#[derive(Debug)]
pub(super) struct Remembered<'a>(&'a Snapshot);

/// What is remembered of one service at one server.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Memory {
    /// The worse of what is known of the server and of the service there.
    pub(super) state: State,
    pub(super) holder: Holder,
    /// For how many seconds another has been in its place.
    #[serde(serialize_with = "seconds")]
    pub(super) down_for: Option<Duration>,
}

/// Whether the server holds the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "bool")]
pub(super) enum Holder {
    Yes,
    No,
}

impl From<Holder> for bool {
    fn from(holder: Holder) -> Self {
        holder == Holder::Yes
    }
}

impl<'a> Remembered<'a> {
    pub(super) const fn of(snapshot: &'a Snapshot) -> Self {
        Self(snapshot)
    }

    pub(super) fn at(&self, service: Service, server: &Server) -> Option<Memory> {
        let mut classes = self.0.classes.iter();
        let class = classes.find(|class| class.class == service.name())?;
        let mut entries = class.entries.iter();
        let entry = entries.find(|entry| entry.server == *server)?;
        Some(Memory {
            state: worse(entry.server_state, entry.service_state),
            holder: match class.holder == *server {
                true => Holder::Yes,
                false => Holder::No,
            },
            down_for: entry.down_for,
        })
    }
}

/// Of what is known of a server and of a service there, the worse.
pub(crate) const fn worse(a: State, b: State) -> State {
    match badness(a) < badness(b) {
        true => b,
        false => a,
    }
}

const fn badness(state: State) -> u8 {
    match state {
        State::Ready => 0,
        State::Suspect => 1,
        State::Probing => 2,
        State::Benched => 3,
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
fn seconds<S: serde::Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64()).serialize(serializer)
}
