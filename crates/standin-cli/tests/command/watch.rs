//! The live screen, at a terminal.

use standin_lab::{Fault, Service};

use crate::bench::Bench;
use crate::pty::AtTerminal;

const LEAVES_THE_SCREEN: &str = "\u{1b}[?1049l";

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_seen_as_it_happens_and_q_leaves() {
    let bench = Bench::new().await;
    let command = bench.command(&["watch", "-v", "--interval", "0.5"]);
    let mut terminal = AtTerminal::spawn(command);
    terminal = wait_for(terminal, "running").await;
    let _fault = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    terminal = wait_for(terminal, "refused").await;
    terminal = wait_for(terminal, "moved").await;
    terminal.press("q");
    let ended = tokio::task::spawn_blocking(|| terminal.ended());
    let (status, said) = ended.await.unwrap();
    assert!(status.success(), "{said:?}");
    assert!(said.contains(LEAVES_THE_SCREEN), "{said:?}");
    assert!(!said.contains("* connecting"), "{said:?}");
}

async fn wait_for(mut terminal: AtTerminal, text: &'static str) -> AtTerminal {
    let waiting = tokio::task::spawn_blocking(move || {
        terminal.wait_for(text);
        terminal
    });
    waiting.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_is_refused() {
    let bench = Bench::new().await;
    let said = bench.run(&["watch"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("standin status --json"), "{said:?}");
    let said = bench.run(&["watch", "--interval", "0.1"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("0.5 or more"), "{said:?}");
}
