//! An overloaded master does not pour its load onto the replica.

use proptest::prelude::*;
use standin::{Policy, Role};

use crate::journal::What;
use crate::script::{AT_ONCE, Condition, Script, millis, seconds};
use crate::stage::{Cast, Errand, Stage, cases, name, play};

fn turned_away_then_well(after: u8, until: u64) -> Script {
    Script::always(Condition::Busy(after)).then(seconds(until), Condition::Well(AT_ONCE))
}

fn asked(stage: &Stage, server: &str) -> usize {
    let asked = stage
        .world
        .journal()
        .servers_where(|what| !matches!(what, What::Connecting));
    asked.iter().filter(|asked| *asked == server).count()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_replica_gets_nothing_while_the_master_can_be_waited_for(
        after in 0u8..30,
        until in 1u64..90,
        requests in prop::collection::vec(0u64..60_000, 1..20),
        seed: u64,
    ) {
        play(seed, async {
            let master = ("master.test:8140", turned_away_then_well(after, until));
            let stage = Stage::new(Policy::default(), &[master]);
            let asking = requests.iter().map(|pause| {
                let stage = &stage;
                async move {
                    tokio::time::sleep(millis(*pause)).await;
                    stage.ask(Errand::Node).await
                }
            });
            for outcome in futures_util::future::join_all(asking).await {
                prop_assert_eq!(outcome.role(), Some(Role::Master));
            }
            prop_assert_eq!(asked(&stage, "replica.test:8140"), 0);
            Ok(())
        })?;
    }

    #[test]
    fn nobody_is_asked_again_within_a_second(after in 0u8..3, seed: u64) {
        play(seed, async {
            let master = ("master.test:8140", turned_away_then_well(after, 60));
            let stage = Stage::new(Policy::default(), &[master]);
            stage.ask(Errand::Node).await.result.unwrap();
            let events = stage.world.journal().events().into_iter();
            let away = events.filter(|event| matches!(event.what, What::TurnedAway(_)));
            let away: Vec<_> = away.map(|event| event.at).collect();
            for pair in away.windows(2) {
                prop_assert!(pair[1] - pair[0] >= seconds(1).max(seconds(after.into())));
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_pool_shares_the_load_at_once() {
    play(0, async {
        let cast: Cast = vec![
            (Role::Pool, Script::always(Condition::Busy(10))),
            (Role::Pool, Script::default()),
        ];
        let stage = Stage::cast(Policy::default(), &cast);
        let outcome = stage.ask(Errand::Node).await;
        assert_eq!(outcome.result.unwrap().server.authority(), name(1));
        assert!(outcome.took < millis(50));
    });
}

#[test]
fn the_replica_serves_when_the_wait_would_leave_it_no_time() {
    play(0, async {
        let master = ("master.test:8140", Script::always(Condition::Busy(250)));
        let stage = Stage::new(Policy::default(), &[master]);
        let outcome = stage.ask(Errand::Node).await;
        assert_eq!(outcome.role(), Some(Role::Replica));
    });
}
