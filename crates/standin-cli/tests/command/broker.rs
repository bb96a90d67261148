//! The choice of a broker, and what happens to the association.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use standin_lab::{Fault, Flaw, PcpEvent, Service, Target};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::bench::{Bench, Said, standin};

const CLIENT: &str = "pcp://agent.test/standin";

/// More than the spread of a loss and the pause after it.
const LONG: Duration = Duration::from_secs(60);

/// A command that goes on until it is interrupted.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Following {
    fn begin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        Self {
            child,
            lines: BufReader::new(out).lines(),
            said: String::new(),
        }
    }

    /// Waits until it has said these words.
    async fn says(&mut self, words: &str) {
        loop {
            let line = timeout(LONG, self.lines.next_line()).await;
            let Ok(Ok(Some(line))) = line else {
                panic!("{words:?} is not in {}", self.said);
            };
            self.said += &line;
            self.said += "\n";
            if line.contains(words) {
                return;
            }
        }
    }

    /// As Ctrl-C does.
    async fn interrupt(mut self) -> Said {
        let pid = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(killed.success());
        while let Some(line) = timeout(LONG, self.lines.next_line())
            .await
            .unwrap()
            .unwrap()
        {
            self.said += &line;
            self.said += "\n";
        }
        let output = self.child.wait_with_output().await.unwrap();
        Said {
            code: output.status.code(),
            out: self.said,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn lines(said: &Said) -> Vec<Value> {
    let lines = said.out.lines();
    lines
        .map(|line| serde_json::from_str(line).expect(&said.err))
        .collect()
}

fn named<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_the_list_is_chosen_when_all_is_well() {
    let bench = Bench::new().await;
    let said = bench.run(&["broker", "--for", "3"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "pcp://agent.test/standin may associate with, in order",
            "  master.test:8142   master   wss://master.test:8142/pcp2/standin",
            "  replica.test:8142  replica  wss://replica.test:8142/pcp2/standin",
        ]
    );
    let associated = "  associated with master.test:8142, the first of the list";
    assert!(lines[3].ends_with(associated), "{said:?}");
    let ended = lines.last().unwrap();
    assert!(
        ended.contains("  ended, associated with master.test:8142 for "),
        "{said:?}"
    );
    let receipts = bench.lab.journal().pcp();
    assert!(
        receipts.iter().all(|receipt| receipt.client == CLIENT),
        "{receipts:?}"
    );
    assert_eq!(receipts[0].event, PcpEvent::Associated);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_an_object_a_line() {
    let bench = Bench::new().await;
    let said = bench.run(&["broker", "--for", "3", "--json"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines = lines(&said);
    assert_eq!(lines[0]["event"], "brokers");
    assert_eq!(lines[0]["client"], CLIENT);
    let master = json!({
        "server": "master.test:8142",
        "role": "master",
        "uri": "wss://master.test:8142/pcp2/standin",
    });
    assert_eq!(lines[0]["brokers"][0], master);
    assert_eq!(lines[1]["event"], "associated");
    assert_eq!(lines[1]["server"], "master.test:8142");
    assert_eq!(lines[1]["why"], "the first of the list");
    let at: Vec<f64> = lines
        .iter()
        .map(|line| line["at"].as_f64().unwrap())
        .collect();
    assert!(at.is_sorted() && *at.last().unwrap() >= 3.0, "{at:?}");
    let end = lines.last().unwrap();
    assert_eq!(end["event"], "ended");
    assert_eq!(end["association"]["server"], "master.test:8142");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_is_the_reason_for_the_next_and_the_next_command_knows() {
    let bench = Bench::new().await;
    let _fault = bench.fail(Service::PcpBroker, Fault::Refuse).await;
    // Long enough for the association to count.
    let said = bench.run(&["broker", "--for", "11.5", "--json"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = lines(&said);
    assert_eq!(named(&told, "stable").len(), 1, "{said:?}");
    let associated = named(&told, "associated")[0];
    assert_eq!(associated["server"], "replica.test:8142");
    let why = associated["why"].as_str().unwrap();
    assert!(
        why.starts_with("after master.test:8142 (master): refused"),
        "{why}"
    );

    let said = bench.run(&["broker", "--for", "3", "--json"]).await;
    let told = lines(&said);
    let associated = named(&told, "associated")[0];
    assert_eq!(associated["server"], "replica.test:8142");
    assert_eq!(associated["failed"], json!([]), "{said:?}");
    let why = associated["why"].as_str().unwrap();
    assert!(
        why.starts_with("before which the list has master.test:8142 (master, "),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_followed_until_ctrl_c() {
    let bench = Bench::new().await;
    let mut following = Following::begin(bench.command(&["broker"]));
    following
        .says("  associated with master.test:8142, the first of the list")
        .await;
    let master = bench.lab.master().broker();
    let controller = master.controller("c.test").unwrap();
    controller.send(CLIENT, "test/ask", json!({}));
    following
        .says("  got test/ask from pcp://c.test/controller")
        .await;
    master.evict();
    following
        .says("code 1011: \"All controllers disconnected.\"; again in ")
        .await;
    let why = "before which the list has master.test:8142 (master, left";
    let moved = format!("  associated with replica.test:8142, {why}");
    following.says(&moved).await;
    bench.lab.replica().broker().reload_crl().await;
    following
        .says("code 1012: \"CRL reloaded\"; again in ")
        .await;
    following
        .says("  associated with replica.test:8142, ")
        .await;
    let said = following.interrupt().await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let ended = said.out.lines().last().unwrap();
    assert!(
        ended.contains("  ended, associated with replica.test:8142 for "),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_broker_it_ends_with_14() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::Refuse).await;
    let said = bench.run(&["broker", "--for", "3"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(14), ""), "{said:?}");
    for words in [
        "every broker was tried",
        "master.test:8142: refused",
        "ended, not associated",
    ] {
        assert!(said.out.contains(words), "{words}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_refused_ends_with_12() {
    let bench = Bench::new().await;
    for host in bench.lab.hosts() {
        host.broker().deny("agent.test");
    }
    let said = bench.run(&["broker", "--for", "3", "--json"]).await;
    assert_eq!(said.code, Some(12), "{said:?}");
    let told = lines(&said);
    let why = named(&told, "misconfigured")[0]["reason"].as_str().unwrap();
    assert!(why.contains("4002"), "{why}");
    assert_eq!(told.last().unwrap()["association"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_trust_it_ends_with_12() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::Untrusted(Flaw::Expired)).await;
    let said = bench.run(&["broker", "--for", "3"]).await;
    assert_eq!(said.code, Some(12), "{said:?}");
    assert!(said.out.contains("misconfigured"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_is_passed_over() {
    let bench = Bench::new().await;
    let master = Target::Host("master.test");
    let _fault = bench.lab.fault(master, Fault::BlackHole).await.unwrap();
    let said = bench.run(&["broker", "--for", "8", "--json"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = lines(&said);
    let associated = named(&told, "associated")[0];
    assert_eq!(associated["server"], "replica.test:8142");
    let why = associated["why"].as_str().unwrap();
    assert!(
        why.starts_with("after master.test:8142 (master): "),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_closes_the_pipe_has_read_enough() {
    let bench = Bench::new().await;
    let mut following = Following::begin(bench.command(&["broker"]));
    following.says("may associate with").await;
    let Following {
        mut child, lines, ..
    } = following;
    drop(lines);
    // At the latest when the association is stable there is something to write.
    let ended = timeout(LONG, child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn a_type_that_is_the_brokers_own_is_refused() {
    let said = crate::bench::said(standin(&["broker", "--type", "server"])).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("the brokers' own"), "{said:?}");
}
