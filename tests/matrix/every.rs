//! All rounds.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;

use standin_lab::{Kind, Service};

use crate::client::Clients;
use crate::errand::Errand;
use crate::round::{Came, Phase, Round, Stage};
use crate::strike::{Whom, faults, kind};

fn rounds() -> Vec<Round> {
    let mut rounds = Vec::new();
    for fault in faults() {
        for phase in Phase::ALL {
            for whom in Whom::ALL {
                let fault = fault.clone();
                rounds.push(Round { fault, phase, whom });
            }
        }
    }
    rounds
}

#[test]
fn every_fault_in_every_phase_for_every_operation() {
    let rounds = Mutex::new(rounds());
    let all = Mutex::new(Came::default());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .start_paused(true)
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let stage = Stage::start().await;
                    loop {
                        let next = rounds.lock().unwrap().pop();
                        let Some(round) = next else {
                            break;
                        };
                        let came = stage.play(&round, Clients::standin).await;
                        for complaint in came.judgement.complaints() {
                            println!("{round:?}: {complaint}");
                        }
                        let mut all = all.lock().unwrap();
                        all.judgement.add(came.judgement);
                        all.acknowledged += came.acknowledged;
                    }
                });
            });
        }
    });
    let Came {
        judgement,
        acknowledged,
    } = all.into_inner().unwrap();
    let judged = judgement.judged;
    assert!(judged >= 2_000, "{judged} combinations");
    // A client that does nothing does nothing wrong.
    println!("{acknowledged} acknowledged");
    assert!(acknowledged > judged / 2, "{acknowledged} of {judged}");
    assert!(judgement.is_clean(), "{judged} combinations, {judgement}");
    // Past the test runner, which would keep it to itself.
    writeln!(io::stdout(), "{judged} combinations, {judgement}").unwrap();
}

#[test]
fn the_matrix_is_as_large_as_it_says() {
    let kinds: BTreeSet<String> = faults().iter().map(kind).collect();
    assert!(kinds.len() >= 25, "{kinds:?}");
    for service in Service::ALL {
        let of_it = Errand::ALL
            .iter()
            .filter(|errand| errand.service == service);
        let kinds: BTreeSet<Kind> = of_it.map(|errand| errand.kind).collect();
        let has = match service {
            Service::PcpBroker => vec![],
            Service::PuppetServer | Service::PuppetDb => {
                vec![Kind::Read, Kind::RepeatableWrite, Kind::HarmfulWrite]
            }
            _ => vec![Kind::Read, Kind::HarmfulWrite],
        };
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), has, "{service}");
    }
}
