//! Callers with short times of their own do not blind the client.

use futures_util::future::join_all;
use proptest::prelude::*;
use standin::{Policy, Role, State};

use crate::journal::Counted;
use crate::script::{Condition, Script, millis, seconds};
use crate::stage::{Errand, Stage, cases, play};

const SERVER: &str = "master.test:8140";

fn state(stage: &Stage) -> State {
    let snapshot = stage.layer.snapshot();
    let class = snapshot.classes.iter();
    let mut class = class.filter(|class| class.class == "puppet-server");
    class.next().unwrap().entries[0].server_state
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn one_connection_a_server_is_finished_in_the_background(
        spans in prop::collection::vec(0u64..3000, 1..40),
        seed: u64,
    ) {
        play(seed, async {
            let hole = Script::always(Condition::BlackHole);
            let scripts = [(SERVER, hole.clone()), ("replica.test:8140", hole)];
            let stage = Stage::new(Policy::default(), &scripts);
            let asking = spans.iter().map(|span| {
                tokio::time::timeout(millis(*span), stage.ask(Errand::Node))
            });
            join_all(asking).await;
            // Whoever still waits has gone: what goes on, goes on in the background.
            for (server, _) in scripts {
                let now = stage.world.journal().gauge(server, Counted::Connecting).now;
                prop_assert!(now <= 1, "{server}: {now}");
            }
            tokio::time::sleep(seconds(4)).await;
            let now = stage.world.journal().gauge(SERVER, Counted::Connecting).now;
            prop_assert_eq!(now, 0);
            Ok(())
        })?;
    }

    #[test]
    fn who_waited_longer_than_the_head_start_leaves_suspicion(span in 260u64..2400, seed: u64) {
        play(seed, async {
            let scripts = [(SERVER, Script::always(Condition::BlackHole))];
            let stage = Stage::new(Policy::default(), &scripts);
            let asking = tokio::time::timeout(millis(span), stage.ask(Errand::Node));
            prop_assert!(asking.await.is_err());
            prop_assert_eq!(state(&stage), State::Suspect);
            // The next one, as impatient, is served.
            let asking = tokio::time::timeout(millis(300), stage.ask(Errand::Node));
            let outcome = asking.await.expect("the stand-in is raced");
            prop_assert_eq!(outcome.role(), Some(Role::Replica));
            Ok(())
        })?;
    }

    #[test]
    fn who_waited_for_less_shows_nothing(span in 0u64..240, seed: u64) {
        play(seed, async {
            let slow = Script::always(Condition::SlowToConnect(millis(245)));
            let stage = Stage::new(Policy::default(), &[(SERVER, slow)]);
            let asking = tokio::time::timeout(millis(span), stage.ask(Errand::Node));
            prop_assert!(asking.await.is_err());
            prop_assert_eq!(state(&stage), State::Ready);
            Ok(())
        })?;
    }
}
