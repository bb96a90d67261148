//! The next process begins where the last one ended.

use std::path::Path;

use standin::{FailoverLayer, MemoryFile, Policy, Role};

use crate::script::{AT_ONCE, Condition, Script, millis, seconds};
use crate::stage::{AGENT, Errand, Stage, installation, play};

fn layer(path: &Path) -> FailoverLayer {
    let layer = FailoverLayer::builder(installation()).agent(AGENT);
    layer.memory(path).build().unwrap()
}

#[test]
fn a_black_hole_is_paid_for_by_the_first_process_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(MemoryFile::NAME);
    let hole = Script::always(Condition::BlackHole);
    let scripts = [
        ("master.test:8140", hole.clone()),
        ("master.test:8081", hole),
    ];
    play(0, async {
        let first = Stage::new(Policy::default(), &scripts).next_process(layer(&path));
        let outcome = first.ask(Errand::Node).await;
        assert_eq!(outcome.role(), Some(Role::Replica));
        assert!(outcome.took >= seconds(2), "{outcome:?}");
        first.layer.remember().await.unwrap();
    });
    play(1, async {
        let next = Stage::new(Policy::default(), &scripts).next_process(layer(&path));
        let outcome = next.ask(Errand::Node).await;
        assert_eq!(outcome.role(), Some(Role::Replica));
        assert!(outcome.took <= millis(12), "{outcome:?}");
    });
}

#[test]
fn what_is_usual_is_known_to_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(MemoryFile::NAME);
    play(0, async {
        let well = Script::always(Condition::Well(AT_ONCE));
        let first = Stage::new(Policy::default(), &[("master.test:8140", well)]);
        let first = first.next_process(layer(&path));
        first.ask(Errand::Node).await.result.unwrap();
        first.layer.remember().await.unwrap();
    });
    play(1, async {
        let stuck = Script::always(Condition::WorkSilent);
        let next = Stage::new(Policy::default(), &[("master.test:8140", stuck)]);
        let outcome = next.next_process(layer(&path)).ask(Errand::Node).await;
        assert_eq!(outcome.role(), Some(Role::Replica));
        assert!(outcome.took <= millis(10_500), "{outcome:?}");
    });
}
