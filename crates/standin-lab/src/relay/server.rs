//! The relay's listening socket: open, closed, silent or a black hole, as the rules want it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::passage;
use super::rules::Board;
use crate::port::{Applied, Gate};
use crate::scene::Door;

/// Relays until the task is aborted, which closes the socket and every connection.
pub(super) fn run(
    board: Arc<Board>,
    target: SocketAddr,
    address: SocketAddr,
    socket: TcpListener,
) -> impl Future<Output = ()> {
    let (applied, caught_up) = watch::channel(Applied::NOTHING);
    board.watch(caught_up);
    relay(board, target, Gate::new(address, Some(socket)), applied)
}

async fn relay(
    board: Arc<Board>,
    target: SocketAddr,
    mut gate: Gate,
    applied: watch::Sender<Applied>,
) {
    let mut rules = board.subscribe();
    let doors = watch::Sender::new(Door::Open);
    let mut connections = JoinSet::new();
    let mut plug: HashSet<SocketAddr> = HashSet::new();
    let (mut before, mut trouble) = (Some(Door::Open), None);
    loop {
        let (version, (door, until)) = {
            let rules = rules.borrow_and_update();
            (rules.version, rules.door(Instant::now()))
        };
        if before != Some(door) {
            doors.send_replace(door);
            let result = gate.enter(door).await;
            plug.extend(gate.plugged());
            if door == Door::Closed {
                // They see the door and end at once; afterwards nothing passes any more.
                while connections.join_next().await.is_some() {}
                plug.clear();
            }
            // What did not work is tried again.
            before = result.is_ok().then_some(door);
            trouble = result.err().map(Arc::new);
        }
        applied.send_replace(Applied {
            version: Some(version),
            trouble: trouble.clone(),
        });
        let retry = trouble.is_some().then(|| Instant::now() + RETRY);
        loop {
            tokio::select! {
                changed = rules.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = at(until) => break,
                () = at(retry) => break,
                client = gate.accept(), if matches!(door, Door::Open | Door::Silent | Door::HangUp) => {
                    // What kept the queue full is no client.
                    let own = client.peer_addr().is_ok_and(|peer| plug.remove(&peer));
                    if !own {
                        connections.spawn(passage::serve(Arc::clone(&board), client, target, doors.subscribe()));
                    }
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// Waits for that moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

const RETRY: Duration = Duration::from_millis(20);
