//! Drives the core's race of connections on real ones.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use standin_core::Moment;
use standin_core::policy::Connect;
use standin_core::race::{Race, RaceStep};

use crate::{Clock, ConnectError};

/// A race of connections, as [`Race`] has it, on real ones.
///
/// It holds what was begun, so that a caller who stops waiting for it can still let that end.
pub struct Racing<C> {
    race: Race,
    clock: Clock,
    connected: Vec<(usize, C)>,
    failed: Vec<(usize, ConnectError)>,
    running: FuturesUnordered<Running<C>>,
}

impl<C: Send + 'static> Racing<C> {
    /// A race of so many lanes, the preferred server's being lane 0.
    #[must_use]
    pub fn new(lanes: usize, clock: Clock, times: &Connect) -> Self {
        Self {
            race: Race::new(lanes, clock.now(), times),
            clock,
            connected: Vec::new(),
            failed: Vec::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Runs the race to its end, beginning connections with `connect`. Returns the lane whose
    /// connection is to be used, with it; `None` when every lane failed, or one for a reason that no
    /// other lane can escape.
    ///
    /// # Cancel safety
    /// Dropping the future stops the race and keeps what was begun.
    pub async fn run<F>(&mut self, mut connect: impl FnMut(usize) -> F) -> Option<(usize, C)>
    where
        F: Future<Output = Result<C, ConnectError>> + Send + 'static,
    {
        let won = loop {
            let now = self.clock.now();
            let until = match self.race.step(now) {
                RaceStep::Start(lane) => {
                    self.running.push(Running {
                        lane,
                        began: now,
                        connecting: Box::pin(connect(lane)),
                    });
                    continue;
                }
                RaceStep::Won(lane) => break lane,
                RaceStep::Lost => return None,
                RaceStep::Wait(until) => until,
            };
            let done = match until {
                None => self.running.next().await,
                Some(until) => {
                    let until = self.clock.instant(until);
                    let done = tokio::time::timeout_at(until, self.running.next());
                    done.await.unwrap_or(None)
                }
            };
            if let Some(done) = done {
                self.take_in(done);
                let last = self.failed.last();
                if last.is_some_and(|(_, error)| error.stops_at_once()) {
                    return None;
                }
            }
        };
        let at = self.connected.iter().position(|(lane, _)| *lane == won)?;
        Some(self.connected.swap_remove(at))
    }

    fn take_in(&mut self, done: Done<C>) {
        let (lane, connected) = done;
        match connected {
            Ok(connection) => {
                self.race.connected(lane);
                self.connected.push((lane, connection));
            }
            Err(error) => {
                self.race.failed(lane);
                self.failed.push((lane, error));
            }
        }
    }

    /// The lanes that failed so far, in the order in which they did.
    pub fn take_failed(&mut self) -> Vec<(usize, ConnectError)> {
        std::mem::take(&mut self.failed)
    }

    /// The lanes that are still connecting, and since when.
    pub fn connecting(&self) -> impl Iterator<Item = (usize, Moment)> + '_ {
        let running = self.running.iter();
        running.map(|running| (running.lane, running.began))
    }

    /// What was begun and is not needed, of the lanes that `keep` names.
    #[must_use]
    pub fn into_rest(self, mut keep: impl FnMut(usize) -> bool) -> Rest<C> {
        let running = self.running.into_iter();
        let running = running.filter(|running| keep(running.lane)).collect();
        Rest {
            connected: self.connected,
            running,
        }
    }
}

impl<C> fmt::Debug for Racing<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Racing")
            .field("race", &self.race)
            .finish_non_exhaustive()
    }
}

/// Connections that were begun and are not needed: they may still be finished and kept.
pub struct Rest<C> {
    connected: Vec<(usize, C)>,
    running: FuturesUnordered<Running<C>>,
}

impl<C> Rest<C> {
    /// The next one to finish, by its lane; `None` when all have.
    pub async fn next(&mut self) -> Option<(usize, Result<C, ConnectError>)> {
        match self.connected.pop() {
            Some((lane, connection)) => Some((lane, Ok(connection))),
            None => self.running.next().await,
        }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connected.is_empty() && self.running.is_empty()
    }
}

impl<C> fmt::Debug for Rest<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest")
            .field("connected", &self.connected.len())
            .field("running", &self.running.len())
            .finish()
    }
}

/// A connection that is being made.
struct Running<C> {
    lane: usize,
    began: Moment,
    connecting: BoxFuture<'static, Result<C, ConnectError>>,
}

type Done<C> = (usize, Result<C, ConnectError>);

impl<C> Future for Running<C> {
    type Output = Done<C>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Done<C>> {
        let connected = ready!(self.connecting.as_mut().poll(context));
        Poll::Ready((self.lane, connected))
    }
}

#[cfg(test)]
mod tests;
