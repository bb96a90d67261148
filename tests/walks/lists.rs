//! Lists change while requests are under way, and none is lost.

use std::time::Duration;

use futures_util::future::{join, join_all};
use proptest::prelude::*;
use standin::{Installation, Policy, Role, Server, ServerList, Service};

use crate::script::{AT_ONCE, Condition, Script, millis, seconds};
use crate::stage::{Cast, Errand, Stage, cases, name, play};

const SERVERS: usize = 5;

/// Some of the servers, in some order.
fn lists() -> impl Strategy<Value = Vec<usize>> {
    (
        Just((0..SERVERS).collect::<Vec<_>>()).prop_shuffle(),
        1..=SERVERS,
    )
        .prop_map(|(all, count)| {
            let mut some = all;
            some.truncate(count);
            some
        })
}

fn installation(places: &[usize]) -> Installation {
    let servers = places.iter().enumerate().map(|(at, place)| {
        let role = if at == 0 { Role::Master } else { Role::Replica };
        (Server::parse(&name(*place), 8140).unwrap(), role)
    });
    let list = ServerList::with_roles(servers).unwrap();
    Installation::new().with(Service::PuppetServer, list)
}

fn cast(work: Duration, down: Option<usize>) -> Cast {
    let script = |place| match Some(place) == down {
        true => Condition::Refused,
        false => Condition::Well(work),
    };
    let scripts = (0..SERVERS).map(|place| Script::always(script(place)));
    scripts.map(|script| (Role::Pool, script)).collect()
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn requests_under_way_finish_where_they_are(
        changes in prop::collection::vec((0u64..500, lists()), 1..10),
        requests in prop::collection::vec(0u64..3000, 1..30),
        work in 1u64..1500,
        seed: u64,
    ) {
        play(seed, async {
            let stage = Stage::cast(Policy::default(), &cast(millis(work), None));
            let asking = requests.iter().map(|pause| {
                let stage = &stage;
                async move {
                    tokio::time::sleep(millis(*pause)).await;
                    stage.ask(Errand::Node).await
                }
            });
            let changing = async {
                for (pause, places) in &changes {
                    tokio::time::sleep(millis(*pause)).await;
                    stage.layer.set_installation(&installation(places)).unwrap();
                }
            };
            let (outcomes, ()) = join(join_all(asking), changing).await;
            for outcome in outcomes {
                let served = outcome.result.map_err(|error| error.report());
                let served = served.expect("an answer");
                prop_assert!(served.failed.is_empty(), "{served:?}");
            }
            // Whoever asks now asks the list of now.
            let (_, places) = changes.last().unwrap();
            let served = stage.ask(Errand::Node).await.result.unwrap();
            let listed = places.iter().any(|place| served.server.authority() == name(*place));
            prop_assert!(listed, "{served:?}");
            Ok(())
        })?;
    }

    #[test]
    fn what_is_known_of_a_server_stays_known_wherever_it_stands(
        places in lists(),
        down in 0..SERVERS,
        seed: u64,
    ) {
        prop_assume!(places.len() > 1);
        play(seed, async {
            let stage = Stage::cast(Policy::default(), &cast(AT_ONCE, Some(down)));
            let first: Vec<_> = std::iter::once(down).chain((0..SERVERS).filter(|p| *p != down)).collect();
            stage.layer.set_installation(&installation(&first)).unwrap();
            stage.ask(Errand::Node).await.result.unwrap();
            stage.layer.set_installation(&installation(&places)).unwrap();
            // It is benched, so nobody pays for it again.
            let served = stage.ask(Errand::Node).await.result.unwrap();
            prop_assert!(served.failed.is_empty(), "{served:?}");
            tokio::time::sleep(seconds(1)).await;
            Ok(())
        })?;
    }
}
