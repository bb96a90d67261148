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

#[test]
fn who_is_forced_down_stays_down_whatever_is_seen() {
    let cell = Cell::default();
    let change = cell.force_down().unwrap();
    assert_eq!((change.from, change.to), (State::Ready, State::Benched));
    for second in 0..1000 {
        assert_eq!(show(&cell, Evidence::Good, second), State::Benched);
        assert_eq!(cell.claim_probe(at(second)), None);
    }
}

#[test]
fn who_is_forced_up_starts_afresh() {
    let cell = Cell::default();
    for second in [0, 100, 200] {
        show(&cell, Evidence::Down, second);
    }
    assert!(cell.force_up(at(200)).unwrap().revives());
    show(&cell, Evidence::Down, 200);
    let until = cell.benched_until().unwrap();
    assert!(until <= at(205), "doublings are left: {until:?}");
}
