//! What can be made to go wrong on a wire, and the guard that sets it right again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::rules::Board;

/// What goes wrong with connections through a [`Relay`](crate::Relay).
///
/// Of [`Refuse`](Self::Refuse), [`BlackHole`](Self::BlackHole), [`Silent`](Self::Silent), [`HangUp`](Self::HangUp) and
/// [`Flapping`](Self::Flapping) the one switched on last counts. The others hold beside it and beside one another; of two of
/// one kind (for [`Reset`](Self::Reset) and [`Cut`](Self::Cut): of one direction) the one switched on last counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireFault {
    /// Nothing listens, and established connections are reset.
    Refuse,
    /// SYNs are dropped (the accept queue is kept full), so a connect hangs; established connections go silent.
    ///
    /// Once lifted the relay listens at once, but a client whose SYN was dropped sends the next one only after a second or
    /// more, as its kernel does.
    BlackHole,
    /// TCP connects, then nothing; established connections go silent. Lifted, all of them go on.
    Silent,
    /// TCP connects and is closed at once, as by a load balancer with nothing behind it. Established connections go on.
    HangUp,
    /// Refuses, for `down`, then lets pass, for `up`, and so on.
    Flapping {
        /// How long it refuses, from the moment at which the fault is switched on.
        down: Duration,
        /// How long it lets pass in between.
        up: Duration,
    },
    /// Everything, either way, arrives so much later, or once the fault is lifted. Much can be on its way at once.
    Delay(Duration),
    /// What arrives, either way, is later by up to so much, drawn anew each time. Nothing overtakes.
    Jitter(Duration),
    /// At most so many bytes pass in a second, each way. 0 counts as 1.
    Bandwidth(u32),
    /// Each byte, either way, has to wait so long after the one before.
    Drip(Duration),
    /// A connection is reset, to both sides, as soon as so many bytes have passed in that direction since it began: at
    /// once, where they already have.
    Reset {
        /// Which bytes count.
        direction: Direction,
        /// How many pass.
        after: u64,
    },
    /// No more than so many bytes pass in that direction since a connection began; the receiver then sees an orderly end,
    /// and the sender nothing. The other direction goes on.
    Cut {
        /// Which bytes count.
        direction: Direction,
        /// How many pass.
        after: u64,
    },
}

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Keeps a fault on, and lifts it when dropped.
///
/// Made by [`Relay::fault`](crate::Relay::fault), which returns once the fault is in effect.
#[must_use = "a fault is lifted when its guard is dropped"]
pub struct WireGuard {
    board: Arc<Board>,
    rule: Option<u64>,
}

impl WireGuard {
    pub(super) fn new(board: Arc<Board>, rule: u64) -> Self {
        Self {
            board,
            rule: Some(rule),
        }
    }

    /// Lifts the fault and returns once the relay acts accordingly.
    pub async fn lift(mut self) {
        if let Some(rule) = self.rule.take() {
            let version = self.board.remove(rule);
            if let Err(error) = self.board.settled(version).await {
                // The relay keeps trying to listen again, and the next fault reports it.
                tracing::warn!(%error, "a fault was not lifted cleanly");
            }
        }
    }

    /// Leaves the fault on for as long as the relay runs.
    pub fn forget(mut self) {
        self.rule = None;
    }
}

impl Drop for WireGuard {
    fn drop(&mut self) {
        if let Some(rule) = self.rule.take() {
            self.board.remove(rule);
        }
    }
}

impl fmt::Debug for WireGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireGuard")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
