//! A server that lost its place is asked by one probe at a time.

use proptest::prelude::*;
use standin::{Policy, Role};

use crate::journal::{Counted, What};
use crate::script::{Condition, Script, any_condition, millis, script, seconds};
use crate::stage::{Errand, MASTER, Stage, cases, play};

const SERVER: &str = "master.test:8140";

proptest! {
    #![proptest_config(cases(150))]

    /// Requests are so far apart that none is under way when the next begins, and only one class of
    /// the server is asked for: all questions of its status that overlap would be probes, but for the
    /// one of a request that waits there.
    #[test]
    fn however_many_ask_for_it(
        script in script(any_condition()),
        bursts in prop::collection::vec((0u64..20_000, 1usize..20), 1..12),
        seed: u64,
    ) {
        play(seed, async {
            let stage = Stage::new(Policy::default(), &[(SERVER, script)]);
            // The master lost its place, and the replica answers at once.
            for (pause, callers) in bursts {
                tokio::time::sleep(millis(pause)).await;
                let asking = (0..callers).map(|_| stage.ask(Errand::Node));
                let outcomes = futures_util::future::join_all(asking).await;
                let waits = outcomes.iter().any(|outcome| outcome.took > seconds(2));
                let status = stage.world.journal().gauge(SERVER, Counted::Status);
                prop_assert!(status.most <= 1 || waits, "{status:?}");
                prop_assert!(status.most <= 2, "{status:?}");
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_probe_that_hangs_keeps_others_out_until_it_ends() {
    play(0, async {
        let script = Script::always(Condition::Refused).then(seconds(4), Condition::Silent);
        let stage = Stage::new(Policy::default(), &[(SERVER, script)]);
        let mut asked = Vec::new();
        while stage.world.now() < seconds(120) {
            let outcome = stage.ask(Errand::Node).await;
            assert_eq!(outcome.role(), Some(Role::Replica));
            tokio::time::sleep(millis(100)).await;
        }
        for event in stage.world.journal().events() {
            if event.what == What::Asked && event.server.starts_with(MASTER) {
                asked.push(event.at);
            }
        }
        assert!(asked.len() >= 3, "{asked:?}");
        for pair in asked.windows(2) {
            assert!(pair[1] - pair[0] >= seconds(5), "{asked:?}");
        }
        let status = stage.world.journal().gauge(SERVER, Counted::Status);
        assert_eq!(status.most, 1);
    });
}
