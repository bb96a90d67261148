//! The cell's atomic word under every order of steps that two threads can take.
//!
//! `.ci/loom` runs it; without `--cfg loom` there is nothing here.
#![cfg(loom)]

use std::time::Duration;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;
use standin_core::Moment;
use standin_core::cell::{Cell, Evidence, Forced, Generation, State};
use standin_core::policy::Trip;

/// Bugs of a single word show with two preemptions; three is one to spare.
const PREEMPTIONS: usize = 3;

const NO_JITTER: u64 = u64::MAX;

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(check);
}

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn record(cell: &Cell, evidence: Evidence, generation: Generation, seconds: u64) {
    let trip = Trip::default();
    cell.record(evidence, generation, at(seconds), NO_JITTER, &trip);
}

/// A cell that was benched at 0 for five seconds.
fn benched() -> Arc<Cell> {
    let cell = Arc::new(Cell::default());
    record(&cell, Evidence::Down, cell.generation(), 0);
    cell
}

/// Does `this` to the cell in this thread and `other` in another; returns what each returned.
fn race<A, B: 'static>(
    cell: &Arc<Cell>,
    this: impl FnOnce(&Cell) -> A,
    other: impl FnOnce(&Cell) -> B + 'static,
) -> (A, B) {
    let theirs = Arc::clone(cell);
    let other = thread::spawn(move || other(&theirs));
    let this = this(cell);
    (this, other.join().expect("no thread panics"))
}

#[test]
fn of_two_that_claim_a_probe_one_gets_it() {
    model(|| {
        let cell = benched();
        let claims = race(&cell, |c| c.claim_probe(at(5)), |c| c.claim_probe(at(5)));
        let claimed = claims.0.xor(claims.1);
        assert_eq!(claimed, Some(cell.generation()), "{claims:?}");
        assert_eq!(cell.state(), State::Probing);
    });
}

#[test]
fn a_good_answer_of_an_earlier_life_never_ends_a_bench() {
    model(|| {
        let cell = Arc::new(Cell::default());
        let early = cell.generation();
        race(
            &cell,
            |cell| record(cell, Evidence::Down, early, 1),
            move |cell| record(cell, Evidence::Good, early, 1),
        );
        assert_eq!(cell.state(), State::Benched);
        assert!(cell.benched_until() > Some(at(5)));
    });
}

#[test]
fn two_that_fail_at_once_bench_once() {
    model(|| {
        let cell = Arc::new(Cell::default());
        let life = cell.generation();
        race(
            &cell,
            |cell| record(cell, Evidence::Down, life, 0),
            move |cell| record(cell, Evidence::Down, life, 0),
        );
        assert!(cell.benched_until() <= Some(at(5)), "the bench doubled");
    });
}

#[test]
fn two_that_fail_at_once_after_long_health_bench_shortly() {
    model(|| {
        let cell = Arc::new(Cell::default());
        for bench in [0, 100, 200] {
            record(&cell, Evidence::Down, cell.generation(), bench);
        }
        record(&cell, Evidence::Good, cell.generation(), 300);
        let life = cell.generation();
        race(
            &cell,
            |cell| record(cell, Evidence::Down, life, 10_000),
            move |cell| record(cell, Evidence::Down, life, 10_000),
        );
        let until = cell.benched_until();
        assert!(until <= Some(at(10_005)), "doublings are left: {until:?}");
    });
}

#[test]
fn whoever_sees_a_bench_sees_its_end() {
    model(|| {
        let cell = Arc::new(Cell::default());
        let life = cell.generation();
        let (seen, ()) = race(&cell, Cell::benched_until, move |cell| {
            record(cell, Evidence::Down, life, 10);
        });
        assert!(seen.is_none_or(|until| until > at(10)), "{seen:?}");
    });
}

#[test]
fn no_verdict_undoes_an_operators_word() {
    for evidence in [Evidence::Good, Evidence::Down, Evidence::Slow] {
        model(move || {
            let cell = Arc::new(Cell::default());
            let life = cell.generation();
            race(&cell, Cell::force_down, move |cell| {
                record(cell, evidence, life, 1);
            });
            assert_eq!(
                (cell.state(), cell.forced()),
                (State::Benched, Forced::Down)
            );
            assert_eq!(cell.claim_probe(at(1000)), None);
            cell.force_up(at(1000));
            assert_eq!(cell.state(), State::Ready);
        });
    }
}

#[test]
fn a_probe_that_an_operator_overtakes_changes_nothing() {
    model(|| {
        let cell = benched();
        race(&cell, Cell::force_down, |cell| {
            if let Some(claimed) = cell.claim_probe(at(5)) {
                record(cell, Evidence::Good, claimed, 5);
            }
        });
        assert_eq!(
            (cell.state(), cell.forced()),
            (State::Benched, Forced::Down)
        );
    });
}

#[test]
fn a_probe_that_is_dropped_frees_its_place_for_one_other() {
    model(|| {
        let cell = benched();
        let first = cell.claim_probe(at(5)).expect("the bench is over");
        let ((), second) = race(
            &cell,
            |cell| cell.drop_probe(first),
            |cell| cell.claim_probe(at(5)),
        );
        match second {
            Some(second) => {
                assert_eq!((cell.state(), cell.generation()), (State::Probing, second));
                cell.drop_probe(first);
                assert_eq!(cell.state(), State::Probing, "dropped twice");
            }
            None => assert!(cell.claim_probe(at(5)).is_some(), "nobody has it"),
        }
    });
}

#[test]
fn a_probe_answered_while_it_is_dropped_counts_once_or_not_at_all() {
    model(|| {
        let cell = benched();
        let probe = cell.claim_probe(at(5)).expect("the bench is over");
        race(
            &cell,
            |cell| cell.drop_probe(probe),
            move |cell| record(cell, Evidence::Good, probe, 5),
        );
        match cell.state() {
            State::Ready => assert_eq!(cell.claim_probe(at(5)), None),
            State::Benched => assert!(cell.claim_probe(at(5)).is_some()),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_bench_that_is_hastened_while_it_begins_is_due_then_or_at_its_end() {
    model(|| {
        let cell = Arc::new(Cell::default());
        let life = cell.generation();
        race(
            &cell,
            |cell| cell.hasten(at(1)),
            move |cell| record(cell, Evidence::Down, life, 1),
        );
        assert_eq!(cell.state(), State::Benched);
        let due = cell.claim_probe(at(1)).or_else(|| cell.claim_probe(at(6)));
        assert!(due.is_some());
    });
}
