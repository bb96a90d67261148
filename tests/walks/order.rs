//! The listed order is never lost, and there is always somebody to try.

use proptest::prelude::*;
use standin::policy::Failback;
use standin::{Policy, Role, Server, State, Target};

use crate::journal::What;
use crate::script::{any_condition, millis, script, steady, unprocessed};
use crate::stage::{Cast, Errand, Stage, cases, name, play, roles};

/// Nobody is asked beside the request, so that all that is tried is tried for it.
fn policy() -> Policy {
    Policy {
        failback: Failback::Never,
        ..Policy::default()
    }
}

fn cast() -> impl Strategy<Value = Cast> {
    prop::collection::vec(steady(unprocessed()), 1..6).prop_map(|scripts| {
        let roles = roles(scripts.len(), false);
        roles.into_iter().zip(scripts).collect()
    })
}

fn changing() -> impl Strategy<Value = Cast> {
    prop::collection::vec(script(any_condition()), 1..6).prop_map(|scripts| {
        let roles: Vec<Role> = roles(scripts.len(), true);
        roles.into_iter().zip(scripts).collect()
    })
}

/// The servers that were tried from the event at `since` on, each at its first try.
fn tried(stage: &Stage, since: usize) -> Vec<String> {
    let mut tried = Vec::new();
    for event in stage.world.journal().events().split_off(since) {
        let is_new = !tried.contains(&event.server);
        if is_new && matches!(event.what, What::Connecting | What::Taken) {
            tried.push(event.server);
        }
    }
    tried
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_client_that_knows_nothing_tries_the_list_from_its_beginning(cast in cast(), seed: u64) {
        play(seed, async {
            let stage = Stage::cast(policy(), &cast);
            let _ = stage.ask(Errand::Node).await;
            let listed: Vec<_> = (0..cast.len()).map(name).collect();
            let tried = tried(&stage, 0);
            prop_assert!(!tried.is_empty());
            prop_assert_eq!(&tried[..], &listed[..tried.len()]);
            Ok(())
        })?;
    }

    #[test]
    fn whatever_was_learned_the_holder_is_first_and_the_list_keeps_its_order(
        cast in changing(),
        pauses in prop::collection::vec(0u64..20_000, 1..20),
        seed: u64,
    ) {
        play(seed, async {
            let stage = Stage::cast(policy(), &cast);
            for pause in pauses {
                tokio::time::sleep(millis(pause)).await;
                let class = &stage.layer.snapshot().classes[0];
                let is_benched = |state| matches!(state, State::Benched | State::Probing);
                // Who is benched, or asked to be left alone, has its turn later.
                let is_late = |authority: &String| {
                    let mut entries = class.entries.iter();
                    let entry = entries.find(|entry| entry.server.authority() == *authority);
                    let entry = entry.unwrap();
                    is_benched(entry.server_state)
                        || is_benched(entry.service_state)
                        || entry.busy_for.is_some()
                };
                let mut expected: Vec<_> = (0..cast.len()).map(name).collect();
                let holder = class.holder.authority().to_owned();
                expected.retain(|server| *server != holder);
                expected.insert(0, holder);
                expected.retain(|server| !is_late(server));
                let since = stage.world.journal().events().len();
                let _ = stage.ask(Errand::Node).await;
                // A connection that an earlier request left behind may end meanwhile; none begins.
                let mut tried = tried(&stage, since);
                prop_assert!(!tried.is_empty(), "nobody was tried");
                tried.retain(|server| !is_late(server));
                prop_assert_eq!(&tried[..], &expected[..tried.len()]);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_benched_come_last_in_their_order(
        cast in cast(),
        benched in prop::collection::vec(any::<bool>(), 6),
        seed: u64,
    ) {
        play(seed, async {
            let stage = Stage::cast(policy(), &cast);
            let (last, mut expected): (Vec<_>, Vec<_>) =
                (0..cast.len()).map(name).enumerate().partition(|(place, _)| benched[*place]);
            for (_, server) in &last {
                let server = Server::parse(server, 8140).unwrap();
                stage.layer.force_down(&Target::Server(server));
            }
            expected.extend(last);
            let expected: Vec<_> = expected.into_iter().map(|(_, name)| name).collect();
            let _ = stage.ask(Errand::Node).await;
            let tried = tried(&stage, 0);
            prop_assert!(!tried.is_empty());
            prop_assert_eq!(&tried[..], &expected[..tried.len()]);
            Ok(())
        })?;
    }
}
