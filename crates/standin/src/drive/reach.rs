//! Comes to a connection for a request: one that stands, or the winner of a race.

use std::sync::Arc;
use std::time::Duration;

use standin_core::cell::State;
use standin_core::health::{Alone, Mark};
use standin_core::verdict::Unreached;
use standin_core::{Class, Moment, Repeat, Server, Verdict};
use standin_net::ConnectError;
use standin_net::racing::{Racing, Rest};

use super::{Reached, Walk, Warmth};
use crate::shared::Shared;
use crate::transport::{GivesBack, Transport};

impl<T: Transport> Walk<T> {
    /// A connection that stands, fresh enough for the request. To a server that is in doubt, one that
    /// stood before says little: a new one is raced, unless nobody stands in for it.
    pub(super) fn warm(&self, place: usize) -> Option<T::Connection> {
        let (server, _) = self.shared.server(self.class, place)?;
        if T::GIVES_BACK == GivesBack::Unsent {
            let now = self.shared.clock.now();
            let is_calm = self.shared.health.state(self.class, place, now)? == State::Ready;
            if !is_calm && self.plan.leaves_others(place) {
                return None;
            }
        }
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

    /// A new connection to the candidate whose turn it is, or to one that may stand in for it: the
    /// winner of a race.
    pub(super) async fn race(&mut self, first: usize) -> Option<Reached<T::Connection>> {
        let shared = &Arc::clone(&self.shared);
        let idle = self.idle();
        let stale = self.stale.take();
        let began = shared.clock.now();
        let lanes = self.lanes(first, began);
        let alone = match lanes[..] {
            [_] => Alone::Yes,
            _ => Alone::No,
        };
        let left = self.plan.deadline().since(began);
        let connect = |lane: usize| {
            let place = lanes[lane];
            let transport = self.transport.clone();
            let limit = shared.health.connect_limit(self.class, place, alone, began);
            let server = shared
                .server(self.class, place)
                .map(|(server, _)| server.clone());
            let is_calm = shared.health.state(self.class, place, began) == Some(State::Ready);
            let clock = shared.clock;
            async move {
                let server = server.ok_or_else(ConnectError::timed_out)?;
                match transport.warm(&server, idle) {
                    Some(connection) if stale != Some(place) && is_calm => {
                        Ok((connection, Warmth::Warm))
                    }
                    _ => {
                        let began = clock.now();
                        let connection = transport.connect(&server, limit).await?;
                        let took = clock.now().since(began);
                        Ok((connection, Warmth::New { took }))
                    }
                }
            }
        };
        let mut times = shared.health.race_times(self.class, first, began);
        // Every stand-in must have its turn, and one that is connected must have time to answer.
        let twice = u32::try_from(lanes.len() * 2).unwrap_or(u32::MAX);
        times.head_start = times.head_start.min(left / twice);
        times.preference = times.preference.min(left / 2);
        let mut race = Begun {
            marks: lanes
                .iter()
                .map(|place| shared.health.mark(self.class, *place))
                .collect(),
            racing: Some(Racing::new(lanes.len(), shared.clock, &times)),
            shared: Arc::clone(shared),
            transport: self.transport.clone(),
            class: self.class,
            places: lanes.clone(),
            head_start: times.head_start,
            doubted: Vec::new(),
        };
        let racing = race.racing.as_mut()?;
        let deadline = shared.clock.instant(self.plan.deadline());
        let Ok(won) = tokio::time::timeout_at(deadline, racing.run(connect)).await else {
            // The caller's time ran out, which shows little of the server: no more than when the
            // caller himself goes away.
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.note(first, None, verdict, None, began);
            return None;
        };
        for (lane, error) in racing.take_failed() {
            let verdict = error.verdict();
            let error = Some(Arc::new(error) as _);
            self.note(lanes[lane], race.marks[lane], verdict, error, began);
        }
        let before = |lane: usize| won.as_ref().is_some_and(|(won, _)| lane < *won);
        let connecting = racing.connecting().map(|(lane, _)| lane);
        let passed_over: Vec<usize> = connecting.filter(|lane| before(*lane)).collect();
        if let Some((lane, (_, Warmth::New { took }))) = &won {
            let now = shared.clock.now();
            let health = &shared.health;
            shared.tell(health.connected(self.class, lanes[*lane], *took, now));
        }
        for &lane in &passed_over {
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.note(lanes[lane], race.marks[lane], verdict, None, began);
        }
        race.doubted = passed_over;
        race.settle();
        won.map(|(lane, (connection, warmth))| Reached {
            place: lanes[lane],
            connection,
            warmth,
            at: shared.clock.now(),
        })
    }

    /// Who races: the one whose turn it is and all that may stand in for it, but nobody for the
    /// pinned one of a run that must not cross.
    fn lanes(&self, first: usize, now: Moment) -> Vec<usize> {
        match self.bound_to() {
            Some(pin) if pin == first => vec![pin],
            _ => self.plan.lanes(first, now).collect(),
        }
    }
}

type Made<T> = (<T as Transport>::Connection, Warmth);

/// A race that is under way. Whatever becomes of the caller, what was begun is finished in the
/// background: one connection a server, each within its own limit, and health hears of it. So
/// callers with short times of their own do not blind it.
struct Begun<T: Transport> {
    racing: Option<Racing<Made<T>>>,
    shared: Arc<Shared>,
    transport: T,
    class: Class,
    places: Vec<usize>,
    marks: Vec<Option<Mark>>,
    head_start: Duration,
    /// Lanes whose slowness is recorded already: one connection counts once.
    doubted: Vec<usize>,
}

impl<T: Transport> Begun<T> {
    /// The race is over.
    fn settle(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        let Some(racing) = self.racing.take() else {
            return;
        };
        let (shared, class) = (Arc::clone(&self.shared), self.class);
        let places = std::mem::take(&mut self.places);
        let mut finishing = Vec::new();
        let rest = racing.into_rest(|lane| {
            let Some((server, _)) = shared.server(class, places[lane]) else {
                return false;
            };
            let may_finish = shared.hub.may_finish(server);
            if may_finish {
                finishing.push(server.clone());
            }
            may_finish
        });
        let rest = Leftover::<T> {
            rest,
            finishing,
            transport: self.transport.clone(),
            marks: std::mem::take(&mut self.marks),
            doubted: std::mem::take(&mut self.doubted),
            shared,
            class,
            places,
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !rest.rest.is_empty()
        {
            runtime.spawn(rest.finish());
        }
    }
}

impl<T: Transport> Drop for Begun<T> {
    fn drop(&mut self) {
        let Some(racing) = &self.racing else {
            return;
        };
        let now = self.shared.clock.now();
        let slow = racing
            .connecting()
            .filter(|(_, began)| now.since(*began) >= self.head_start)
            .map(|(lane, _)| lane);
        self.doubted = slow.collect();
        for &lane in &self.doubted {
            let verdict = Verdict::Unreached(Unreached::PassedOver);
            self.shared
                .record(self.class, self.places[lane], self.marks[lane], verdict);
        }
        self.finish();
    }
}

/// Connections that were begun and that nobody waits for.
struct Leftover<T: Transport> {
    rest: Rest<Made<T>>,
    finishing: Vec<Server>,
    shared: Arc<Shared>,
    transport: T,
    class: Class,
    places: Vec<usize>,
    marks: Vec<Option<Mark>>,
    doubted: Vec<usize>,
}

impl<T: Transport> Leftover<T> {
    async fn finish(mut self) {
        while let Some((lane, made)) = self.rest.next().await {
            self.take_in(lane, made);
        }
    }

    fn take_in(&self, lane: usize, made: Result<Made<T>, ConnectError>) {
        let (shared, class, place) = (&self.shared, self.class, self.places[lane]);
        match made {
            Ok((connection, warmth)) => {
                if let Warmth::New { took } = warmth {
                    let now = shared.clock.now();
                    shared.tell(shared.health.connected(class, place, took, now));
                }
                if let Some((server, _)) = shared.server(class, place) {
                    self.transport.keep(server, connection);
                }
            }
            Err(error) => {
                let verdict = error.verdict();
                let is_told = self.doubted.contains(&lane)
                    && verdict == Verdict::Unreached(Unreached::TimedOut);
                if !is_told {
                    shared.record(class, place, self.marks[lane], verdict);
                }
            }
        }
    }
}

impl<T: Transport> Drop for Leftover<T> {
    fn drop(&mut self) {
        for server in &self.finishing {
            self.shared.hub.finished(server);
        }
    }
}
