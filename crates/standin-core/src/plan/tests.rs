use super::*;
use crate::policy::{Deadline, Repeats};
use crate::verdict::{Loss, Unreached};
use proptest::prelude::*;

const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);
const LOST: Verdict = Verdict::Lost(Loss::Reset);
const DOWN: Verdict = Verdict::NotReady(Processed::No);
const GATEWAY: Verdict = Verdict::NotReady(Processed::Maybe);

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn budget() -> Budget {
    Budget::new(&Repeats::default())
}

fn operation(method: &str, path: &str) -> Operation {
    Operation::of(method, path).unwrap()
}

fn node() -> Operation {
    operation("GET", "/puppet/v3/node/a")
}

fn deploy() -> Operation {
    operation("POST", "/code-manager/v1/deploys")
}

fn plan_for(operation: Operation, roles: &[Role]) -> Plan {
    plan_with(operation, roles, &Policy::default())
}

fn plan_with(operation: Operation, roles: &[Role], policy: &Policy) -> Plan {
    let allowed = |place: &usize| operation.may_go_to(roles[*place]);
    let places: Vec<usize> = (0..roles.len()).filter(allowed).collect();
    let barred = match places.len() == roles.len() {
        true => Barred::Nobody,
        false => Barred::Replica,
    };
    let stops = places
        .into_iter()
        .map(|place| Stop::new(place, roles[place], at(0)))
        .collect();
    let times = (at(0), at(240));
    Plan::new(operation, stops, Mood::Calm, barred, times, policy)
}

fn plan(operation: Operation) -> Plan {
    plan_for(operation, &[Role::Master, Role::Replica])
}

fn place(step: Step) -> usize {
    match step {
        Step::Attempt { place, .. } => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attempt_at_a_puppetdb_may_be_bounded_and_no_other() {
    let mut policy = Policy::default();
    policy.deadline.puppetdb = Some(Duration::from_secs(5));
    let until = |operation, now| {
        plan_with(operation, &[Role::Master, Role::Replica], &policy).until(0, now)
    };
    let query = operation("GET", "/pdb/query/v4/nodes");
    let command = operation("POST", "/pdb/cmd/v1");
    assert_eq!(until(query, at(0)), at(5));
    assert_eq!(until(command, at(10)), at(15));
    assert_eq!(until(query, at(238)), at(239));
    assert_eq!(until(node(), at(0)), at(180));
}

#[test]
fn an_answer_is_handed_back() {
    let mut plan = plan(node());
    assert_eq!(place(plan.step(at(0), &budget())), 0);
    assert_eq!(plan.record(0, Verdict::Answered, at(0), 0), After::HandBack);
}

#[test]
fn an_unreached_master_gives_way_to_the_replica() {
    let mut plan = plan(node());
    plan.step(at(0), &budget());
    assert_eq!(plan.record(0, REFUSED, at(0), 0), After::GoOn);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn moving_on_before_anything_was_sent_costs_no_budget() {
    let broke = budget();
    while broke.withdraw().is_some() {}
    let mut plan = plan(node());
    plan.step(at(0), &broke);
    plan.record(0, REFUSED, at(0), 0);
    assert_eq!(place(plan.step(at(0), &broke)), 1);
}

#[test]
fn a_repeat_needs_budget() {
    let broke = budget();
    while broke.withdraw().is_some() {}
    let mut plan = plan(node());
    plan.step(at(0), &broke);
    plan.record(0, LOST, at(0), 0);
    assert_eq!(plan.step(at(0), &broke), Step::GiveUp(GiveUp::OverBudget));
}

#[test]
fn a_lost_request_that_may_be_repeated_goes_to_the_next_server() {
    let mut plan = plan(node());
    plan.step(at(0), &budget());
    plan.record(0, LOST, at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn a_lost_request_that_may_not_be_repeated_ends_the_walk() {
    let mut plan = plan_for(deploy(), &[Role::Pool, Role::Pool]);
    plan.step(at(0), &budget());
    plan.record(0, LOST, at(0), 0);
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::MaybeProcessed));
}

#[test]
fn not_processed_moves_on_whatever_the_operation() {
    let mut plan = plan_for(deploy(), &[Role::Pool, Role::Pool]);
    plan.step(at(0), &budget());
    assert_eq!(plan.record(0, DOWN, at(0), 0), After::GoOn);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn a_gateway_error_for_a_harmful_operation_is_the_answer() {
    let mut plan = plan_for(deploy(), &[Role::Pool, Role::Pool]);
    plan.step(at(0), &budget());
    assert_eq!(plan.record(0, GATEWAY, at(0), 0), After::HandBack);
}

#[test]
fn a_write_for_the_master_fails_at_once_when_it_is_unreached() {
    let mut plan = plan(deploy());
    assert_eq!(place(plan.step(at(0), &budget())), 0);
    plan.record(0, REFUSED, at(0), 0);
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::NotDuringFailover));
}

/// That it does not work during failover says too that it was not processed.
#[test]
fn a_read_for_the_master_that_was_sent_is_not_said_to_be_unprocessed() {
    for verdict in [LOST, GATEWAY] {
        let mut plan = plan(operation("GET", "/puppet-ca/v1/certificate/ca"));
        assert_eq!(place(plan.step(at(0), &budget())), 0);
        plan.record(0, verdict, at(1), 0);
        let end = plan.step(at(1), &budget());
        assert_eq!(end, Step::GiveUp(GiveUp::Exhausted), "{verdict}");
    }
}

#[test]
fn a_list_of_replicas_only_takes_no_write() {
    let mut plan = plan_for(deploy(), &[Role::Replica]);
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::NotDuringFailover));
}

