//! Cells: the health record of a server, or of a service at a server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::Trip;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::window::Window;
use crate::{Moment, jitter};

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing speaks against it.
    Ready,
    /// It was slow to connect once: it keeps its place, and its connection is raced.
    Suspect,
    /// It failed: it is tried after all others.
    Benched,
    /// Its bench is over and one probe is under way.
    Probing,
}

/// What an attempt showed about one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It works.
    Good,
    /// It is down beyond doubt.
    Down,
    /// It was slow to connect; twice in a row is as good as down.
    Slow,
    /// It may be slow: enough to race it, not enough to bench it.
    Doubt,
    /// One more failure of those that bench when they add up.
    Failure,
    /// A failure that says little alone: it counts for the share of successes only.
    Weak,
}

/// Whether an operator decided over a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Forced {
    /// Evidence decides.
    No,
    /// It is benched until that is taken back, whatever evidence says.
    Down,
}

/// Which life of a cell an attempt began in. Results of an earlier one say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

/// A cell went from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: State,
    /// Now.
    pub to: State,
}

impl Change {
    /// Whether what was down is well again.
    #[must_use]
    pub const fn revives(&self) -> bool {
        matches!(self.from, State::Benched | State::Probing) && matches!(self.to, State::Ready)
    }
}

/// One health record. State, generation and the count of failures share one atomic word; the
/// window is touched only near failures.
#[derive(Debug, Default)]
pub struct Cell {
    word: AtomicU64,
    /// While benched: the end of the bench. Else: when the cell was last benched no more.
    turn: AtomicU64,
    window: Window,
    level: AtomicU32,
}

/// The parts of a cell's word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    state: State,
    forced: Forced,
    consecutive: u8,
    generation: u64,
}

impl Word {
    const STATE: u64 = 0b11;
    const FORCED_BIT: u64 = 1 << 2;
    const GENERATION_SHIFT: u32 = 16;

    /// Nothing speaks against the cell in this life.
    const fn calm(generation: Generation) -> Self {
        Self {
            state: State::Ready,
            forced: Forced::No,
            consecutive: 0,
            generation: generation.0,
        }
    }

    const fn unpack(bits: u64) -> Self {
        Self {
            state: match bits & Self::STATE {
                0 => State::Ready,
                1 => State::Suspect,
                2 => State::Benched,
                _ => State::Probing,
            },
            forced: match bits & Self::FORCED_BIT {
                0 => Forced::No,
                _ => Forced::Down,
            },
            consecutive: ((bits >> 8) & 0xff) as u8,
            generation: bits >> Self::GENERATION_SHIFT,
        }
    }

    const fn pack(self) -> u64 {
        let forced = match self.forced {
            Forced::No => 0,
            Forced::Down => Self::FORCED_BIT,
        };
        (self.state as u64)
            | forced
            | ((self.consecutive as u64) << 8)
            | (self.generation << Self::GENERATION_SHIFT)
    }

    /// The same cell in another state; a new life begins where a bench begins or ends.
    const fn turned(self, state: State) -> Self {
        Self {
            state,
            consecutive: 0,
            generation: self.generation + 1,
            ..self
        }
    }
}

impl Cell {
    /// What the cell says now.
    #[must_use]
    pub fn state(&self) -> State {
        let word = self.word();
        match word.forced {
            Forced::No => word.state,
            Forced::Down => State::Benched,
        }
    }

