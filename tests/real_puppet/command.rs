//! The `standin` command on a real pair of Puppet Servers and PuppetDBs: all well, and with the master's
//! Puppet Server killed.
//!
//! `tests/real_puppet/run` builds the command and starts the servers first. The steps share one pair of
//! hosts, so they are one test, told as it goes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one tells its story"
)]

mod stack;

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use stack::Stack;
use tokio::process::Command;

const NODE: &str = "/puppet/v3/node/agent.test?environment=production";

/// What the command did.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

#[tokio::test]
async fn every_command_tells_the_truth_of_real_servers() {
    let stack = Stack::find().await;
    standin(&stack, &["memory", "clear"]).await;

    step("all well");
    let status = standin(&stack, &["status", "--json"]).await.json();
    for (service, server) in [
        ("puppet-server", "master.test:8140"),
        ("puppet-server", "replica.test:8140"),
        ("puppetdb", "master.test:8081"),
        ("puppetdb", "replica.test:8081"),
    ] {
        let row = row(&status, service, server);
        assert_eq!(row["state"], "running", "{row}");
        assert!(row["certificate_not_after"].is_string(), "{row}");
    }
    // There is no Puppet Enterprise here, and so nobody at its other ports.
    let classifier = row(&status, "classifier", "master.test:4433");
    assert_eq!(classifier["reachable"], false, "{classifier}");

    let node = standin(&stack, &["request", "-v", "puppet-server", "GET", NODE]).await;
    assert_eq!(node.code, Some(0), "{node:?}");
    assert_eq!(node.json()["name"], "agent.test");
    for word in [
        "* connected to master.test:8140",
        "< HTTP/1.1 200 OK",
        "master.test:8140 (master)",
    ] {
        assert!(node.err.contains(word), "{word}: {node:?}");
    }
    let preferred = [
        "request",
        "-v",
        "--prefer",
        "replica",
        "puppet-server",
        "GET",
        NODE,
    ];
    let preferred = standin(&stack, &preferred).await;
    assert!(
        preferred.err.contains("served by replica.test:8140"),
        "{preferred:?}"
    );
    let nodes = ["request", "puppetdb", "GET", "/pdb/query/v4/nodes"];
    assert!(standin(&stack, &nodes).await.json().is_array());

    let run = run(&stack).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.out.ends_with("served by master.test:8140 (master).\n"),
        "{run:?}"
    );

    let check = standin(&stack, &["check", "--online", "--json"]).await;
    let findings = check.json();
    let expired = findings["findings"].as_array().unwrap().iter();
    let expired = expired.filter(|finding| finding["rule"] == "certificate-expired");
    assert_eq!(expired.count(), 0, "{check:?}");
    let explained = standin(&stack, &["explain", "server_list"]).await;
    let list = "server_list is master.test:8140,replica.test:8140";
    assert!(explained.out.contains(list), "{explained:?}");

    step("the master's Puppet Server is killed");
    stack.run(&["kill", "master-puppetserver"]).await;
    let node = standin(&stack, &["request", "-v", "puppet-server", "GET", NODE]).await;
    assert_eq!(node.code, Some(0), "{node:?}");
    for word in [
        "tried master.test:8140 (master): refused",
        "served by replica.test:8140 (replica)",
    ] {
        assert!(node.err.contains(word), "{word}: {node:?}");
    }
    let request = [
        "request",
        "ca",
        "PUT",
        "/puppet-ca/v1/certificate_request/x",
        "-d",
        "x",
    ];
    let signed = standin(&stack, &request).await;
    assert_eq!(signed.code, Some(10), "{signed:?}");
    let status = standin(&stack, &["status", "--json"]).await.json();
    let gone = row(&status, "puppet-server", "master.test:8140");
    assert_eq!(gone["state"], "refused", "{gone}");
    let holds = row(&status, "puppet-server", "replica.test:8140");
    assert_eq!(holds["memory"]["holder"], true, "{holds}");
    let memory = standin(&stack, &["memory", "show"]).await;
    assert!(
        memory
            .out
            .contains("puppet-server  replica.test:8140, seen "),
        "{memory:?}"
    );
    let run = self::run(&stack).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.out
            .ends_with("served by replica.test:8140 (replica).\n"),
        "{run:?}"
    );

    step("it comes back, and the memory is cleared");
    stack.run(&["start", "master-puppetserver"]).await;
    let cleared = standin(&stack, &["memory", "clear"]).await;
    assert_eq!(cleared.code, Some(0), "{cleared:?}");
    let node = standin(&stack, &["request", "-v", "puppet-server", "GET", NODE]).await;
    assert!(node.err.contains("served by master.test:8140"), "{node:?}");
}

async fn run(stack: &Stack) -> Said {
    standin(stack, &["run", "--facts", stack.place("FACTS")]).await
}

fn row<'a>(status: &'a Value, service: &str, server: &str) -> &'a Value {
    let mut rows = status["services"].as_array().unwrap().iter();
    let row = rows.find(|row| row["service"] == service && row["server"] == server);
    row.unwrap_or_else(|| panic!("no row of {service} at {server}: {status:#}"))
}

/// The built command, which stands beside the tests.
async fn standin(stack: &Stack, args: &[&str]) -> Said {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let output = Command::new(path.join("standin"))
        .args(args)
        .args([
            "--confdir",
            stack.place("CONFDIR"),
            "--certname",
            "agent.test",
        ])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    println!("$ standin {}\n{out}{err}", args.join(" "));
    Said {
        code: output.status.code(),
        out,
        err,
    }
}

fn step(title: &str) {
    println!("-- {title}");
}
