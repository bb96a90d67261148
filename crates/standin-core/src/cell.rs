//! Cells: the health record of a server, or of a service at a server.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::Serialize;

use crate::policy::Trip;
use crate::window::Window;
use crate::{Moment, jitter};

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    consecutive: u8,
    generation: u64,
}

impl Word {
    const GENERATION_SHIFT: u32 = 16;

    /// Nothing speaks against the cell in this life.
    const fn calm(generation: Generation) -> Self {
        Self {
            state: State::Ready,
            consecutive: 0,
            generation: generation.0,
        }
    }

    const fn unpack(bits: u64) -> Self {
        Self {
            state: match bits & 0b11 {
                0 => State::Ready,
                1 => State::Suspect,
                2 => State::Benched,
                _ => State::Probing,
            },
            consecutive: ((bits >> 8) & 0xff) as u8,
            generation: bits >> Self::GENERATION_SHIFT,
        }
    }

    const fn pack(self) -> u64 {
        (self.state as u64)
            | ((self.consecutive as u64) << 8)
            | (self.generation << Self::GENERATION_SHIFT)
    }

    /// The same cell in another state; a new life begins where a bench begins or ends.
    const fn turned(self, state: State) -> Self {
        Self {
            state,
            consecutive: 0,
            generation: self.generation + 1,
        }
    }
}

impl Cell {
    /// What the cell says now.
    #[must_use]
    pub fn state(&self) -> State {
        self.word().state
    }

    /// The same for whoever chooses a server now: when its bench is over, a server is no more than
    /// suspect, so that it is raced and not left out for ever.
    #[must_use]
    pub fn state_at(&self, now: Moment) -> State {
        match self.state() {
            State::Benched if !self.bench_lasts(now) => State::Suspect,
            state => state,
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
        matches!(self.state(), State::Benched)
            .then(|| Moment::from_nanos(self.turn.load(Ordering::Acquire)))
    }

    /// Lets a bench end now, so that its probe is due. Nothing else that is known changes.
    pub fn hasten(&self, now: Moment) {
        if self.state() == State::Benched {
            self.turn.fetch_min(now.as_nanos(), Ordering::AcqRel);
        }
    }

    /// Takes the one place for a probe, when a bench is over.
    pub fn claim_probe(&self, now: Moment) -> Option<Generation> {
        let word = self.word();
        let due = self.benched_until().is_some_and(|until| until <= now);
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
            let word = self.word();
            if word.generation != generation.0 {
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
                (Evidence::Doubt, State::Ready) | (Evidence::Slow, State::Ready) => Word {
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
            let level = self.next_level(word.state, now, trip);
            let bench = jitter::equal(trip.bench, level, trip.bench_most, random);
            let benches = next.state == State::Benched;
            // Stored first: whoever sees the bench must see its end. Where two swap at once, the
            // loser's end may stand, which differs by their jitter.
            if benches {
                self.turn.store((now + bench).as_nanos(), Ordering::Release);
            } else if next.generation != word.generation {
                self.turn.store(now.as_nanos(), Ordering::Release);
            }
            if self.swap(word, next) {
                if benches {
                    self.level
                        .store((level + 1).min(LEVEL_MOST), Ordering::Relaxed);
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

    /// Each bench doubles the last one; health between two takes doublings back.
    fn next_level(&self, from: State, now: Moment, trip: &Trip) -> u32 {
        let level = self.level.load(Ordering::Relaxed);
        match from {
            State::Benched | State::Probing => level,
            State::Ready | State::Suspect => {
                let healthy = now.since(Moment::from_nanos(self.turn.load(Ordering::Acquire)));
                let steps = healthy.as_nanos() / trip.decay.as_nanos().max(1);
                level.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX))
            }
        }
    }
}

/// Doublings beyond this cannot be told apart.
const LEVEL_MOST: u32 = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NO_JITTER: u64 = u64::MAX;

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    fn show(cell: &Cell, evidence: Evidence, seconds: u64) -> State {
        let trip = Trip::default();
        cell.record(evidence, cell.generation(), at(seconds), NO_JITTER, &trip);
        cell.state()
    }

    #[test]
    fn a_cell_is_at_most_a_cache_line() {
        assert!(size_of::<Cell>() <= 64);
    }

    #[test]
    fn one_refusal_benches() {
        assert_eq!(show(&Cell::default(), Evidence::Down, 1), State::Benched);
    }

    #[test]
    fn one_time_out_makes_suspect_and_the_second_benches() {
        let cell = Cell::default();
        assert_eq!(show(&cell, Evidence::Slow, 1), State::Suspect);
        assert_eq!(show(&cell, Evidence::Slow, 2), State::Benched);
    }

    #[test]
    fn doubt_never_benches() {
        let cell = Cell::default();
        for second in 0..9 {
            assert_eq!(show(&cell, Evidence::Doubt, second), State::Suspect);
        }
    }

    #[test]
    fn three_failures_in_a_row_bench() {
        let cell = Cell::default();
        assert_eq!(show(&cell, Evidence::Failure, 100), State::Ready);
        assert_eq!(show(&cell, Evidence::Failure, 200), State::Ready);
        assert_eq!(show(&cell, Evidence::Failure, 300), State::Benched);
    }

    #[test]
    fn a_success_between_them_starts_the_count_again() {
        let cell = Cell::default();
        for round in 0..10 {
            show(&cell, Evidence::Failure, round * 60);
            show(&cell, Evidence::Failure, round * 60 + 20);
            assert_eq!(show(&cell, Evidence::Good, round * 60 + 40), State::Ready);
        }
    }

    #[test]
    fn a_low_share_of_successes_benches() {
        let cell = Cell::default();
        show(&cell, Evidence::Weak, 1);
        show(&cell, Evidence::Good, 2);
        show(&cell, Evidence::Good, 3);
        assert_eq!(show(&cell, Evidence::Good, 4), State::Ready);
        assert_eq!(show(&cell, Evidence::Weak, 5), State::Benched);
    }

    #[test]
    fn weak_evidence_alone_needs_five_results() {
        let cell = Cell::default();
        for second in 1..5 {
            assert_eq!(show(&cell, Evidence::Weak, second), State::Ready);
        }
        assert_eq!(show(&cell, Evidence::Weak, 5), State::Benched);
    }

    #[test]
    fn a_probe_is_claimed_once_and_only_after_the_bench() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        assert_eq!(cell.claim_probe(at(4)), None);
        assert!(cell.claim_probe(at(5)).is_some());
        assert_eq!(cell.state(), State::Probing);
        assert_eq!(cell.claim_probe(at(6)), None);
    }

    #[test]
    fn a_dropped_probe_counts_as_nothing() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        let claimed = cell.claim_probe(at(5)).unwrap();
        cell.drop_probe(claimed);
        assert_eq!(cell.state(), State::Benched);
        assert!(cell.claim_probe(at(5)).is_some());
    }

    #[test]
    fn a_hastened_bench_is_due_at_once() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        cell.hasten(at(1));
        assert!(cell.claim_probe(at(1)).is_some());
    }

