//! AWS' cases for retries in standard mode: six of the first form, eighteen of the form of 2026
//! (version 2.1) and one with two threads, from smithy-kotlin's
//! `StandardRetryIntegrationTestResources.kt` and `NewStandardRetryIntegrationTestResources.kt`.
//!
//! A case is a list of answers of one server. Theirs sends each repeat to the same server; ours goes
//! to the next of its list, so here it has as many servers as it takes, and backs off when a pass is
//! full. What is compared is whether there is a repeat, and what is left of the budget.

use std::time::Duration;

use standin_core::budget::Budget;
use standin_core::order::Mood;
use standin_core::plan::{After, Barred, GiveUp, Plan, Step, Stop};
use standin_core::policy::Repeats;
use standin_core::verdict::{Loss, Processed};
use standin_core::{Moment, Operation, Policy, Role, Verdict, jitter};

/// What a request meets, as AWS' cases have it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Met {
    /// 200.
    Success,
    /// 500 or 502, after which theirs repeats.
    Transient,
    /// 400 with a code that says to slow down.
    Throttled,
    /// 404.
    NoRetry,
    /// 500 with `x-amz-retry-after`, in milliseconds; `None` where that is no number.
    RetryAfter(Option<u64>),
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Follows {
    Repeat,
    /// The answer, or an error that is none of the following.
    End,
    /// So many attempts are the most.
    TooMany,
    /// The budget is spent.
    Broke,
}
use Follows::{Broke, End, Repeat, TooMany};
use Met::{NoRetry, RetryAfter, Success, Throttled, Transient};

/// A case: its name, their most attempts and quota, and for each answer what follows and the quota
/// after it.
struct Case {
    name: &'static str,
    attempts: u8,
    /// How many repeats their quota pays for in the beginning.
    repeats: u16,
    answers: &'static [(Met, Follows)],
    ours: Ours,
}

/// Whether ours does the same.
#[derive(Clone, Copy)]
enum Ours {
    Same,
    /// What ours does instead, and why.
    Differs(&'static [(Met, Follows)], &'static str),
}
use Ours::{Differs, Same};

const PLENTY: u16 = 35;