#[test]
fn after_a_full_pass_there_is_one_more_after_a_pause() {
    let mut plan = plan(node());
    let budget = budget();
    for expected in [0, 1] {
        assert_eq!(place(plan.step(at(0), &budget)), expected);
        plan.record(expected, REFUSED, at(0), u64::MAX);
    }
    let Step::Wait(until) = plan.step(at(0), &budget) else {
        panic!("no pause")
    };
    assert!(until <= at(0) + Duration::from_millis(50));
    for expected in [0, 1] {
        assert_eq!(place(plan.step(until, &budget)), expected);
        plan.record(expected, REFUSED, until, 0);
    }
    assert_eq!(plan.step(until, &budget), Step::GiveUp(GiveUp::Exhausted));
}

#[test]
fn an_answer_that_says_not_processed_costs_no_budget() {
    let budget = budget();
    while budget.withdraw().is_some() {}
    let mut plan = plan(node());
    plan.step(at(0), &budget);
    plan.record(0, DOWN, at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget)), 1);
}

#[test]
fn what_was_paid_for_a_repeat_that_reached_nobody_pays_for_the_next() {
    let budget = Budget::new(&Repeats {
        reserve: 1,
        ..Repeats::default()
    });
    let mut plan = plan_for(node(), &[Role::Master, Role::Replica, Role::Replica]);
    plan.step(at(0), &budget);
    plan.record(0, LOST, at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget)), 1);
    plan.record(1, REFUSED, at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget)), 2);
}

#[test]
fn with_two_masters_nothing_is_tried() {
    let stops = [Stop::new(0, Role::Master, at(0))].into_iter().collect();
    let times = (at(0), at(240));
    let policy = Policy::default();
    let barred = Barred::TwoMasters;
    let mut plan = Plan::new(deploy(), stops, Mood::Calm, barred, times, &policy);
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::TwoMasters));
}

fn with_grace(operation: Operation) -> Plan {
    let policy = Policy {
        deadline: Deadline {
            grace: Duration::from_secs(10),
            ..Deadline::default()
        },
        ..Policy::default()
    };
    plan_with(operation, &[Role::Master, Role::Replica], &policy)
}

/// Refuses every attempt, and says when the last one was and how it ended.
fn refuse(mut plan: Plan) -> (Moment, GiveUp) {
    let mut now = at(0);
    let mut last = now;
    loop {
        match plan.step(now, &budget()) {
            Step::Attempt { place, .. } => {
                last = now;
                plan.record(place, REFUSED, now, u64::MAX / 2);
            }
            Step::Wait(until) => now = until,
            Step::GiveUp(why) => return (last, why),
        }
    }
}

#[test]
fn within_its_grace_a_master_that_refuses_is_asked_again() {
    let (last, why) = refuse(with_grace(deploy()));
    assert!(last >= at(9) && last <= at(12), "{last:?}");
    assert_eq!(why, GiveUp::NotDuringFailover);
}

#[test]
fn what_a_replica_may_serve_needs_no_grace() {
    let (last, why) = refuse(with_grace(node()));
    assert!(last < at(1), "{last:?}");
    assert_eq!(why, GiveUp::Exhausted);
}

#[test]
fn grace_is_for_refusals_alone() {
    let mut plan = with_grace(deploy());
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Unreached(Unreached::TimedOut), at(3), 0);
    let end = plan.step(at(3), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::NotDuringFailover));
}

