//! The design's rules seen from outside: what each verdict does to health, each constant, and how late
//! a walk may be.

mod constants;
mod verdicts;
mod worst_case;

use std::time::Duration;

use standin_core::order::Mood;
use standin_core::plan::{GiveUp, Plan, Step};
use standin_core::verdict::{Loss, Unreached};
use standin_core::{
    Class, Health, Installation, Moment, Operation, Policy, ServerList, Service, Verdict,
};

const SERVER: Class = Class::Service(Service::PuppetServer);

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn health(list: &str) -> Health {
    let list = ServerList::parse(list, 8140).expect("a list");
    let installation = Installation::new().with(Service::PuppetServer, list);
    Health::new(&installation, Policy::default(), 0)
}

fn node() -> Operation {
    Operation::of("GET", "/puppet/v3/node/a").expect("a known path")
}

fn plan(health: &Health, operation: Operation, seconds: u64) -> Plan {
    let plan = health.plan(operation, None, None, at(seconds), 0);
    plan.expect("the class has a list")
}

fn record(health: &Health, place: usize, verdict: Verdict, seconds: u64) {
    let mark = health.mark(SERVER, place).expect("a place of the list");
    health.record(SERVER, place, mark, verdict, at(seconds), u64::MAX);
}

#[test]
fn a_lone_server_is_never_benched_away() {
    for verdict in [
        Verdict::Unreached(Unreached::Refused),
        Verdict::Untrusted,
        Verdict::Lost(Loss::Silent),
        Verdict::Lost(Loss::Stuck),
    ] {
        let health = health("a");
        record(&health, 0, verdict, 1);
        let mut plan = plan(&health, node(), 1);
        assert_eq!(plan.mood(), Mood::Panic, "{verdict}");
        let step = plan.step(at(1), health.budget());
        assert!(matches!(step, Step::Attempt { place: 0, .. }), "{verdict}");
    }
}

#[test]
fn a_plan_for_one_place_goes_there_and_nowhere_else() {
    let health = health("a,b");
    let at_one = |place| health.plan_at(node(), place, None, at(0), u64::MAX);
    let mut plan = at_one(1).expect("a place of the list");
    let mut now = 0;
    loop {
        match plan.step(at(now), health.budget()) {
            Step::Attempt { place, .. } => {
                assert_eq!(place, 1);
                let refused = Verdict::Unreached(Unreached::Refused);
                plan.record(place, refused, at(now), u64::MAX);
            }
            Step::Wait(_) => now += 1,
            Step::GiveUp(why) => {
                assert_eq!(why, GiveUp::Exhausted);
                break;
            }
        }
    }
    assert!(at_one(2).is_none());
}

#[test]
fn a_server_of_a_pool_gets_all_the_time_there_is() {
    let health = health("a,b,c");
    let step = plan(&health, node(), 0).step(at(0), health.budget());
    let expected = Step::Attempt {
        place: 0,
        until: at(240),
    };
    assert_eq!(step, expected);
}

#[test]
fn who_was_busy_is_waited_for_with_up_to_a_quarter_more() {
    for (random, least, most) in [(0, 40.0, 40.0), (u64::MAX, 49.9, 50.0)] {
        let health = health("a");
        let mut plan = plan(&health, node(), 0);
        plan.step(at(0), health.budget());
        plan.record(0, Verdict::Busy(Duration::from_secs(40)), at(0), random);
        let Step::Wait(until) = plan.step(at(0), health.budget()) else {
            panic!("it is not waited for")
        };
        let pause = until.since(at(0)).as_secs_f64();
        assert!(pause >= least && pause <= most, "{pause}");
    }
}
