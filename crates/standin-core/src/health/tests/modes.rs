//! What hosts say of how they replicate.

use super::*;

const DEPLOY: (&str, &str) = ("POST", "/code-manager/v1/deploys");

fn deploy(health: &Health) -> Step {
    let operation = Operation::of(DEPLOY.0, DEPLOY.1).unwrap();
    let mut plan = health.plan(operation, None, None, at(1), 0).unwrap();
    plan.step(at(1), health.budget())
}

#[test]
fn a_promoted_replica_takes_the_masters_writes() {
    let health = health();
    record(&health, Class::Service(Service::CodeManager), 0, REFUSED, 1);
    assert!(matches!(deploy(&health), Step::Attempt { place: 0, .. }));
    let events = health.set_mode("r", Mode::Source);
    assert!(matches!(&events[..], [Event::Mode { host, .. }] if host == "r"));
    assert!(matches!(deploy(&health), Step::Attempt { place: 1, .. }));
}

#[test]
fn what_is_said_twice_is_told_once() {
    let health = health();
    assert_eq!(health.set_mode("r", Mode::Replica).len(), 1);
    assert!(health.set_mode("r", Mode::Replica).is_empty());
    assert!(health.set_mode("elsewhere", Mode::Source).is_empty());
}

#[test]
fn a_master_that_follows_another_takes_no_write() {
    let health = health();
    health.set_mode("m", Mode::Replica);
    let end = Step::GiveUp(crate::plan::GiveUp::NotDuringFailover);
    assert_eq!(deploy(&health), end);
    assert_eq!(node(&health, 1), 0, "it still serves");
}

#[test]
fn two_masters_take_no_harmful_write_and_serve_the_rest() {
    let health = health();
    health.set_mode("m", Mode::Source);
    let events = health.set_mode("r", Mode::Source);
    let both = vec!["m".to_owned(), "r".to_owned()];
    assert!(events.contains(&Event::TwoMasters { hosts: both }));
    let end = Step::GiveUp(crate::plan::GiveUp::TwoMasters);
    assert_eq!(deploy(&health), end);
    assert_eq!(node(&health, 1), 0);
    health.set_mode("m", Mode::Replica);
    assert!(matches!(deploy(&health), Step::Attempt { place: 1, .. }));
}

#[test]
fn a_master_that_left_the_lists_is_no_second_one() {
    let health = health();
    health.set_mode("m", Mode::Source);
    health.set_mode("r", Mode::Source);
    let promoted = Installation::of_hosts("r", None).unwrap();
    let health = health.with_installation(&promoted);
    assert!(matches!(deploy(&health), Step::Attempt { place: 0, .. }));
}