/// A quota of 500 pays for 100 repeats at 5, and for 35 at 14; where it matters it is less.
const CASES: [Case; 24] = [
    Case {
        name: "1.0 Retry eventually succeeds",
        attempts: 3,
        repeats: 100,
        answers: &[(Transient, Repeat), (Transient, Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "1.0 Fail due to max attempts reached",
        attempts: 3,
        repeats: 100,
        answers: &[
            (Transient, Repeat),
            (Transient, Repeat),
            (Transient, TooMany),
        ],
        ours: Same,
    },
    Case {
        name: "1.0 Retry Quota reached after a single retry",
        attempts: 3,
        repeats: 1,
        answers: &[(Transient, Repeat), (Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "1.0 No retries at all if retry quota is 0",
        attempts: 3,
        repeats: 0,
        answers: &[(Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "1.0 Verifying exponential backoff timing",
        attempts: 5,
        repeats: 100,
        answers: FIVE,
        ours: Same,
    },
    Case {
        name: "1.0 Verify max backoff time",
        attempts: 5,
        repeats: 100,
        answers: FIVE,
        ours: Same,
    },
    Case {
        name: "2.1 Retry eventually succeeds",
        attempts: 3,
        repeats: PLENTY,
        answers: &[(Transient, Repeat), (Transient, Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Fail due to max attempts reached",
        attempts: 3,
        repeats: PLENTY,
        answers: &[
            (Transient, Repeat),
            (Transient, Repeat),
            (Transient, TooMany),
        ],
        ours: Same,
    },
    Case {
        name: "2.1 Retry Quota reached after a single retry",
        attempts: 3,
        repeats: 1,
        answers: &[(Transient, Repeat), (Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "2.1 No retries at all if retry quota is 0",
        attempts: 3,
        repeats: 0,
        answers: &[(Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "2.1 Verifying exponential backoff timing",
        attempts: 5,
        repeats: PLENTY,
        answers: FIVE,
        ours: Same,
    },
    Case {
        name: "2.1 Verify max backoff time",
        attempts: 5,
        repeats: PLENTY,
        answers: FIVE,
        ours: Same,
    },
    Case {
        name: "2.1 Retry stops after retry quota exhaustion (20 tokens, 14 a repeat)",
        attempts: 5,
        repeats: 1,
        answers: &[(Transient, Repeat), (Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "2.1 Throttling error token bucket drain and backoff duration",
        attempts: 3,
        repeats: 100,
        answers: &[(Throttled, Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Honor x-amz-retry-after header",
        attempts: 3,
        repeats: PLENTY,
        answers: &[(RetryAfter(Some(1500)), Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 x-amz-retry-after minimum is exponential backoff duration",
        attempts: 3,
        repeats: PLENTY,
        answers: &[(RetryAfter(Some(0)), Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 x-amz-retry-after maximum is 5+exponential backoff duration",
        attempts: 3,
        repeats: PLENTY,
        answers: &[(RetryAfter(Some(10_000)), Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Invalid x-amz-retry-after falls back to exponential backoff",
        attempts: 3,
        repeats: PLENTY,
        answers: &[(RetryAfter(None), Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Long-polling backoff after transient error when token bucket empty",
        attempts: 3,
        repeats: 0,
        answers: &[(Transient, Broke)],
        ours: Same,
    },
    Case {
        name: "2.1 Long-polling backoff after throttling error when token bucket empty",
        attempts: 3,
        repeats: 0,
        answers: &[(Throttled, Broke)],
        ours: Differs(
            &[(Throttled, Repeat)],
            "who is busy has not processed anything and says when to come again, so that is free",
        ),
    },
    Case {
        name: "2.1 Long-polling max attempts exceeded must NOT delay",
        attempts: 2,
        repeats: PLENTY,
        answers: &[(Transient, Repeat), (Transient, TooMany)],
        ours: Same,
    },
    Case {
        name: "2.1 Long-polling success must NOT delay",
        attempts: 2,
        repeats: PLENTY,
        answers: &[(Transient, Repeat), (Success, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Long-polling non-retryable errors must NOT delay",
        attempts: 2,
        repeats: PLENTY,
        answers: &[(NoRetry, End)],
        ours: Same,
    },
    Case {
        name: "2.1 Retry quota recovery after successful responses",
        attempts: 5,
        repeats: 2,
        answers: &[
            (Transient, Repeat),
            (Transient, Repeat),
            (Success, End),
            (Transient, Repeat),
            (Success, End),
        ],
        ours: Differs(
            &[
                (Transient, Repeat),
                (Transient, Repeat),
                (Success, End),
                (Transient, Broke),
            ],
            "theirs gives back what the last repeat cost when it succeeds; ours pays in a fifth of a \
             repeat for each request, so that repeats never pass a fifth of all requests",
        ),
    },
];

const FIVE: &[(Met, Follows)] = &[
    (Transient, Repeat),
    (Transient, Repeat),
    (Transient, Repeat),
    (Transient, Repeat),
    (Transient, TooMany),
];

fn budget(repeats: u16) -> Budget {
    Budget::new(&Repeats {
        reserve: repeats,
        ..Repeats::default()
    })
}

/// A catalog request along as many servers of a pool as it may be sent to.
fn plan(attempts: u8) -> Plan {
    let mut policy = Policy::default();
    policy.repeats.sent_most = attempts;
    let stops = (0..usize::from(attempts))
        .map(|place| Stop::new(place, Role::Pool, Moment::ORIGIN))
        .collect();
    let operation = Operation::of("GET", "/pdb/query/v4/nodes").expect("a known path");
    let times = (Moment::ORIGIN, Moment::ORIGIN + Duration::from_secs(240));
    Plan::new(operation, stops, Mood::Calm, Barred::Nobody, times, &policy)
}

/// What the answer is to us. A 500 of AWS' may have been processed and can be sent again.
fn verdict(met: Met) -> Verdict {
    match met {
        Success | NoRetry => Verdict::Answered,
        Transient => Verdict::NotReady(Processed::Maybe),
        Throttled => Verdict::Busy(Duration::ZERO),
        RetryAfter(millis) => Verdict::Busy(Duration::from_millis(millis.unwrap_or_default())),
    }
}

/// Gives a request these answers, and says what follows each.
fn walk(case: &Case, answers: &[(Met, Follows)]) -> Vec<Follows> {
    let budget = budget(case.repeats);
    let mut now = Moment::ORIGIN;
    let mut walk = plan(case.attempts);
    let mut followed = Vec::new();
    let mut next = walk.step(now, &budget);
    for (met, _) in answers {
        let Step::Attempt { place, .. } = next else {
            panic!("{}: {next:?}", case.name)
        };
        if walk.record(place, verdict(*met), now, 0) == After::HandBack {
            followed.push(End);
            walk = plan(case.attempts);
            budget.deposit();
            next = walk.step(now, &budget);
            continue;
        }
        next = walk.step(now, &budget);
        while let Step::Wait(until) = next {
            now = until;
            next = walk.step(now, &budget);
        }
        followed.push(match next {
            Step::Attempt { .. } | Step::Wait(_) => Repeat,
            Step::GiveUp(GiveUp::OverBudget) => Broke,
            Step::GiveUp(_) => TooMany,
        });
    }
    followed
}

#[test]
fn each_case_is_followed_as_theirs_or_for_a_reason_not() {
    for case in &CASES {
        let answers = match case.ours {
            Same => case.answers,
            Differs(answers, why) => {
                assert!(!why.is_empty());
                answers
            }
        };
        let expected: Vec<Follows> = answers.iter().map(|(_, follows)| *follows).collect();
        assert_eq!(walk(case, answers), expected, "{}", case.name);
    }
}

/// The twenty-fifth: two threads share a quota of 500, one repeats twice and one once. What is left
/// is theirs after one refund for each success, and ours without.
#[test]
fn threads_share_one_budget() {
    let budget = budget(PLENTY);
    std::thread::scope(|scope| {
        for repeats in [2, 1] {
            let budget = &budget;
            scope.spawn(move || {
                let paid = (0..repeats).filter_map(|_| budget.withdraw());
                assert_eq!(paid.count(), repeats);
            });
        }
    });
    let left = std::iter::from_fn(|| budget.withdraw()).count();
    let theirs = (486 + 14 * 2) / 14 - 2 - 1;
    assert_eq!(left, usize::from(PLENTY) - 3);
    assert!(left.abs_diff(theirs) <= 1, "{left} against {theirs}");
}

/// A row of their back-off: base, most, and the longest pause before each repeat in milliseconds.
/// Their cases take the jitter as 1, ours as the most that random bits give.
type Pauses = (&'static str, u64, u64, &'static [u64]);

const PAUSES: [Pauses; 6] = [
    (
        "1.0 base 1 s, most 20 s",
        1000,
        20_000,
        &[1000, 2000, 4000, 8000],
    ),
    (
        "1.0 base 1 s, most 3 s",
        1000,
        3000,
        &[1000, 2000, 3000, 3000],
    ),
    (
        "2.1 base 50 ms, most 20 s",
        50,
        20_000,
        &[50, 100, 200, 400],
    ),
    ("2.1 base 50 ms, most 0.2 s", 50, 200, &[50, 100, 200, 200]),
    (
        "botocore test_range_of_exponential_backoff",
        50,
        20_000,
        &[
            50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 20_000, 20_000,
        ],
    ),
    ("2.1 DynamoDB, base 25 ms", 25, 20_000, &[25, 50, 100]),
];

#[test]
fn the_longest_pause_before_each_repeat_is_theirs() {
    for (name, base, most, pauses) in PAUSES {
        for (round, expected) in (0..).zip(pauses) {
            let [base, most] = [base, most].map(Duration::from_millis);
            let pause = jitter::full(base, round, most, u64::MAX);
            let short = Duration::from_millis(*expected).saturating_sub(pause);
            assert!(short <= Duration::from_nanos(1), "{name}: {pause:?}");
            assert_eq!(jitter::full(base, round, most, 0), Duration::ZERO, "{name}");
        }
    }
}

/// What they wait for after `Retry-After`, and what we wait for. Theirs keeps it between its own pause
/// and five seconds more; ours takes the server's word, and at least a second, since a server that is
/// overloaded may say 0.
const RETRY_AFTER: [(&str, Option<u64>, u64, u64); 4] = [
    ("2.1 Honor x-amz-retry-after header", Some(1500), 1500, 1500),
    ("2.1 minimum is exponential backoff", Some(0), 50, 1000),
    (
        "2.1 maximum is 5+exponential backoff",
        Some(10_000),
        5050,
        10_000,
    ),
    (
        "2.1 Invalid falls back to exponential backoff",
        None,
        50,
        1000,
    ),
];

#[test]
fn a_busy_server_is_waited_for_as_long_as_it_says() {
    for (name, says, theirs, ours) in RETRY_AFTER {
        let mut plan = plan(1);
        let budget = budget(PLENTY);
        plan.step(Moment::ORIGIN, &budget);
        plan.record(0, verdict(RetryAfter(says)), Moment::ORIGIN, 0);
        let until = Moment::ORIGIN + Duration::from_millis(ours);
        assert_eq!(
            plan.step(Moment::ORIGIN, &budget),
            Step::Wait(until),
            "{name}"
        );
        assert!(ours >= theirs.min(1500), "{name}: sooner than theirs");
    }
}

/// An answer that is lost costs what a 500 costs: both may have been processed.
#[test]
fn a_lost_answer_costs_a_repeat_too() {
    let budget = budget(0);
    let mut plan = plan(3);
    plan.step(Moment::ORIGIN, &budget);
    plan.record(0, Verdict::Lost(Loss::Reset), Moment::ORIGIN, 0);
    let end = plan.step(Moment::ORIGIN, &budget);
    assert_eq!(end, Step::GiveUp(GiveUp::OverBudget));
}
