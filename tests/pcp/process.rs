//! The example as a whole process: a real agent between the lab's brokers.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use standin_lab::{Controller, Fault, Lab, Message, PcpEvent, Service, Target};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::agent::{LONG, MASTER, REPLICA, URI};

const REQUEST: &str = "http://puppetlabs.com/rpc_blocking_request";

struct Process {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(lab: &Lab) -> Self {
        let mut command = Command::new(example().await);
        command.arg("--confdir").arg(lab.conf_dir());
        for (host, address) in lab.resolve() {
            command.args(["--resolve", &format!("{host}:{address}")]);
        }
        let command = command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        Self {
            child,
            events: BufReader::new(stdout).lines(),
        }
    }

    /// The next event of this kind.
    async fn event(&mut self, kind: &str) -> Value {
        let found = async {
            loop {
                let line = self.events.next_line().await.unwrap().unwrap();
                let event: Value = serde_json::from_str(&line).unwrap();
                if event["event"] == kind {
                    return event;
                }
            }
        };
        timeout(LONG, found).await.expect("it happens soon")
    }

    /// Ends it as an init system does, and waits until it has.
    async fn terminate(&mut self) {
        let id = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(killed.unwrap().success());
        let status = timeout(LONG, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Builds the example, which `cargo test --test pcp` alone does not, and says where it is.
async fn example() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--example", "pxp_agent"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .await;
    assert!(built.unwrap().success());
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().nth(2).unwrap();
    target.join("examples/pxp_agent")
}

/// Asks for an action in a transaction of its own: an answer whose broker died may come twice.
async fn ask(controller: &mut Controller, module: &str, action: &str, params: Value) -> Message {
    static TRANSACTIONS: AtomicUsize = AtomicUsize::new(0);
    let transaction = TRANSACTIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let data = json!({ "transaction_id": transaction, "module": module, "action": action,
        "params": params });
    let answer = controller.request(URI, REQUEST, data);
    timeout(LONG, answer)
        .await
        .expect("an answer")
        .expect("it lives")
}

/// Answers a ping and a blocking request by way of this host's broker.
async fn works(lab: &Lab, host: &str) {
    let hosts = lab.hosts();
    let host = hosts.iter().find(|other| other.name() == host).unwrap();
    let broker = host.broker();
    timeout(LONG, broker.associated(URI)).await.expect("soon");
    let mut controller = broker.controller("controller.test").unwrap();
    let pong = ask(&mut controller, "ping", "ping", json!({})).await;
    assert_eq!(
        pong.message_type,
        "http://puppetlabs.com/rpc_blocking_response"
    );
    assert_eq!(pong.data.unwrap()["results"], json!({}));
    let params = json!({ "argument": "maggie" });
    let echo = ask(&mut controller, "echo", "echo", params).await;
    assert_eq!(
        echo.data.unwrap()["results"],
        json!({ "outcome": "maggie" })
    );
}

#[tokio::test]
async fn it_answers_moves_and_ends_in_good_order() {
    let lab = Lab::builder().start().await.unwrap();
    let mut agent = Process::start(&lab).await;
    works(&lab, MASTER).await;
    assert_eq!(
        agent.event("associated").await["server"],
        "master.test:8142"
    );

    let target = Target::Service(MASTER, Service::PcpBroker);
    let down = lab.fault(target, Fault::Refuse).await.unwrap();
    works(&lab, REPLICA).await;
    let lost = agent.event("lost").await;
    assert_eq!(lost["server"], "master.test:8142");
    assert!(lost["again_in"].as_f64().unwrap() <= 10.0);
    let moved = agent.event("moved").await;
    assert_eq!(moved["to"], "replica.test:8142");
    down.lift().await;

    agent.terminate().await;
    lab.replica().broker().wait_for(<[String]>::is_empty).await;
    let receipts = lab.journal().pcp();
    let malformed = receipts
        .iter()
        .filter(|receipt| receipt.event == PcpEvent::Malformed);
    assert_eq!(malformed.count(), 0);
}

#[tokio::test]
async fn it_says_what_is_wrong_with_a_request() {
    let lab = Lab::builder().start().await.unwrap();
    let _agent = Process::start(&lab).await;
    let broker = lab.master().broker();
    timeout(LONG, broker.associated(URI)).await.expect("soon");
    let mut controller = broker.controller("controller.test").unwrap();
    for (module, action, words) in [
        (
            "pxp-module-puppet",
            "run",
            "unknown module pxp-module-puppet",
        ),
        ("ping", "pong", "unknown action pong of ping"),
        ("echo", "echo", "echo wants an argument"),
    ] {
        let error = ask(&mut controller, module, action, json!({})).await;
        assert_eq!(
            error.message_type,
            "http://puppetlabs.com/rpc_error_message"
        );
        assert_eq!(error.data.unwrap()["description"], words);
    }
    let nonsense = controller.request(URI, REQUEST, json!({ "module": "ping" }));
    let error = timeout(Duration::from_secs(30), nonsense)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(error.message_type, "http://puppetlabs.com/error_message");
    let words = error.data.unwrap().as_str().unwrap().to_owned();
    assert!(words.contains("missing field `transaction_id`"), "{words}");
}