    /// Whether it is [`State::Ready`] and nobody decided otherwise.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.word.load(Ordering::Acquire) & (Word::STATE | Word::FORCED_BIT) == State::Ready as u64
    }

    /// Whether an operator decided over it.
    #[must_use]
    pub fn forced(&self) -> Forced {
        self.word().forced
    }

    /// Benches it until [`Cell::force_up`]: a new life, in which evidence says nothing.
    pub fn force_down(&self) -> Option<Change> {
        self.force(|word| {
            Word {
                forced: Forced::Down,
                ..word
            }
            .turned(State::Benched)
        })
    }

    /// Forgets what speaks against it, be it evidence or an operator's word.
    pub fn force_up(&self, now: Moment) -> Option<Change> {
        let change = self.force(|word| {
            Word {
                forced: Forced::No,
                ..word
            }
            .turned(State::Ready)
        });
        self.turn.store(now.as_nanos(), Ordering::Release);
        self.level.store(0, Ordering::Relaxed);
        self.window.clear();
        change
    }

    fn force(&self, turn: impl Fn(Word) -> Word) -> Option<Change> {
        loop {
            let word = self.word();
            let next = turn(word);
            if self.swap(word, next) {
                return (word.state != next.state).then_some(Change {
                    from: word.state,
                    to: next.state,
                });
            }
        }
    }

    /// The same for whoever chooses a server now: when its bench is over, a server is no more than
    /// suspect, so that it is raced and not left out for ever.
    #[must_use]
    pub fn state_at(&self, now: Moment) -> State {
        let word = self.word();
        match (word.state, word.forced) {
            (_, Forced::Down) => State::Benched,
            (State::Benched, _) if !self.bench_lasts(now) => State::Suspect,
            (state, _) => state,
        }
    }

    /// The life that an attempt beginning now belongs to.
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.word().generation)
    }

    /// When the bench ends; `None` when the cell is not benched.
    #[must_use]
    pub fn benched_until(&self) -> Option<Moment> {
        matches!(self.word().state, State::Benched)
            .then(|| Moment::from_nanos(self.turn.load(Ordering::Acquire)))
    }

    /// Lets a bench end now, so that its probe is due. Nothing else that is known changes.
    pub fn hasten(&self, now: Moment) {
        if self.word().state == State::Benched {
            self.turn.fetch_min(now.as_nanos(), Ordering::AcqRel);
        }
    }

    /// Takes the one place for a probe, when a bench is over.
    pub fn claim_probe(&self, now: Moment) -> Option<Generation> {
        let word = self.word();
        let is_free = word.forced == Forced::No;
        let due = is_free && self.benched_until().is_some_and(|until| until <= now);
        let probing = word.turned(State::Probing);
        (due && self.swap(word, probing)).then_some(Generation(probing.generation))
    }

    /// Gives the place back: a dropped probe counts as nothing.
    pub fn drop_probe(&self, generation: Generation) {
        let word = self.word();
        if word.state == State::Probing && word.generation == generation.0 {
            self.swap(word, word.turned(State::Benched));
        }
    }

    /// Takes in what an attempt showed. Evidence from an earlier life is ignored.
    ///
    /// `random` jitters the bench.
    #[inline]
    pub fn record(
        &self,
        evidence: Evidence,
        generation: Generation,
        now: Moment,
        random: u64,
        trip: &Trip,
    ) -> Option<Change> {
        // So it goes nearly always, and then there is nothing to change.
        if evidence == Evidence::Good && self.word() == Word::calm(generation) {
            self.window.success(now);
            return None;
        }
        self.take_in(evidence, generation, now, random, trip)
    }

    /// Takes in what may change the word.
    fn take_in(
        &self,
        evidence: Evidence,
        generation: Generation,
        now: Moment,
        random: u64,
        trip: &Trip,
    ) -> Option<Change> {
        loop {
            // Read first: with the word of before a bench, the level is that of before it too.
            let level = self.level.load(Ordering::Acquire);
            let turn = Moment::from_nanos(self.turn.load(Ordering::Acquire));
            let word = self.word();
            if word.generation != generation.0 || word.forced == Forced::Down {
                return None;
            }
            let next = match (evidence, word.state) {
                (Evidence::Good, State::Ready) => {
                    self.window.success(now);
                    Word {
                        consecutive: 0,
                        ..word
                    }
                }
                (Evidence::Good, State::Suspect) => Word {
                    state: State::Ready,
                    ..word
                },
                (Evidence::Good, State::Benched | State::Probing) => word.turned(State::Ready),
                (Evidence::Doubt | Evidence::Slow, State::Ready) => Word {
                    state: State::Suspect,
                    ..word
                },
                (Evidence::Doubt, _) => return None,
                (_, State::Benched) if self.bench_lasts(now) => return None,
                (Evidence::Failure | Evidence::Weak, State::Ready | State::Suspect) => {
                    let count = match evidence {
                        Evidence::Failure => word.consecutive.saturating_add(1),
                        _ => word.consecutive,
                    };
                    self.window.failure(now);
                    if count >= trip.consecutive || self.window.is_below(now, trip) {
                        word.turned(State::Benched)
                    } else {
                        Word {
                            consecutive: count,
                            ..word
                        }
                    }
                }
                (_, _) => word.turned(State::Benched),
            };
            let rested = matches!(word.state, State::Ready | State::Suspect);
            let level = match rested {
                true => less_decay(level, now.since(turn), trip),
                false => level,
            };
            let bench = jitter::equal(trip.bench, level, trip.bench_most, random);
            let benches = next.state == State::Benched;
            // Another is about to bench it, and its end stands already.
            let is_taken = rested && turn >= now + trip.bench / 2;
            // Stored first: whoever sees the bench must see its end. Where two swap at once, the
            // loser's end may stand, which differs by their jitter.
            if benches && !is_taken {
                self.turn.store((now + bench).as_nanos(), Ordering::Release);
            } else if !benches && next.generation != word.generation {
                self.turn.store(now.as_nanos(), Ordering::Release);
            }
            if self.swap(word, next) {
                if benches {
                    self.level
                        .store((level + 1).min(LEVEL_MOST), Ordering::Release);
                    self.window.clear();
                }
                return (word.state != next.state).then_some(Change {
                    from: word.state,
                    to: next.state,
                });
            }
        }
    }

    fn word(&self) -> Word {
        Word::unpack(self.word.load(Ordering::Acquire))
    }

    fn swap(&self, from: Word, to: Word) -> bool {
        self.word
            .compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn bench_lasts(&self, now: Moment) -> bool {
        self.benched_until().is_some_and(|until| now < until)
    }
}

/// Each bench doubles the last one; health between two takes doublings back.
fn less_decay(level: u32, healthy: Duration, trip: &Trip) -> u32 {
    let steps = healthy.as_nanos() / trip.decay.as_nanos().max(1);
    level.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// Doublings beyond this cannot be told apart.
const LEVEL_MOST: u32 = 31;

#[cfg(test)]
mod tests;
