//! Every candidate has its turn before the moment that `Policy::worst_case` names.

use std::time::Duration;

use proptest::prelude::*;
use standin::policy::{Connect, Deadline};
use standin::{ErrorKind, Installation, Length, Policy, Service, Verdict};

use crate::journal::{Event, What};
use crate::script::{calm, millis, script, seconds, steady};
use crate::stage::{Cast, Errand, Outcome, Stage, cases, list, name, play, roles};

fn cast() -> impl Strategy<Value = Cast> {
    let script = prop_oneof![script(calm()), steady(calm())];
    prop::collection::vec(script, 1..5).prop_map(|scripts| {
        roles(scripts.len(), false)
            .into_iter()
            .zip(scripts)
            .collect()
    })
}

/// When a server first was sent the request, or was found not to be reached, if it was; counted from
/// the call.
fn turn(stage: &Stage, server: &str, since: usize, outcome: &Outcome) -> Option<Duration> {
    let events = stage.world.journal().events().split_off(since);
    let had_its_turn = |event: &&Event| {
        let of_it = event.server == server;
        of_it
            && matches!(
                event.what,
                What::Got(_) | What::TurnedAway(_) | What::NotConnected
            )
    };
    let by_journal = events.iter().find(had_its_turn);
    let by_journal = by_journal.map(|event| event.at.saturating_sub(outcome.began));
    // Who was passed over may still be connecting.
    let mut attempts = outcome.failed().iter();
    let passed_over = attempts.find(|attempt| attempt.server.authority() == server);
    let passed_over = passed_over.map(|attempt| attempt.after + attempt.took);
    by_journal.into_iter().chain(passed_over).min()
}

/// Times that operators might set.
fn policy() -> impl Strategy<Value = Policy> {
    let (long, cheap, reserve) = (20u64..400, 10u64..300, 0u64..120);
    let (head_start, preference, limit) = (0u64..3000, 0u64..5000, 500u64..8000);
    (long, cheap, reserve, head_start, preference, limit).prop_map(
        |(long, cheap, reserve, head_start, preference, limit)| Policy {
            deadline: Deadline {
                long: seconds(long),
                cheap: seconds(cheap),
                reserve: seconds(reserve),
                ..Deadline::default()
            },
            connect: Connect {
                head_start: millis(head_start),
                preference: millis(preference),
                limit: millis(limit),
                ..Connect::default()
            },
            ..Policy::default()
        },
    )
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_walk_commits_its_last_candidate_later(
        cast in cast(),
        policy in prop_oneof![Just(Policy::default()), policy()],
        errands in prop::collection::vec(any::<bool>(), 1..5),
        seed: u64,
    ) {
        play(seed, async {
            let installation = Installation::new().with(Service::PuppetServer, list(&cast));
            let cases = policy.worst_case(&installation);
            let deadlines = policy.deadline.clone();
            let stage = Stage::cast(policy, &cast);
            for is_catalog in errands {
                let (errand, length) = match is_catalog {
                    true => (Errand::Catalog, Length::Long),
                    false => (Errand::Node, Length::Cheap),
                };
                let worst = cases.iter().find(|case| case.length == length).unwrap();
                let since = stage.world.journal().events().len();
                let outcome = stage.ask(errand).await;
                let kind = outcome.result.as_ref().err().map(standin::Error::kind);
                // A worst case that is the deadline promises nobody a turn.
                let is_promised = worst.committed < deadlines.within(length);
                let all_had_one = match kind {
                    Some(ErrorKind::Exhausted | ErrorKind::Untrusted) => true,
                    Some(ErrorKind::DeadlinePassed) => is_promised,
                    _ => false,
                };
                for place in 0..cast.len() {
                    let turn = turn(&stage, &name(place), since, &outcome);
                    prop_assert!(
                        turn.map_or(!all_had_one, |turn| turn <= worst.committed),
                        "{place}: {turn:?}, {worst:?}, {outcome:?}"
                    );
                }
                for attempt in outcome.failed() {
                    let is_in_time = attempt.took <= worst.connected + millis(2);
                    let is_connecting = matches!(attempt.verdict, Verdict::Unreached(_));
                    prop_assert!(!is_connecting || is_in_time, "{worst:?}, {outcome:?}");
                }
                // What is left in the background ends before the next request.
                tokio::time::sleep(seconds(9)).await;
            }
            Ok(())
        })?;
    }
}
