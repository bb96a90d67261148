//! Comes to a connection for a request: one that stands, or the winner of a race.

use std::sync::Arc;
use std::time::Duration;

use standin_core::health::{Alone, Mark};
use standin_core::verdict::Unreached;
use standin_core::{Repeat, Verdict};
use standin_net::ConnectError;
use standin_net::racing::{Raced, race};

use super::{Reached, Walk, Warmth};
use crate::transport::Transport;

impl<T: Transport> Walk<T> {
    /// A connection that stands, fresh enough for the request.
    pub(super) fn warm(&self, place: usize) -> Option<T::Connection> {
        let (server, _) = self.shared.server(self.class, place)?;
        self.transport.warm(server, self.idle())
    }

    /// How long a connection may have been idle to carry the request.
    fn idle(&self) -> Duration {
        let times = &self.shared.health.policy().connect;
        match self.plan.operation().repeat {
            Repeat::Harmless => times.keep_alive,
            Repeat::Harmful => times.fresh,
        }
    }

    /// A new connection to one of the candidates: the winner of a race.
    pub(super) async fn race(&mut self) -> Option<Reached<T::Connection>> {
        let shared = &Arc::clone(&self.shared);
        let idle = self.idle();
        let stale = self.stale.take();
        let lanes = self.lanes();
        let alone = if lanes.len() == 1 {
            Alone::Yes
        } else {
            Alone::No
        };
        let began = shared.clock.now();
        let left = self.plan.deadline().since(began);
        let connect = |lane: usize| {
            let place = lanes[lane];
            let transport = self.transport.clone();
            let limit = shared.health.connect_limit(self.class, place, alone, began);
            let server = shared
                .server(self.class, place)
                .map(|(server, _)| server.clone());
            async move {
                let server = server.ok_or_else(ConnectError::timed_out)?;
                match transport.warm(&server, idle) {
                    Some(connection) if stale != Some(place) => Ok((connection, Warmth::Warm)),
                    _ => Ok((transport.connect(&server, limit).await?, Warmth::New)),
                }
            }
        };
        let marks: Vec<Option<Mark>> = lanes
            .iter()
            .map(|place| shared.health.mark(self.class, *place))
            .collect();
        let mut times = shared.health.race_times(self.class, *lanes.first()?, began);
        // A stand-in that is connected must have time to answer.
        times.preference = times.preference.min(left / 2);
        let racing = race(lanes.len(), shared.clock, &times, connect);
        let deadline = shared.clock.instant(self.plan.deadline());
        let Ok(raced) = tokio::time::timeout_at(deadline, racing).await else {
            // The caller's time ran out, which shows little of the server.
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            let waited = shared.clock.now().since(began);
            let mark = marks.first().copied().flatten();
            let mark = mark.filter(|_| waited >= times.head_start);
            self.note(*lanes.first()?, mark, verdict, None, began);
            return None;
        };
        let Raced {
            won,
            failed,
            passed_over,
            mut rest,
        } = raced;
        for (lane, error) in failed {
            let verdict = error.verdict();
            self.note(
                lanes[lane],
                marks[lane],
                verdict,
                Some(Arc::new(error)),
                began,
            );
        }
        for &lane in &passed_over {
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.note(lanes[lane], marks[lane], verdict, None, began);
        }
        if !rest.is_empty() {
            let (shared, transport) = (Arc::clone(shared), self.transport.clone());
            let (class, places) = (self.class, lanes.clone());
            tokio::spawn(async move {
                while let Some((lane, result)) = rest.next().await {
                    let place = places[lane];
                    match result {
                        Ok((connection, _)) => {
                            if let Some((server, _)) = shared.server(class, place) {
                                transport.keep(server, connection);
                            }
                        }
                        // It was found slow already; one connection counts once.
                        Err(error)
                            if passed_over.contains(&lane)
                                && error.verdict() == Verdict::Unreached(Unreached::TimedOut) => {}
                        Err(error) => shared.record(class, place, marks[lane], error.verdict()),
                    }
                }
            });
        }
        won.map(|(lane, (connection, warmth))| Reached {
            place: lanes[lane],
            connection,
            warmth,
            at: shared.clock.now(),
        })
    }

    /// Who races: every candidate left, but only the pinned one of a run that must not cross.
    fn lanes(&self) -> Vec<usize> {
        match self.bound_to() {
            Some(pin) if self.plan.fresh().any(|place| place == pin) => vec![pin],
            _ => self.plan.fresh().collect(),
        }
    }
}
