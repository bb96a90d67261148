//! No request outlasts its deadline.

use proptest::prelude::*;
use standin::{Length, Policy};

use crate::script::{any_condition, millis, script, steady};
use crate::stage::{Cast, Errand, Stage, cases, play, roles};

fn cast() -> impl Strategy<Value = Cast> {
    let script = prop_oneof![script(any_condition()), steady(any_condition())];
    let scripts = prop::collection::vec(script, 1..5);
    (scripts, any::<bool>()).prop_map(|(scripts, pool)| {
        roles(scripts.len(), pool)
            .into_iter()
            .zip(scripts)
            .collect()
    })
}

/// Many so short that a connection is being made as they end.
fn spans() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![0u64..3000, 0u64..30_000], 1..8)
}

/// Tokio's timers count milliseconds, and round up.
const ROUNDED: u64 = 2;

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn the_policys_deadline_is_never_passed(cast in cast(), catalogs: [bool; 4], seed: u64) {
        play(seed, async {
            let policy = Policy::default();
            let stage = Stage::cast(policy.clone(), &cast);
            for is_catalog in catalogs {
                let (errand, length) = match is_catalog {
                    true => (Errand::Catalog, Length::Long),
                    false => (Errand::Node, Length::Cheap),
                };
                let outcome = stage.ask(errand).await;
                let most = policy.deadline.within(length) + millis(ROUNDED);
                prop_assert!(outcome.took <= most, "{outcome:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn nor_is_the_callers_own(cast in cast(), spans in spans(), seed: u64) {
        play(seed, async {
            let stage = Stage::cast(Policy::default(), &cast);
            for span in spans {
                let outcome = stage.ask_within(millis(span), Errand::Node).await;
                prop_assert!(outcome.took <= millis(span + ROUNDED), "{outcome:?}");
            }
            Ok(())
        })?;
    }
}
