use super::*;
use crate::health::{Probed, Question};
use crate::verdict::{Loss, Unreached, Verdict};
use crate::{Installation, Policy, Service, policy};
use std::time::Duration;

const SERVER: Class = Class::Service(Service::PuppetServer);
const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);

/// A process began a day after the origin of its clock, and at this time by the wall.
const BEGAN: Moment = Moment::from_nanos(86_400_000_000_000);
const WALL: WallTime = WallTime::from_millis(1_800_000_000_000);

fn at(seconds: u64) -> Moment {
    BEGAN + Duration::from_secs(seconds)
}

fn wall(seconds: u64) -> WallTime {
    WallTime::from_millis(WALL.as_millis() + seconds * 1000)
}

fn health() -> Health {
    let installation = Installation::of_hosts("m", Some("r")).unwrap();
    Health::new(&installation, Policy::default(), u64::MAX)
}

fn look_up() -> Operation {
    Operation::of("GET", "/puppet/v3/node/a").unwrap()
}

fn record(health: &Health, verdict: Verdict, seconds: u64) {
    let mark = health.mark(SERVER, 0).unwrap();
    health.record(SERVER, 0, mark, verdict, at(seconds), 0);
}

/// A process in which the master failed by `verdict` and the replica took over.
fn failed_over(verdict: Verdict) -> Health {
    let health = health();
    record(&health, verdict, 1);
    health.take_over(SERVER, 1, at(1));
    health
}

/// The next process, which begins `seconds` after the first one and as the first one left it.
fn next(before: &Health, left_at: u64, seconds: u64) -> (Health, Events) {
    let memory = before.recollection(at(left_at), wall(left_at));
    let text = serde_json::to_string(&memory).unwrap();
    let memory: Recollection = serde_json::from_str(&text).unwrap();
    let health = health();
    let events = health.recall(&memory, at(0), wall(seconds));
    (health, events)
}

fn probe(health: &Health, came: Probed, seconds: u64) {
    let probe = health.probe_due(look_up(), at(seconds)).expect("a probe");
    health.probed(&probe, came, at(seconds), 0);
}

#[test]
fn the_next_process_commits_to_the_holder() {
    let (health, _) = next(&failed_over(REFUSED), 6, 1800);
    assert_eq!(health.holder(SERVER), Some(1));
}

#[test]
fn whoever_was_down_is_suspect_and_no_more() {
    let (health, _) = next(&failed_over(REFUSED), 6, 1800);
    assert_eq!(health.state(SERVER, 0, at(0)), Some(State::Suspect));
}

#[test]
fn a_process_that_saw_nothing_leaves_nothing() {
    assert_eq!(
        health().recollection(at(9), wall(9)),
        Recollection::default()
    );
}

#[test]
fn the_master_is_asked_beside_the_work_at_once() {
    let (health, _) = next(&failed_over(REFUSED), 6, 1800);
    let probe = health.probe_due(look_up(), at(0)).unwrap();
    assert_eq!((probe.place(), probe.question()), (0, Question::Status));
    health.probed(&probe, Probed::Dropped, at(0), 0);
}

#[test]
fn the_run_after_a_good_question_returns() {
    let (second, _) = next(&failed_over(REFUSED), 6, 1800);
    probe(&second, Probed::Good, 1);
    let (third, events) = next(&second, 6, 1800);
    assert_eq!(third.holder(SERVER), Some(0));
    assert!(matches!(events[..], [Event::Failback { .. }]));
}

#[test]
fn a_run_that_follows_too_soon_does_not_return_yet() {
    let (second, _) = next(&failed_over(REFUSED), 6, 1800);
    probe(&second, Probed::Good, 1);
    let (third, _) = next(&second, 6, 29);
    assert_eq!(third.holder(SERVER), Some(1));
}

#[test]
fn a_bad_question_starts_the_wait_again() {
    let (second, _) = next(&failed_over(REFUSED), 6, 1800);
    probe(&second, Probed::Good, 1);
    let (third, _) = next(&second, 2, 12);
    probe(&third, Probed::Bad(REFUSED), 1);
    let (fourth, _) = next(&third, 2, 1800);
    assert_eq!(fourth.holder(SERVER), Some(1));
}

