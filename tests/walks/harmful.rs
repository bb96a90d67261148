//! What may not arrive twice is received whole by one server at most.

use proptest::prelude::*;
use standin::{ErrorKind, Policy};
use std::collections::BTreeMap;

use crate::journal::What;
use crate::script::{Script, any_condition, millis, script};
use crate::stage::{Errand, MASTER, REPLICA, Stage, cases, installation, play};

/// A script for each server of master and replica.
fn scripts() -> impl Strategy<Value = BTreeMap<String, Script>> {
    let ports = [8140, 8081, 4433, 8170];
    let servers: Vec<String> = [MASTER, REPLICA]
        .iter()
        .flat_map(|host| ports.map(|port| format!("{host}:{port}")))
        .collect();
    prop::collection::vec(script(any_condition()), servers.len())
        .prop_map(move |scripts| servers.iter().cloned().zip(scripts).collect())
}

fn errands() -> impl Strategy<Value = Vec<(u64, Errand)>> {
    let errand = prop::sample::select(&Errand::ALL[..]);
    prop::collection::vec((0u64..20_000, errand), 1..20)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn whatever_happens(scripts in scripts(), errands in errands(), seed: u64) {
        play(seed, async {
            let stage = Stage::with(installation(), Policy::default(), scripts, BTreeMap::new());
            for (number, (pause, errand)) in errands.into_iter().enumerate() {
                tokio::time::sleep(millis(pause)).await;
                let outcome = stage.send(errand.request(number)).await;
                let mark = format!("number={number}");
                let got = |what: &What| matches!(what, What::Got(path) if path.ends_with(&mark));
                let whole = stage.world.journal().servers_where(got);
                if Errand::HARMFUL.contains(&errand) {
                    prop_assert!(whole.len() <= 1, "{errand:?} at {whole:?}");
                }
                if errand.is_for_the_master_only() {
                    prop_assert!(whole.iter().all(|server| server.starts_with(MASTER)));
                }
                if let Err(error) = &outcome.result
                    && error.kind() == ErrorKind::NotDuringFailover
                {
                    prop_assert!(whole.is_empty(), "said not to be processed: {}", error.report());
                }
            }
            Ok(())
        })?;
    }
}
