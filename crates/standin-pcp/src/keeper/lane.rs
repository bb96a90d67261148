//! One association: has it proven itself, and does its broker live?

use standin_core::Moment;
use standin_core::health::ServerId;

use crate::Terms;

#[derive(Debug)]
pub(super) struct Lane {
    server: ServerId,
    since: Moment,
    standing: Standing,
    /// When anything last came.
    heard: Moment,
    ping: Ping,
    /// Pings without an answer, in a row.
    misses: u8,
    /// Whether something was written that the last ping does not cover.
    uncovered: Uncovered,
    ear: Ear,
}

#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It was made; no ping was answered yet.
    Unproven,
    /// A ping was answered.
    Answering,
    Stable,
}

/// The one ping that may be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    No,
    /// Asked for and not written yet.
    Asked {
        at: Moment,
        aim: Aim,
    },
    /// Written.
    Sent {
        at: Moment,
        aim: Aim,
    },
}

/// What a ping is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Whether the broker still lives: its answer is waited for with a limit.
    Life,
    /// To confirm what was written before it. A loaded broker may take its time.
    Confirm,
}

#[derive(Debug, PartialEq, Eq)]
enum Uncovered {
    Nothing,
    Something,
}

/// Whether the broker is read.
#[derive(Debug, PartialEq, Eq)]
enum Ear {
    Open,
    Shut,
}

/// What an association needs now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    Ping,
    Leave,
    /// It counts as a success from now on.
    Settle,
    /// Nothing until then.
    Nothing(Option<Moment>),
}

impl Lane {
    /// The first ping is sent at once: its answer is half of the proof.
    pub(super) const fn new(server: ServerId, now: Moment) -> Self {
        Self {
            server,
            since: now,
            standing: Standing::Unproven,
            heard: now,
            ping: Ping::No,
            misses: 0,
            uncovered: Uncovered::Something,
            ear: Ear::Open,
        }
    }

    pub(super) const fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn is_stable(&self) -> bool {
        self.standing == Standing::Stable
    }

    pub(super) fn need(&mut self, terms: &Terms, now: Moment) -> Need {
        if self.ear == Ear::Shut {
            return Need::Nothing(None);
        }
        let proof_at = match self.standing {
            Standing::Stable => None,
            Standing::Answering => Some(self.since + terms.stable),
            // However short that is, an answer has the time that answers have.
            Standing::Unproven => Some(self.since + terms.stable.max(terms.ping.patience())),
        };
        if proof_at.is_some_and(|at| now >= at) {
            if self.standing == Standing::Unproven {
                return Need::Leave;
            }
            self.standing = Standing::Stable;
            return Need::Settle;
        }
        let due = self.heard + terms.ping.every;
        let due = match self.ping {
            Ping::No if now >= due => return self.ask(Aim::Life, now),
            Ping::No if self.uncovered == Uncovered::Something => {
                return self.ask(Aim::Confirm, now);
            }
            Ping::No => due,
            Ping::Asked { at, .. } if now >= at + terms.ping.every => return Need::Leave,
            Ping::Asked { at, .. } => at + terms.ping.every,
            Ping::Sent {
                aim: Aim::Confirm, ..
            } if now >= due => return self.ask(Aim::Life, now),
            Ping::Sent {
                aim: Aim::Confirm, ..
            } => due,
            Ping::Sent { at, aim: Aim::Life } if now >= at + terms.ping.limit => {
                self.misses = self.misses.saturating_add(1);
                if self.misses >= terms.ping.misses {
                    return Need::Leave;
                }
                return self.ask(Aim::Life, now);
            }
            Ping::Sent { at, aim: Aim::Life } => at + terms.ping.limit,
        };
        Need::Nothing(Some(proof_at.map_or(due, |at| at.min(due))))
    }

    pub(super) fn heard(&mut self, now: Moment) {
        if self.ear == Ear::Shut {
            self.ear = Ear::Open;
            // What was not read proves nothing either way, so the proof begins anew.
            self.since = now;
        }
        self.heard = now;
        self.misses = 0;
        if let Ping::Sent { aim, .. } = &mut self.ping {
            // It lives. What the ping covers is confirmed by its answer only.
            *aim = Aim::Confirm;
        }
    }

    pub(super) fn ponged(&mut self, now: Moment) {
        self.heard(now);
        if matches!(self.ping, Ping::Sent { .. }) {
            self.ping = Ping::No;
        }
        if self.standing == Standing::Unproven {
            self.standing = Standing::Answering;
        }
    }

    pub(super) fn pinged(&mut self, now: Moment) {
        if let Ping::Asked { aim, .. } = self.ping {
            self.ping = Ping::Sent { at: now, aim };
        }
    }

    pub(super) const fn wrote(&mut self) {
        self.uncovered = Uncovered::Something;
    }

    pub(super) const fn deaf(&mut self) {
        self.ear = Ear::Shut;
    }

    fn ask(&mut self, aim: Aim, now: Moment) -> Need {
        self.ping = Ping::Asked { at: now, aim };
        self.uncovered = Uncovered::Nothing;
        Need::Ping
    }
}
