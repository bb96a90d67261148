//! Who the servers are, as the command line says it.

use std::process::Command;

use crate::bench::{Bench, Said, said, standin};

const NODE: [&str; 4] = [
    "request",
    "puppet-server",
    "GET",
    "/puppet/v3/node/agent.test?environment=production",
];

/// A command that knows the agent's certificates and no server.
fn stranger(bench: &Bench, args: &[&str]) -> Command {
    let empty = bench.lab.ssl_dir().join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let mut command = standin(args);
    command.arg("--confdir").arg(empty);
    command.arg("--ssldir").arg(bench.lab.ssl_dir());
    command.args(["--certname", "agent.test"]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_may_be_named_without_a_file() {
    let bench = Bench::new().await;
    let mut command = stranger(&bench, &["status", "--json"]);
    command.args(["--master", "master.test", "--replica", "replica.test"]);
    for (host, address) in bench.lab.resolve() {
        command.arg("--resolve").arg(format!("{host}:{address}"));
    }
    let status = said(command).await;
    let report: serde_json::Value = serde_json::from_str(&status.out).expect(&status.err);
    assert_eq!(status.code, Some(0), "{report:#}");
    let servers: Vec<&str> = report["services"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["service"] == "puppetdb")
        .map(|row| row["server"].as_str().unwrap())
        .collect();
    assert_eq!(servers, ["master.test:8081", "replica.test:8081"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_a_port_is_used_at_that_port_alone() {
    let bench = Bench::new().await;
    let address = bench.lab.master().ip();
    let at = |port: u16| format!("master.test:{port}:{address}");
    let run = async |resolve: String| -> Said {
        let mut command = stranger(&bench, &NODE);
        command.args(["--master", "master.test", "--resolve", &resolve]);
        command.args(["--resolve", "master.test:127.99.99.99"]);
        said(command).await
    };
    assert_eq!(run(at(8140)).await.code, Some(0));
    let other = run(at(8081)).await;
    assert_eq!(other.code, Some(14), "{other:?}");
    assert!(other.err.contains("refused"), "{other:?}");
}

#[tokio::test]
async fn hosts_that_contradict_each_other_are_refused() {
    for (args, word) in [
        (&["--replica", "r.test"][..], "name that too"),
        (
            &["--master", "m.test", "--server_list", "a.test"],
            "leave one of them out",
        ),
        (
            &["--master", "m.test", "--replica", "M.test:18140"],
            "a replica is another one",
        ),
        (&["--master", "m.test:x"], "m.test:x"),
    ] {
        // Options stand before a command as well as after it.
        for command in [[args, &["status"]].concat(), [&["status"], args].concat()] {
            let said = said(standin(&command)).await;
            assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
            assert!(said.err.starts_with("standin: "), "{said:?}");
            assert!(said.err.contains(word), "{word}: {said:?}");
        }
    }
}
