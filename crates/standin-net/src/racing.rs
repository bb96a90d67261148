//! Drives the core's race of connections on real ones.

use std::fmt;
use std::future::Future;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::FuturesUnordered;
use standin_core::policy::Connect;
use standin_core::race::{Race, RaceStep};

use crate::{Clock, ConnectError};

/// What came of a race.
#[derive(Debug)]
pub struct Raced<C> {
    /// The lane whose connection is to be used, with it.
    pub won: Option<(usize, C)>,
    /// The lanes that failed, in the order in which they did.
    pub failed: Vec<(usize, ConnectError)>,
    /// Lanes before the one taken that were still connecting.
    pub passed_over: Vec<usize>,
    /// Everything that was begun and is not needed.
    pub rest: Rest<C>,
}

/// Connections that lost a race: they may still be finished and kept.
pub struct Rest<C> {
    connected: Vec<(usize, C)>,
    running: FuturesUnordered<Running<C>>,
}

impl<C> Rest<C> {
    /// The next one to finish; `None` when all have.
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

type Running<C> = BoxFuture<'static, (usize, Result<C, ConnectError>)>;

/// Races `lanes` connections, the preferred in lane 0, as [`Race`] says.
///
/// # Cancel safety
/// Dropping the future drops the connections that are being made.
pub async fn race<C, F>(
    lanes: usize,
    clock: Clock,
    times: &Connect,
    mut connect: impl FnMut(usize) -> F,
) -> Raced<C>
where
    C: Send + 'static,
    F: Future<Output = Result<C, ConnectError>> + Send + 'static,
{
    let mut race = Race::new(lanes, clock.now(), times);
    let mut running: FuturesUnordered<Running<C>> = FuturesUnordered::new();
    let mut connected: Vec<(usize, C)> = Vec::new();
    let mut failed = Vec::new();
    let won = loop {
        let until = match race.step(clock.now()) {
            RaceStep::Start(lane) => {
                running.push(connect(lane).map(move |result| (lane, result)).boxed());
                continue;
            }
            RaceStep::Won(lane) => break Some(lane),
            RaceStep::Lost => break None,
            RaceStep::Wait(until) => until,
        };
        let done = match until {
            None => running.next().await,
            Some(until) => tokio::time::timeout_at(clock.instant(until), running.next())
                .await
                .unwrap_or(None),
        };
        match done {
            Some((lane, Ok(connection))) => {
                race.connected(lane);
                connected.push((lane, connection));
            }
            Some((lane, Err(error))) => {
                race.failed(lane);
                failed.push((lane, error));
            }
            None => {}
        }
    };
    let at = won.and_then(|won| connected.iter().position(|(lane, _)| *lane == won));
    Raced {
        won: at.map(|at| connected.swap_remove(at)),
        failed,
        passed_over: race
            .connecting()
            .take_while(|lane| won.is_some_and(|won| *lane < won))
            .collect(),
        rest: Rest { connected, running },
    }
}

#[cfg(test)]
mod tests;
