//! Work that is silent while the status is good.

use super::*;

const STUCK: Verdict = Verdict::Lost(Loss::Stuck);

fn stuck() -> Health {
    let health = health();
    record(&health, SERVER, 0, STUCK, 1);
    health.take_over(SERVER, 1, at(1));
    health
}

#[test]
fn one_benches_the_service_and_leaves_its_server() {
    let health = health();
    record(&health, SERVER, 0, STUCK, 1);
    assert_eq!(node(&health, 1), 1);
    assert_eq!(first(&health, "GET", "/file-sync/v1/x", at(1)), 0);
}

#[test]
fn it_is_not_raced_when_its_bench_is_over() {
    let health = stuck();
    assert_eq!(health.state(SERVER, 0, at(600)), Some(State::Benched));
}

#[test]
fn only_what_is_cheap_and_harmless_probes_it() {
    let health = stuck();
    let catalog = Operation::of("POST", "/puppet/v3/catalog/a").unwrap();
    let harmful = Operation::of("POST", "/puppet/v9/new").unwrap();
    assert!(health.probe_due(catalog, at(60)).is_none());
    assert!(health.probe_due(harmful, at(60)).is_none());
    assert!(health.status_due(SERVER, 0, at(60)).is_none());
    let probe = health.probe_due(look_up(), at(60)).unwrap();
    assert_eq!(probe.question(), Question::Work);
    health.probed(&probe, Probed::Dropped, at(60), 0);
}

#[test]
fn work_that_is_done_brings_it_back() {
    let health = stuck();
    let asked = probe(&health, 2..80, Probed::Good);
    assert_eq!(asked, [11, 21, 31, 41]);
    assert_eq!(node(&health, 80), 0);
    record(&health, SERVER, 0, REFUSED, 80);
    health.take_over(SERVER, 1, at(80));
    let probe = health.probe_due(look_up(), at(120)).unwrap();
    assert_eq!(probe.question(), Question::Status, "it was well in between");
    health.probed(&probe, Probed::Dropped, at(120), 0);
}

#[test]
fn work_that_stays_silent_benches_it_for_longer() {
    let health = stuck();
    assert_eq!(probe(&health, 2..12, Probed::Bad(STUCK)), [11]);
    let asked = probe(&health, 12..100, Probed::Bad(STUCK));
    assert!(asked.len() <= 3, "{asked:?}");
    assert_eq!(node(&health, 100), 1);
}
