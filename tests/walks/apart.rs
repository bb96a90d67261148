//! Evidence of one port moves no other, and evidence of one service moves no other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use standin::{Policy, Role, Service};

use crate::script::{Condition, Script, any_condition, millis, script, seconds};
use crate::stage::{Errand, MASTER, Stage, cases, installation, play};

/// What is struck at the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Struck {
    Port(u16),
    Service(Service),
}

impl Struck {
    fn spares(self, errand: Errand) -> bool {
        match self {
            Self::Port(port) => errand.service().port() != port,
            Self::Service(service) => errand.service() != service,
        }
    }
}

/// 8140 is shared by Puppet Server and the certificate authority, 4433 by the classifier and RBAC.
fn struck() -> impl Strategy<Value = Struck> {
    prop_oneof![
        prop::sample::select(&[8140, 8081, 4433, 8170][..]).prop_map(Struck::Port),
        prop::sample::select(
            &[
                Service::PuppetServer,
                Service::CertificateAuthority,
                Service::NodeClassifier,
                Service::Rbac,
                Service::PuppetDb,
            ][..]
        )
        .prop_map(Struck::Service),
    ]
}

/// What a service can do on its own, while its server is well.
fn of_a_service() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::NotReady),
        Just(Condition::WorkSilent),
        Just(Condition::Lost),
        (0u8..20).prop_map(Condition::Busy),
        Just(Condition::Well(seconds(1))),
    ]
}

fn errands() -> impl Strategy<Value = Vec<(u64, Errand)>> {
    let errand = prop::sample::select(&Errand::ALL[..]);
    prop::collection::vec((0u64..10_000, errand), 1..30)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_is_not_struck_stays_at_the_master_and_fails_nowhere(
        struck in struck(),
        at_a_port in script(any_condition()),
        at_a_service in script(of_a_service()),
        errands in errands(),
        seed: u64,
    ) {
        play(seed, async {
            let (mut servers, mut services) = (BTreeMap::new(), BTreeMap::new());
            let server = |port: u16| format!("{MASTER}:{port}");
            match struck {
                Struck::Port(port) => drop(servers.insert(server(port), at_a_port)),
                Struck::Service(service) => {
                    drop(services.insert((server(service.port()), service), at_a_service));
                }
            }
            let stage = Stage::with(installation(), Policy::default(), servers, services);
            for (pause, errand) in errands {
                tokio::time::sleep(millis(pause)).await;
                let outcome = stage.ask(errand).await;
                if struck.spares(errand) {
                    let served = outcome.result.as_ref();
                    let served = served.map_err(standin::Error::report);
                    let served = served.expect("it is not struck");
                    prop_assert_eq!(served.role, Role::Master, "{:?}", errand);
                    prop_assert!(served.failed.is_empty(), "{errand:?}: {served:?}");
                    prop_assert!(outcome.took < millis(100), "{errand:?}: {served:?}");
                }
            }
            Ok(())
        })?;
    }

    /// Only the master has a certificate authority, so it is asked again and again.
    #[test]
    fn however_often_a_service_fails_its_neighbour_at_the_port_stays(
        condition in of_a_service(),
        failures in prop::collection::vec(1usize..12, 1..6),
        seed: u64,
    ) {
        play(seed, async {
            let struck = (format!("{MASTER}:8140"), Service::CertificateAuthority);
            let services = BTreeMap::from([(struck, Script::always(condition))]);
            let stage = Stage::with(installation(), Policy::default(), BTreeMap::new(), services);
            for count in failures {
                for _ in 0..count {
                    let _ = stage.ask_within(seconds(3), Errand::CertificateRequest).await;
                }
                let served = stage.ask(Errand::Node).await.result.unwrap();
                prop_assert_eq!(served.role, Role::Master);
                prop_assert!(served.failed.is_empty(), "{served:?}");
            }
            Ok(())
        })?;
    }
}

/// A host of which two ports are silent is suspect as a whole, and still its well ports are used.
#[test]
fn the_ports_of_a_suspect_host_are_raced_and_not_skipped() {
    play(0, async {
        let hole = Script::always(Condition::BlackHole);
        let scripts = [
            ("master.test:8140", hole.clone()),
            ("master.test:8081", hole),
        ];
        let stage = Stage::new(Policy::default(), &scripts);
        for _ in 0..5 {
            for errand in [Errand::Node, Errand::Query, Errand::Classification] {
                let outcome = stage.ask(errand).await;
                let expected = match errand {
                    Errand::Classification => Role::Master,
                    _ => Role::Replica,
                };
                assert_eq!(outcome.role(), Some(expected), "{errand:?}");
            }
            tokio::time::sleep(seconds(11)).await;
        }
    });
}
