//! No walk asks its last candidate later than the policy says it may.

use std::time::Duration;

use proptest::prelude::*;
use standin_core::plan::Step;
use standin_core::verdict::{Loss, Processed, Unreached};
use standin_core::{
    Class, Health, Installation, Length, Moment, Operation, Policy, Server, Service, Verdict,
};

const CATALOG: (&str, &str) = ("POST", "/puppet/v3/catalog/a");
const NODE: (&str, &str) = ("GET", "/puppet/v3/node/a");

/// What comes of an attempt, after which share of the time it may take.
fn came() -> impl Strategy<Value = (Verdict, u64)> {
    let verdict = prop_oneof![
        Just(Verdict::Unreached(Unreached::Refused)),
        Just(Verdict::Unreached(Unreached::TimedOut)),
        Just(Verdict::Untrusted),
        Just(Verdict::NotReady(Processed::Maybe)),
        Just(Verdict::NotReady(Processed::No)),
        Just(Verdict::Lost(Loss::Silent)),
        Just(Verdict::Lost(Loss::Stuck)),
        // The worst: it answers its status, and is silent until its time is up.
        Just(Verdict::Lost(Loss::TimedOut)),
    ];
    (verdict, prop_oneof![Just(u64::MAX), any::<u64>()])
}

proptest! {
    #[test]
    fn the_last_candidate_is_committed_in_time(
        catalog: bool,
        connecting in prop::collection::vec(any::<u64>(), 2),
        (verdict, share) in came(),
    ) {
        let installation = Installation::of_hosts("m", Some("r")).expect("two hosts");
        let policy = Policy::default();
        let (method, path) = if catalog { CATALOG } else { NODE };
        let operation = Operation::of(method, path).expect("a known path");
        let cases = policy.worst_case(&installation);
        let case = cases
            .into_iter()
            .find(|case| case.class == operation.class() && case.length == operation.length)
            .expect("a case for each class and length");
        prop_assert_eq!(operation.length == Length::Long, catalog);
        let health = Health::new(&installation, policy, 0);
        let mut now = Moment::ORIGIN;
        let mut plan = health.plan(operation, None, None, now, 0).expect("a list");
        for took in connecting {
            let Step::Attempt { place, .. } = plan.step(now, health.budget()) else {
                prop_assert!(false, "both are asked");
                return Ok(());
            };
            // A connection that stood was closed as the request went out, so another is made.
            let most = case.connected * 2 + health.policy().connect.fresh;
            now = now + standin_core::jitter::fraction(most, took);
            if !plan.leaves_others(place) {
                prop_assert!(now <= Moment::ORIGIN + case.committed, "{now:?}");
                return Ok(());
            }
            let ends = plan.until(place, now);
            prop_assert!(ends < plan.deadline(), "nothing is left for the other");
            let lasts: Duration = standin_core::jitter::fraction(ends.since(now), share);
            now = match verdict {
                Verdict::Unreached(_) | Verdict::Untrusted => now,
                _ => now + lasts,
            };
            plan.record(place, verdict, now, 0);
        }
        prop_assert!(false, "the last candidate is never reached");
    }
}

#[test]
fn a_server_that_is_only_submitted_to_is_a_candidate_more_for_commands_alone() {
    let plain = Installation::of_hosts("m", Some("r")).expect("two hosts");
    let also = Server::new("x", 9091).expect("a host");
    let more = plain.clone().with_submit_only([also]);
    let policy = Policy::default();
    let connected = |installation: &Installation, class| {
        let cases = policy.worst_case(installation);
        let found = cases.into_iter().find(|case| case.class == class);
        found.expect("a case of the class").connected
    };
    let queries = Class::Service(Service::PuppetDb);
    assert_eq!(connected(&plain, queries), connected(&more, queries));
    assert!(connected(&plain, Class::Commands) < connected(&more, Class::Commands));
}
