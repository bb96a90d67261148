//! A request that met nothing but servers which did not process it is answered in time, if any
//! server that may serve it is up and can be reached.

use std::time::Duration;

use proptest::prelude::*;
use standin::verdict::Processed;
use standin::{Attempt, Policy, Role, Verdict};

use crate::script::{AT_ONCE, Condition, Script, millis, script, unprocessed};
use crate::stage::{Cast, Errand, Stage, cases, play, roles};

/// Servers that process nothing, in ways that change, and one at `good` that is always well.
fn cast() -> impl Strategy<Value = Cast> {
    let scripts = prop::collection::vec(script(unprocessed()), 1..6);
    (scripts, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut scripts, good, pool)| {
        let good = good.index(scripts.len());
        scripts[good] = Script::always(Condition::Well(AT_ONCE));
        roles(scripts.len(), pool)
            .into_iter()
            .zip(scripts)
            .collect()
    })
}

fn is_unprocessed(attempt: &Attempt) -> bool {
    matches!(
        attempt.verdict,
        Verdict::Unreached(_) | Verdict::Untrusted | Verdict::NotReady(Processed::No)
    )
}

fn pauses() -> impl Strategy<Value = Vec<Duration>> {
    prop::collection::vec((0u64..30_000).prop_map(millis), 1..12)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_look_up_is_answered(cast in cast(), pauses in pauses(), within in 3000u64..60_000, seed: u64) {
        play(seed, async {
            let stage = Stage::cast(Policy::default(), &cast);
            for pause in pauses {
                tokio::time::sleep(pause).await;
                let outcome = stage.ask_within(millis(within), Errand::Node).await;
                // Not so when its server vanished with it.
                if outcome.failed().iter().all(is_unprocessed) {
                    let report = outcome.result.as_ref().map_err(standin::Error::report);
                    prop_assert!(report.is_ok(), "{}", report.unwrap_err());
                }
            }
            Ok(())
        })?;
    }

    /// The caller's time halves what a stand-in waits, so even little of it is enough for one.
    #[test]
    fn within_a_second_too_when_one_server_stands_before(
        first in unprocessed(),
        within in 100u64..1000,
        seed: u64,
    ) {
        play(seed, async {
            let cast = vec![
                (Role::Master, Script::always(first)),
                (Role::Replica, Script::default()),
            ];
            let stage = Stage::cast(Policy::default(), &cast);
            for _ in 0..3 {
                let outcome = stage.ask_within(millis(within), Errand::Node).await;
                let report = outcome.result.as_ref().map_err(standin::Error::report);
                prop_assert!(report.is_ok(), "{}", report.unwrap_err());
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_only_the_master_may_do_is_done_when_the_master_is_up(
        replica in script(unprocessed()),
        pauses in pauses(),
        seed: u64,
    ) {
        play(seed, async {
            let stage = Stage::new(Policy::default(), &[("replica.test:4433", replica)]);
            for pause in pauses {
                tokio::time::sleep(pause).await;
                let outcome = stage.ask(Errand::ClassifierEdit).await;
                prop_assert_eq!(outcome.role(), Some(Role::Master));
                let _ = stage.ask(Errand::Classification).await;
            }
            Ok(())
        })?;
    }
}