    #[test]
    fn when_its_bench_is_over_it_is_suspect_to_who_chooses() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        assert_eq!(cell.state_at(at(4)), State::Benched);
        assert_eq!(cell.state_at(at(5)), State::Suspect);
    }

    #[test]
    fn benches_double_up_to_the_longest() {
        let cell = Cell::default();
        let mut now = 0;
        let mut lengths = Vec::new();
        show(&cell, Evidence::Down, now);
        for _ in 0..8 {
            let until = cell.benched_until().unwrap();
            lengths.push(until.since(at(now)).as_secs());
            now = until.since(Moment::ORIGIN).as_secs() + 1;
            cell.claim_probe(at(now)).unwrap();
            show(&cell, Evidence::Down, now);
        }
        assert_eq!(lengths, [4, 9, 19, 39, 79, 159, 299, 299]);
    }

    #[test]
    fn health_takes_doublings_back() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        show(&cell, Evidence::Good, 10);
        show(&cell, Evidence::Down, 10 + 29);
        let longer = cell.benched_until().unwrap().since(at(39));
        show(&cell, Evidence::Good, 50);
        show(&cell, Evidence::Down, 50 + 60);
        let shorter = cell.benched_until().unwrap().since(at(110));
        assert!(longer > Duration::from_secs(9), "{longer:?}");
        assert!(shorter < Duration::from_secs(6), "{shorter:?}");
    }

    #[test]
    fn evidence_of_an_earlier_life_is_ignored() {
        let cell = Cell::default();
        let early = cell.generation();
        show(&cell, Evidence::Down, 0);
        show(&cell, Evidence::Good, 1);
        let trip = Trip::default();
        assert_eq!(cell.record(Evidence::Down, early, at(2), 0, &trip), None);
        assert_eq!(cell.state(), State::Ready);
    }

    #[test]
    fn failures_during_a_bench_do_not_lengthen_it() {
        let cell = Cell::default();
        show(&cell, Evidence::Down, 0);
        let until = cell.benched_until();
        show(&cell, Evidence::Down, 1);
        assert_eq!(cell.benched_until(), until);
    }
}
