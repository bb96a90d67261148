use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use standin::{Installation, Server, Service, Snapshot, State as Health};

use super::*;
use crate::status::State;

const START: Moment = Moment::from_nanos(1_000_000_000_000);

/// A model of a master and its replica, of which all is well.
fn well() -> (Model, Snapshot) {
    let installation = Installation::of_hosts("master.test", Some("replica.test")).unwrap();
    let mut model = Model::new(&installation);
    let snapshot = standin_core::Health::new(&installation, standin::Policy::default(), 0);
    let snapshot = snapshot.snapshot(START);
    model.health(&snapshot, START, "12:00:00");
    for row in &mut model.rows {
        for cell in row.cells.iter_mut().flatten() {
            cell.state = Some(State::told("running"));
            cell.since = Some(START);
        }
    }
    (model, snapshot)
}

fn screen(model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let view = View {
        now: START + Duration::from_secs(75),
        time: "12:01:15",
        interval: Duration::from_secs(2),
        colours: Colours::On,
    };
    terminal.draw(|frame| draw(frame, model, &view)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let lines = buffer.content.chunks(usize::from(width)).map(|cells| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

/// The classifier of the master has failed, and its replica's has taken over.
fn failed_over() -> Model {
    let (mut model, mut snapshot) = well();
    let at = START + Duration::from_secs(70);
    let [master, replica] = ["master.test", "replica.test"]
        .map(|host| Server::new(host, Service::NodeClassifier.port()).unwrap());
    for second in 60..70 {
        let then = START + Duration::from_secs(second);
        model.served(
            Service::PuppetServer,
            &Server::new("master.test", 8140).unwrap(),
            then,
        );
    }
    let rows = model.rows.iter_mut();
    for row in rows.filter(|row| row.service == Service::NodeClassifier) {
        let cell = row.cells[0].as_mut().unwrap();
        cell.state = Some(State::unanswered(standin::Verdict::Unreached(
            standin::verdict::Unreached::TimedOut,
        )));
    }
    let class = snapshot
        .classes
        .iter_mut()
        .find(|class| class.class == "classifier")
        .unwrap();
    class.holder = replica.clone();
    let master = class
        .entries
        .iter_mut()
        .find(|entry| entry.server == master);
    master.unwrap().server_state = Health::Benched;
    model.health(&snapshot, at, "12:01:10");
    model.served(Service::NodeClassifier, &replica, at);
    model
}

#[test]
fn a_failover_as_it_looks_in_80_columns_and_24_lines() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/golden/watch.txt");
    let shown = screen(&failed_over(), 80, 24);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(shown, fs::read_to_string(&golden).unwrap(), "\n{shown}");
}

#[test]
fn what_does_not_fit_is_left_out_and_nothing_breaks() {
    let model = failed_over();
    for (width, height) in [(1, 1), (20, 3), (40, 10), (79, 23), (200, 60)] {
        screen(&model, width, height);
    }
    let narrow = screen(&model, 60, 24);
    assert!(narrow.contains(", host 1 of 2"), "{narrow}");
    assert!(!narrow.contains("replica.test (replica)"), "{narrow}");
}

#[test]
fn hosts_that_do_not_fit_are_a_key_away() {
    let mut model = failed_over();
    model.right();
    let moved = screen(&model, 60, 24);
    assert!(moved.contains("replica.test (replica)"), "{moved}");
    model.right();
    assert_eq!(screen(&model, 60, 24), moved);
    model.left();
    assert!(screen(&model, 60, 24).contains("master.test (master)"));
}

#[test]
fn the_newest_event_is_the_first() {
    let model = failed_over();
    let stories: Vec<&str> = model
        .events
        .iter()
        .map(|event| event.story.as_str())
        .collect();
    assert_eq!(
        stories,
        [
            "classifier moved from master.test:4433 to replica.test:4433",
            "classifier at master.test:4433: ready -> benched",
        ]
    );
}