#[test]
fn the_same_want_of_trust_everywhere_ends_the_walk() {
    let mut plan = plan(node());
    for expected in [0, 1] {
        assert_eq!(place(plan.step(at(0), &budget())), expected);
        plan.record(expected, Verdict::Untrusted, at(0), 0);
    }
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::Untrusted));
}

#[test]
fn a_busy_master_is_waited_for_and_not_its_replica_asked() {
    let mut plan = plan(node());
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::ZERO), at(0), 0);
    assert_eq!(plan.step(at(0), &budget()), Step::Wait(at(1)));
    assert_eq!(place(plan.step(at(1), &budget())), 0);
}

#[test]
fn the_replica_is_asked_when_the_wait_would_leave_it_no_time() {
    for seconds in [181, 600] {
        let mut plan = plan(node());
        plan.step(at(0), &budget());
        plan.record(0, Verdict::Busy(Duration::from_secs(seconds)), at(0), 0);
        assert_eq!(place(plan.step(at(0), &budget())), 1, "{seconds} s");
    }
}

#[test]
fn where_overload_may_spill_the_replica_is_asked_at_once() {
    let policy = Policy {
        overload: Overload::Spill,
        ..Policy::default()
    };
    let mut plan = plan_with(node(), &[Role::Master, Role::Replica], &policy);
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::from_secs(9)), at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn where_overload_is_only_waited_out_no_replica_is_ever_asked() {
    let policy = Policy {
        overload: Overload::WaitOnly,
        ..Policy::default()
    };
    let mut plan = plan_with(node(), &[Role::Master, Role::Replica], &policy);
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::from_secs(170)), at(0), 0);
    assert_eq!(plan.step(at(0), &budget()), Step::Wait(at(170)));
    let Step::Attempt { place: 0, until } = plan.step(at(170), &budget()) else {
        panic!("it is due")
    };
    assert_eq!(until, at(240), "nothing is kept for the replica");
    plan.record(0, Verdict::Busy(Duration::from_secs(20)), at(170), 0);
    let end = plan.step(at(170), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::Exhausted));
    assert_eq!(plan.lanes(0, at(170)).collect::<Vec<_>>(), [0]);
}

#[test]
fn where_overload_is_only_waited_out_a_pool_is_still_asked_and_a_dead_master_left() {
    let policy = Policy {
        overload: Overload::WaitOnly,
        ..Policy::default()
    };
    let mut pool = plan_with(node(), &[Role::Pool, Role::Replica, Role::Pool], &policy);
    pool.step(at(0), &budget());
    pool.record(0, Verdict::Busy(Duration::from_secs(300)), at(0), 0);
    assert_eq!(place(pool.step(at(0), &budget())), 2);
    let mut refused = plan_with(node(), &[Role::Master, Role::Replica], &policy);
    refused.step(at(0), &budget());
    refused.record(0, Verdict::Busy(Duration::ZERO), at(0), 0);
    refused.step(at(1), &budget());
    refused.record(0, REFUSED, at(1), 0);
    assert_eq!(place(refused.step(at(1), &budget())), 1);
}

#[test]
fn a_server_that_another_request_found_busy_is_waited_for_too() {
    let stops = [
        Stop::new(0, Role::Master, at(5)),
        Stop::new(1, Role::Replica, at(0)),
    ]
    .into_iter()
    .collect();
    let times = (at(0), at(240));
    let policy = Policy::default();
    let barred = Barred::Nobody;
    let mut plan = Plan::new(node(), stops, Mood::Calm, barred, times, &policy);
    assert_eq!(plan.step(at(0), &budget()), Step::Wait(at(5)));
}

#[test]
fn nobody_but_a_pool_is_raced_behind_a_busy_server() {
    let roles = [Role::Pool, Role::Pool, Role::Replica, Role::Pool];
    let mut plan = plan_for(node(), &roles);
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::from_secs(9)), at(0), 0);
    assert_eq!(plan.lanes(1, at(0)).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn another_server_of_the_pool_is_asked_freely() {
    let mut plan = plan_for(node(), &[Role::Pool, Role::Pool, Role::Pool]);
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::from_secs(9)), at(0), 0);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn a_server_that_stays_busy_is_asked_ever_more_rarely_and_then_its_replica() {
    let mut plan = plan(node());
    let mut now = at(0);
    let mut asked = Vec::new();
    let budget = budget();
    loop {
        match plan.step(now, &budget) {
            Step::Attempt { place: 0, .. } => {
                asked.push(now.since(at(0)).as_secs());
                plan.record(0, Verdict::Busy(Duration::ZERO), now, 0);
            }
            Step::Attempt { place, .. } => break assert_eq!(place, 1),
            Step::Wait(until) => now = until,
            Step::GiveUp(why) => panic!("{why:?}"),
        }
    }
    assert_eq!(asked[..6], [0, 1, 3, 7, 15, 31]);
    assert!(asked.len() < 16, "{asked:?}");
    assert!(now <= at(180), "too little is left: {now:?}");
}

