//! A server whose status is good while its work is silent is left, where it is known what is usual.

use std::time::Duration;

use proptest::prelude::*;
use standin::policy::{Failback, Hysteresis, Trip};
use standin::{OnLoss, Policy, Role, Verdict, verdict::Loss};

use crate::script::{AT_ONCE, Condition, Script, millis, seconds};
use crate::stage::{Errand, MASTER, Stage, cases, installation, play};

const STUCK: Verdict = Verdict::Lost(Loss::Stuck);

/// A client that knows what is usual of a master that then, after a minute, is silent at its work.
async fn with_history(ports: &[u16], usual: u64) -> Stage {
    let servers: Vec<_> = ports
        .iter()
        .map(|port| format!("{MASTER}:{port}"))
        .collect();
    let script = Script::always(Condition::Well(millis(usual)));
    let script = script.then(seconds(60), Condition::WorkSilent);
    let scripts = servers
        .iter()
        .map(|server| (server.as_str(), script.clone()));
    let stage = Stage::of(installation(), Policy::default(), scripts);
    for errand in [Errand::Node, Errand::Query] {
        for _ in 0..5 {
            stage.ask(errand).await.result.unwrap();
        }
    }
    tokio::time::sleep(seconds(60) - stage.world.now()).await;
    stage
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn cheap_work_leaves_after_ten_seconds_or_eight_times_what_is_usual(
        usual in 1u64..5000,
        seed: u64,
    ) {
        play(seed, async {
            let stage = with_history(&[8140], usual).await;
            let outcome = stage.ask(Errand::Node).await;
            let served = outcome.result.as_ref().unwrap();
            prop_assert_eq!(served.role, Role::Replica);
            prop_assert_eq!(served.failed[0].verdict, STUCK);
            let expected = seconds(10).max(millis(8 * usual));
            prop_assert!(outcome.took >= expected, "{outcome:?}");
            prop_assert!(outcome.took <= expected + millis(500), "{outcome:?}");
            // Those that come after do not go there.
            let next = stage.ask(Errand::Node).await;
            prop_assert_eq!(next.role(), Some(Role::Replica));
            prop_assert!(next.took < millis(50), "{next:?}");
            Ok(())
        })?;
    }
}

#[test]
fn a_run_leaves_one_server_so_and_no_second_one() {
    play(0, async {
        let stage = with_history(&[8140, 8081], 5).await;
        let run = stage.layer.begin_run(OnLoss::Cross);
        let node = stage.ask_in(&run, Errand::Node).await;
        assert_eq!(node.result.unwrap().failed[0].verdict, STUCK);
        let query = stage.ask_in(&run, Errand::Query).await;
        assert!(query.took >= seconds(60), "{query:?}");
        let served = query.result.unwrap();
        assert_ne!(served.failed[0].verdict, STUCK);
        // The next run may leave one again.
        let run = stage.layer.begin_run(OnLoss::Cross);
        let query = stage.ask_in(&run, Errand::Query).await;
        assert!(query.took <= seconds(200), "{query:?}");
    });
}

#[test]
fn without_history_it_is_waited_for() {
    play(0, async {
        let silent = Script::always(Condition::WorkSilent);
        let stage = Stage::new(Policy::default(), &[("master.test:8140", silent)]);
        let outcome = stage.ask(Errand::Node).await;
        assert!(outcome.took >= seconds(180), "{outcome:?}");
    });
}

/// A good status does not bring work back to where it was silent; work itself does. The probe that the
/// server is silent to ends in time for another one.
#[test]
fn only_work_brings_it_back_and_soon() {
    let policy = Policy {
        trip: Trip {
            bench_most: seconds(5),
            ..Trip::default()
        },
        failback: Failback::Hysteresis(Hysteresis {
            spread: Duration::ZERO,
            ..Hysteresis::default()
        }),
        ..Policy::default()
    };
    play(0, async {
        let script = Script::default()
            .then(seconds(60), Condition::WorkSilent)
            .then(seconds(100), Condition::Well(AT_ONCE));
        let stage = Stage::new(policy, &[("master.test:8140", script)]);
        for _ in 0..5 {
            stage.ask(Errand::Node).await.result.unwrap();
        }
        tokio::time::sleep(seconds(60)).await;
        stage.ask(Errand::Node).await.result.unwrap();
        while stage.world.now() < seconds(100) {
            let outcome = stage.ask(Errand::Node).await;
            assert_eq!(outcome.role(), Some(Role::Replica));
            assert!(outcome.took < millis(50), "{outcome:?}");
            tokio::time::sleep(seconds(5)).await;
        }
        // One probe may take twice the time of the cut request; then come an interval and the dwell.
        while stage.world.now() < seconds(100 + 20 + 10 + 30 + 15) {
            stage.ask(Errand::Node).await.result.unwrap();
            tokio::time::sleep(seconds(5)).await;
        }
        assert_eq!(stage.holder().host(), MASTER);
    });
}
