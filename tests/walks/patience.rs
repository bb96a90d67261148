//! Slow is not dead: a server that does its work slowly is asked for its status, and waited for.

use futures_util::future::join_all;
use proptest::prelude::*;
use standin::{Policy, Role, Verdict, verdict::Loss};

use crate::journal::Counted;
use crate::script::{Condition, Script, millis, seconds};
use crate::stage::{Errand, Stage, cases, play};

fn master(condition: Condition) -> [(&'static str, Script); 1] {
    [("master.test:8140", Script::always(condition))]
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn one_status_question_is_under_way_however_many_wait(
        callers in prop::collection::vec((0u64..60_000, any::<bool>()), 2..60),
        silent: bool,
        seed: u64,
    ) {
        play(seed, async {
            // Nobody holds it but the master, so that all questions are those of patience.
            let condition = match silent {
                true => Condition::Silent,
                false => Condition::Well(seconds(40)),
            };
            let stage = Stage::new(Policy::default(), &master(condition));
            let asking = callers.iter().map(|(pause, is_catalog)| {
                let stage = &stage;
                async move {
                    // All before the first of them gives the master up.
                    tokio::time::sleep(millis(pause % 2500)).await;
                    let errand = if *is_catalog { Errand::Catalog } else { Errand::Node };
                    stage.ask(errand).await
                }
            });
            // Once a caller has given the master up, probes ask for its status too.
            let span = if silent { millis(4400) } else { seconds(60) };
            let _ = tokio::time::timeout(span, join_all(asking)).await;
            let status = stage.world.journal().gauge("master.test:8140", Counted::Status);
            prop_assert_eq!(status.most, 1);
            Ok(())
        })?;
    }

    #[test]
    fn a_healthy_compile_is_not_cut_whatever_is_known_of_others(
        took in 1u64..119,
        others in prop::collection::vec(1u64..60, 0..40),
        seed: u64,
    ) {
        play(seed, async {
            let mut script = Script::default();
            let mut at = millis(0);
            for other in &others {
                script = script.then(at, Condition::Well(seconds(*other)));
                at += seconds(*other) + millis(20);
            }
            script = script.then(at, Condition::Well(seconds(took)));
            let stage = Stage::new(Policy::default(), &[("master.test:8140", script)]);
            for _ in &others {
                let outcome = stage.ask(Errand::Catalog).await;
                prop_assert_eq!(outcome.role(), Some(Role::Master));
                tokio::time::sleep_until(tokio::time::Instant::now() + millis(10)).await;
            }
            tokio::time::sleep(at.saturating_sub(stage.world.now())).await;
            let outcome = stage.ask(Errand::Catalog).await;
            let served = outcome.result.unwrap();
            prop_assert_eq!(served.role, Role::Master);
            prop_assert!(served.failed.is_empty());
            Ok(())
        })?;
    }
}

#[test]
fn a_compile_of_four_minutes_is_not_cut_by_who_knows_nothing_else() {
    play(0, async {
        let stage = Stage::new(Policy::default(), &master(Condition::Well(seconds(239))));
        for _ in 0..3 {
            let outcome = stage.ask(Errand::Catalog).await;
            assert_eq!(outcome.role(), Some(Role::Master));
            assert!(outcome.result.unwrap().failed.is_empty());
        }
    });
}

#[test]
fn nor_where_catalogs_usually_take_half_a_minute() {
    play(0, async {
        let script = Script::always(Condition::Well(seconds(30)));
        let script = script.then(seconds(170), Condition::Well(seconds(238)));
        let stage = Stage::new(Policy::default(), &[("master.test:8140", script)]);
        for _ in 0..5 {
            stage.ask(Errand::Catalog).await.result.unwrap();
        }
        tokio::time::sleep(seconds(180).saturating_sub(stage.world.now())).await;
        let outcome = stage.ask(Errand::Catalog).await;
        assert_eq!(outcome.role(), Some(Role::Master));
        assert!(outcome.took > seconds(230));
    });
}

#[test]
fn a_silent_master_costs_a_look_up_six_seconds_and_a_catalog_ten() {
    for (errand, least, most) in [(Errand::Node, 4, 8), (Errand::Catalog, 8, 16)] {
        play(0, async {
            let stage = Stage::new(Policy::default(), &master(Condition::Silent));
            let outcome = stage.ask(errand).await;
            assert_eq!(outcome.role(), Some(Role::Replica));
            assert!(
                outcome.took >= seconds(least) && outcome.took <= seconds(most),
                "{outcome:?}"
            );
            let failed = outcome.result.unwrap().failed;
            assert_eq!(failed[0].verdict, Verdict::Lost(Loss::Silent));
        });
    }
}
