//! gRPC's throttling of retries and its bound on attempts: the twelve rows of `TestRetryThrottling`
//! and the five of `TestMaxCallAttempts` in grpc-go's `test/retry_test.go`.

use std::time::Duration;

use standin_core::budget::Budget;
use standin_core::order::Mood;
use standin_core::plan::{After, Barred, GiveUp, Plan, Step, Stop};
use standin_core::policy::Repeats;
use standin_core::verdict::Processed;
use standin_core::{Moment, Operation, Policy, Role, Verdict};

fn plan(servers: usize, sent_most: u8) -> Plan {
    let mut policy = Policy::default();
    policy.repeats.sent_most = sent_most;
    let stops = (0..servers)
        .map(|place| Stop::new(place, Role::Pool, Moment::ORIGIN))
        .collect();
    let operation = Operation::of("GET", "/pdb/query/v4/nodes").expect("a known path");
    let times = (Moment::ORIGIN, Moment::ORIGIN + Duration::from_secs(240));
    Plan::new(operation, stops, Mood::Calm, Barred::Nobody, times, &policy)
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Answered,
    Unavailable(GiveUp),
}

/// Sends a call until it ends; `answers` says for each attempt in turn whether it succeeds.
fn call(mut plan: Plan, budget: &Budget, mut answers: impl FnMut() -> bool) -> (End, usize) {
    budget.deposit();
    let mut now = Moment::ORIGIN;
    let mut attempts = 0;
    loop {
        match plan.step(now, budget) {
            Step::Wait(until) => now = until,
            Step::GiveUp(why) => return (End::Unavailable(why), attempts),
            Step::Attempt { place, .. } => {
                attempts += 1;
                let verdict = match answers() {
                    true => Verdict::Answered,
                    false => Verdict::NotReady(Processed::Maybe),
                };
                if plan.record(place, verdict, now, 0) == After::HandBack {
                    return (End::Answered, attempts);
                }
            }
        }
    }
}

/// Rows of `TestRetryThrottling`: how many attempts fail before the server would succeed, whether
/// their call succeeds and after how many attempts, and the same of ours. Theirs has 10 tokens, takes
/// 1 for a failure, gives 0.5 for a success, and repeats only while more than half is left: so five
/// repeats are in reserve. Ours has a reserve of five, takes 1 for a repeat and gives 0.2 for a call.
type Row = (usize, (bool, usize), (bool, usize), &'static str);

const THROTTLING: [Row; 12] = [
    (0, (true, 1), (true, 1), ""),
    (2, (true, 3), (true, 3), ""),
    (2, (true, 3), (true, 3), ""),
    (3, (false, 2), (false, 2), ""),
    (1, (false, 1), (false, 1), ""),
    (0, (true, 1), (true, 1), ""),
    (0, (true, 1), (true, 1), ""),
    (0, (true, 1), (true, 1), ""),
    (0, (true, 1), (true, 1), ""),
    (0, (true, 1), (true, 1), ""),
    (1, (true, 2), (true, 2), ""),
    (
        1,
        (false, 1),
        (true, 2),
        "theirs keeps half of its bucket back, ours has paid in for five calls and spends it",
    ),
];

#[test]
fn repeats_are_throttled_row_by_row() {
    let repeats = Repeats {
        reserve: 5,
        ..Repeats::default()
    };
    let budget = Budget::new(&repeats);
    for (at, (failures, theirs, ours, why)) in THROTTLING.into_iter().enumerate() {
        let mut left = failures;
        let (end, attempts) = call(plan(4, 4), &budget, || {
            let succeeds = left == 0;
            left = left.saturating_sub(1);
            succeeds
        });
        let came = (end == End::Answered, attempts);
        assert_eq!(came, ours, "TestRetryThrottling row {at}");
        assert_eq!(theirs == ours, why.is_empty(), "row {at} needs its reason");
    }
}

/// Rows of `TestMaxCallAttempts`: the most attempts that the service and the client allow, and how
/// many are made. Ours has one setting, which is theirs of the client; the service's is the length of
/// our list plus one, since a server is seldom asked twice. A setting below 1 is 5 with theirs and
/// cannot be made with ours.
const MOST: [(u8, i8, usize); 5] = [(9, 4, 4), (9, 7, 7), (3, 10, 3), (8, -1, 5), (3, 0, 3)];

#[test]
fn attempts_are_bounded_row_by_row() {
    let default = Repeats::default().sent_most;
    for (service, client, expected) in MOST {
        let client = u8::try_from(client).ok().filter(|most| *most > 0);
        let servers = usize::from(service) - 1;
        let budget = Budget::new(&Repeats::default());
        let plan = plan(servers, client.unwrap_or(default));
        let (end, attempts) = call(plan, &budget, || false);
        assert_eq!(
            attempts, expected,
            "TestMaxCallAttempts {service}/{client:?}"
        );
        assert_eq!(end, End::Unavailable(GiveUp::Exhausted));
    }
}
