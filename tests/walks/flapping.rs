//! A primary that goes and comes once a second moves work at most once in each dwell.

use std::time::Duration;

use proptest::prelude::*;
use standin::policy::{Failback, Hysteresis};
use standin::{Policy, Role};

use crate::script::{AT_ONCE, Condition, Script, millis, seconds, unprocessed};
use crate::stage::{Errand, MASTER, Stage, cases, play};

/// No spread, so that work returns as soon as any agent's may.
fn policy() -> Policy {
    Policy {
        failback: Failback::Hysteresis(Hysteresis {
            spread: Duration::ZERO,
            ..Hysteresis::default()
        }),
        ..Policy::default()
    }
}

const DWELL: Duration = Duration::from_secs(30);
const TOLD: Duration = Duration::from_secs(600);
const DWELLS: u64 = TOLD.as_secs() / DWELL.as_secs();

/// Down for half a second and well for half a second, from `phase` on.
fn flapping(condition: Condition, phase: u64) -> Script {
    (0..TOLD.as_secs()).fold(Script::default(), |script, second| {
        let down = seconds(second) + millis(phase);
        script
            .then(down, condition)
            .then(down + millis(500), Condition::Well(AT_ONCE))
    })
}

/// When work moved, and whether away from the master.
async fn moves(stage: &Stage, every: u64) -> Vec<(Duration, Role)> {
    let mut moves = Vec::new();
    let mut holder = stage.holder();
    while stage.world.now() < TOLD {
        let _ = stage.ask(Errand::Node).await;
        tokio::time::sleep(millis(every)).await;
        let now = stage.holder();
        if now != holder {
            let to = match now.host() == MASTER {
                true => Role::Master,
                false => Role::Replica,
            };
            moves.push((stage.world.now(), to));
            holder = now;
        }
    }
    moves
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn work_moves_once_a_dwell_at_most(
        condition in unprocessed(),
        phase in 0u64..1000,
        every in 100u64..700,
        seed: u64,
    ) {
        play(seed, async {
            let scripts = [("master.test:8140", flapping(condition, phase))];
            let stage = Stage::new(policy(), &scripts);
            let moves = moves(&stage, every).await;
            for to in [Role::Master, Role::Replica] {
                let mut there = moves.iter().filter(|(_, role)| *role == to);
                let mut before = there.next();
                for next in there {
                    let apart = before.map_or(Duration::MAX, |before| next.0 - before.0);
                    prop_assert!(apart >= DWELL, "{moves:?}");
                    before = Some(next);
                }
            }
            prop_assert!(moves.len() as u64 <= DWELLS, "{moves:?}");
            Ok(())
        })?;
    }
}

/// Who asks in step with the master might always meet it well.
#[test]
fn nor_is_work_moved_more_often_by_who_asks_in_step_with_the_master() {
    for phase in [0, 250, 600, 999] {
        play(0, async {
            let scripts = [("master.test:8140", flapping(Condition::NotReady, phase))];
            let stage = Stage::new(policy(), &scripts);
            let moves = moves(&stage, 500).await;
            assert!(moves.len() as u64 <= DWELLS, "{moves:?}");
        });
    }
}
