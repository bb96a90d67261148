//! A master that reloads refuses for some seconds; who may wait for it can be told to.

use std::time::Duration;

use proptest::prelude::*;
use standin::policy::Deadline;
use standin::{ErrorKind, Policy, Role};

use crate::script::{AT_ONCE, Condition, Script, millis};
use crate::stage::{Errand, Stage, cases, play};

fn with_grace(grace: Duration) -> Policy {
    Policy {
        deadline: Deadline {
            grace,
            ..Deadline::default()
        },
        ..Policy::default()
    }
}

fn reloading(span: u64) -> [(&'static str, Script); 1] {
    let script = Script::always(Condition::Refused);
    [(
        "master.test:4433",
        script.then(millis(span), Condition::Well(AT_ONCE)),
    )]
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn an_edit_outlives_a_reload_within_the_grace(span in 0u64..9000, seed: u64) {
        play(seed, async {
            let stage = Stage::new(with_grace(Duration::from_secs(10)), &reloading(span));
            let outcome = stage.ask(Errand::ClassifierEdit).await;
            prop_assert_eq!(outcome.role(), Some(Role::Master));
            prop_assert!(outcome.took <= millis(span + 1500), "{outcome:?}");
            Ok(())
        })?;
    }

    #[test]
    fn without_grace_it_fails_at_once(span in 100u64..9000, seed: u64) {
        play(seed, async {
            let stage = Stage::new(Policy::default(), &reloading(span));
            let outcome = stage.ask(Errand::ClassifierEdit).await;
            let error = outcome.result.unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::NotDuringFailover);
            prop_assert!(outcome.took < millis(50));
            Ok(())
        })?;
    }
}

#[test]
fn what_the_replica_may_do_does_not_wait() {
    play(0, async {
        let stage = Stage::new(with_grace(Duration::from_secs(10)), &reloading(6000));
        let outcome = stage.ask(Errand::Classification).await;
        assert_eq!(outcome.role(), Some(Role::Replica));
        assert!(outcome.took < millis(50));
    });
}