#[test]
fn stuck_work_is_remembered_as_such() {
    let (health, _) = next(&failed_over(Verdict::Lost(Loss::Stuck)), 6, 1800);
    let probe = health.probe_due(look_up(), at(600)).unwrap();
    assert_eq!(probe.question(), Question::Work);
    health.probed(&probe, Probed::Dropped, at(600), 0);
}

#[test]
fn health_is_forgotten_after_sixty_five_minutes() {
    let old = 65 * 60 + 2;
    let (health, _) = next(&failed_over(REFUSED), 1, old);
    assert_eq!(health.holder(SERVER), Some(0));
    assert_eq!(health.state(SERVER, 0, at(0)), Some(State::Ready));
}

#[test]
fn an_outage_that_lasts_for_days_is_not_forgotten_between_two_runs() {
    let mut health = failed_over(REFUSED);
    for _ in 0..100 {
        (health, _) = next(&health, 6, 1800);
        probe(&health, Probed::Bad(REFUSED), 1);
        assert_eq!(health.holder(SERVER), Some(1));
    }
}

#[test]
fn what_nobody_looked_at_again_grows_old() {
    let (second, _) = next(&failed_over(REFUSED), 6, 1800);
    let (third, _) = next(&second, 1801, 1801 + 66 * 60);
    assert_eq!(third.holder(SERVER), Some(0));
}

#[test]
fn the_future_is_not_believed() {
    let before = failed_over(REFUSED);
    let memory = before.recollection(at(6), wall(6));
    let health = health();
    health.recall(&memory, at(0), wall(0));
    assert_eq!(health.holder(SERVER), Some(0));
}

#[test]
fn a_holder_that_is_in_no_list_is_not_believed() {
    let before = failed_over(REFUSED);
    let memory = before.recollection(at(6), wall(6));
    let installation = Installation::of_hosts("a", Some("b")).unwrap();
    let health = Health::new(&installation, Policy::default(), 0);
    health.recall(&memory, at(0), wall(7));
    assert_eq!(health.holder(SERVER), Some(0));
}

#[test]
fn a_failback_is_remembered_too() {
    let before = failed_over(REFUSED);
    record(&before, Verdict::Answered, 2);
    before.take_over(SERVER, 0, at(40));
    let mut memory = crate::memory::Memory::new();
    let earlier = failed_over(REFUSED).recollection(at(30), wall(30));
    memory.merge("agent", earlier);
    memory.merge("agent", before.recollection(at(50), wall(50)));
    assert_eq!(
        memory.agents["agent"].classes["puppet-server"].holder,
        "m:8140"
    );
}

#[test]
fn usual_times_go_on() {
    let before = health();
    before
        .usual()
        .answered(look_up(), Duration::from_millis(40));
    let (health, _) = next(&before, 1, 86_400 * 29);
    assert_eq!(
        health.usual().p95(look_up()),
        Some(Duration::from_millis(40))
    );
    let again = health.recollection(at(1), wall(86_400 * 29));
    assert!(again.usual.is_empty(), "nothing new was learned");
}

#[test]
fn times_that_are_written_are_not_written_again() {
    let health = health();
    health
        .usual()
        .answered(look_up(), Duration::from_millis(40));
    let first = health.recollection(at(1), wall(1));
    health
        .usual()
        .answered(look_up(), Duration::from_millis(50));
    health.written(&first);
    let second = health.recollection(at(2), wall(2));
    assert_eq!(second.usual["cheap read of puppet-server"].millis, [50]);
}

#[test]
fn a_slow_network_is_known_to_the_next_process() {
    let before = health();
    before.connected(SERVER, 0, Duration::from_millis(600), at(1));
    let (health, _) = next(&before, 6, 1800);
    let times = health.race_times(SERVER, 0, at(0));
    assert_eq!(times.head_start, Duration::from_millis(1200));
}

#[test]
fn never_failing_back_is_kept_across_processes() {
    let installation = Installation::of_hosts("m", Some("r")).unwrap();
    let policy = Policy {
        failback: policy::Failback::Never,
        ..Policy::default()
    };
    let memory = {
        let (second, _) = next(&failed_over(REFUSED), 6, 1800);
        probe(&second, Probed::Good, 1);
        second.recollection(at(6), wall(6))
    };
    let health = Health::new(&installation, policy, 0);
    health.recall(&memory, at(0), wall(1800));
    assert_eq!(health.holder(SERVER), Some(1));
}