#[test]
fn who_is_busy_for_too_long_is_not_asked_at_once_again() {
    let mut plan = plan_for(node(), &[Role::Pool]);
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::from_secs(300)), at(0), 0);
    let end = plan.step(at(0), &budget());
    assert_eq!(end, Step::GiveUp(GiveUp::Exhausted));
}

#[test]
fn a_time_to_come_again_beyond_all_clocks_does_no_harm() {
    let mut plan = plan(node());
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Busy(Duration::MAX), at(0), u64::MAX);
    assert_eq!(place(plan.step(at(0), &budget())), 1);
}

#[test]
fn a_fault_of_this_machine_ends_the_walk() {
    let mut plan = plan(node());
    plan.step(at(0), &budget());
    plan.record(0, Verdict::Local, at(0), 0);
    assert_eq!(plan.step(at(0), &budget()), Step::GiveUp(GiveUp::Local));
}

#[test]
fn an_attempt_leaves_time_for_the_next_candidate() {
    let mut plan = plan(node());
    let Step::Attempt { until, .. } = plan.step(at(0), &budget()) else {
        panic!("no attempt")
    };
    assert_eq!(until, at(180));
    plan.record(0, LOST, at(180), 0);
    let Step::Attempt { until, .. } = plan.step(at(180), &budget()) else {
        panic!("no attempt")
    };
    assert_eq!(until, at(240));
}

#[test]
fn a_request_that_may_not_be_repeated_gets_all_the_time_there_is() {
    let mut plan = plan_for(deploy(), &[Role::Master, Role::Master]);
    let Step::Attempt { until, .. } = plan.step(at(0), &budget()) else {
        panic!("no attempt")
    };
    assert_eq!(until, at(240));
}

#[test]
fn past_the_deadline_nothing_is_tried() {
    let mut plan = plan(node());
    assert_eq!(
        plan.step(at(240), &budget()),
        Step::GiveUp(GiveUp::DeadlinePassed)
    );
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(REFUSED),
        Just(Verdict::Unreached(Unreached::TimedOut)),
        Just(LOST),
        Just(Verdict::Lost(Loss::Silent)),
        Just(DOWN),
        Just(GATEWAY),
        Just(Verdict::Untrusted),
        (0u64..400).prop_map(|s| Verdict::Busy(Duration::from_secs(s))),
    ]
}

proptest! {
    /// Whatever happens, a walk ends in time, and a harmful request is never sent again once a
    /// server may have taken it.
    #[test]
    fn every_walk_ends_and_harm_is_done_once(
        verdicts in prop::collection::vec((verdict(), 0u64..100, any::<u64>()), 64),
        servers in 1usize..6,
        harmful: bool,
    ) {
        let operation = if harmful { deploy() } else { node() };
        let roles = vec![Role::Pool; servers];
        let mut plan = plan_for(operation, &roles);
        let budget = budget();
        let mut now = at(0);
        let mut maybe_taken = 0;
        let mut attempts = 0;
        for (verdict, took, random) in verdicts {
            match plan.step(now, &budget) {
                Step::Attempt { place, until } => {
                    prop_assert!(until <= at(240) && until > now);
                    prop_assert_eq!(maybe_taken, 0);
                    attempts += 1;
                    now = until.min(now + Duration::from_secs(took));
                    if harmful && matches!(verdict, Verdict::Lost(_) | GATEWAY) {
                        maybe_taken += 1;
                    }
                    if plan.record(place, verdict, now, random) == After::HandBack {
                        return Ok(());
                    }
                }
                Step::Wait(until) => {
                    prop_assert!(until > now && until <= at(240));
                    now = until;
                }
                Step::GiveUp(_) => {
                    prop_assert!(attempts <= 2 * servers + 2);
                    return Ok(());
                }
            }
        }
        prop_assert!(false, "the walk did not end");
    }
}
