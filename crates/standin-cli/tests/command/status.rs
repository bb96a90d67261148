//! The status of an installation.

use serde_json::Value;
use standin_lab::{Fault, Lab, Service, State, Target};

use crate::bench::Bench;
use crate::installation::assert_golden;
use crate::pty::AtTerminal;
use crate::steady::steady;

async fn json(bench: &Bench) -> (Option<i32>, Value) {
    let said = bench.run(&["status", "--json"]).await;
    (said.code, serde_json::from_str(&said.out).expect(&said.err))
}

fn states<'a>(report: &'a Value, service: &str) -> Vec<&'a str> {
    let rows = report["services"].as_array().unwrap().iter();
    rows.filter(|row| row["service"] == service)
        .map(|row| row["state"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_runs_on_both_hosts() {
    let bench = Bench::new().await;
    let (code, report) = json(&bench).await;
    assert_eq!(code, Some(0));
    assert_eq!(report["running"], report["expected"]);
    for service in [
        "puppet-server",
        "file-sync",
        "puppetdb",
        "rbac",
        "classifier",
        "activity",
    ] {
        assert_eq!(
            states(&report, service),
            ["running", "running"],
            "{service}: {report:#}"
        );
    }
    for service in ["ca", "orchestrator", "code-manager", "pcp-broker"] {
        assert_eq!(
            states(&report, service),
            ["running", "inactive"],
            "{service}: {report:#}"
        );
    }
    assert_eq!(states(&report, "console").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_shows_what_is_down() {
    let bench = Bench::new().await;
    let database = Target::Service("replica.test", Service::PuppetDb);
    let fault = Fault::NotReady(State::Starting);
    let _starting = bench.lab.fault(database, fault).await.unwrap();
    let _refused = bench.fail(Service::NodeClassifier, Fault::Refuse).await;
    let said = bench.run(&["status", "-v"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<Vec<&str>> = said
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for row in [
        [
            "puppet-server",
            "master.test:8140",
            "master",
            "yes",
            "running",
        ],
        [
            "puppetdb",
            "replica.test:8081",
            "replica",
            "yes",
            "starting",
        ],
        ["classifier", "master.test:4433", "master", "no", "refused"],
        [
            "classifier",
            "replica.test:4433",
            "replica",
            "yes",
            "running",
        ],
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(&row)),
            "{row:?}: {}",
            said.out
        );
    }
    let why = "classifier at master.test:4433 (master): ";
    assert!(said.err.contains(why), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_counts_what_is_down() {
    let bench = Bench::new().await;
    let (_, before) = json(&bench).await;
    let _fault = bench.fail(Service::PuppetDb, Fault::DatabaseDown).await;
    let (code, report) = json(&bench).await;
    assert_eq!(code, Some(1));
    assert_eq!(states(&report, "puppetdb"), ["error", "running"]);
    assert_eq!(report["expected"], before["expected"]);
    let running = |report: &Value| report["running"].as_u64().unwrap();
    assert_eq!(running(&report) + 1, running(&before));
    let row = &report["services"][0];
    assert_eq!(row["server"], "master.test:8140");
    assert_eq!(row["role"], "master");
    assert!(row["seconds"].as_f64().unwrap() < 10.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_down_is_told_within_the_deadline() {
    let bench = Bench::new().await;
    let _faults = bench.fail_everywhere(Fault::SilentAfterTls).await;
    let said = bench.run(&["status", "--deadline", "1"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.out.contains("no answer in time"), "{said:?}");
    assert!(!said.out.contains("running"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_replica_runs_what_was_inactive() {
    let bench = Bench::new().await;
    bench.lab.promote("replica.test").await.unwrap();
    let (_, report) = json(&bench).await;
    assert_eq!(states(&report, "orchestrator"), ["running", "running"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn compile_masters_have_a_row_too() {
    let hosts = ["master.test", "replica.test"];
    let hosts = [
        standin_lab::HostSpec::master(hosts[0]),
        standin_lab::HostSpec::replica(hosts[1]),
        standin_lab::HostSpec::pool("compile.test"),
    ];
    let lab = Lab::builder().hosts(hosts).start().await.unwrap();
    let said = Bench { lab }.run(&["status"]).await;
    assert!(said.out.contains("compile.test:8140  pool"), "{said:?}");
    // Its status is Puppet Server's to tell.
    let broker = said.out.lines().find(|line| line.starts_with("pcp-broker"));
    let broker: Vec<&str> = broker.unwrap().split_whitespace().collect();
    assert_eq!(
        broker[1..5],
        ["compile.test:8142", "pool", "yes", "running"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_a_healthy_installation() {
    let said = Bench::new().await.run(&["status"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_golden("status-healthy.txt", &steady(&said.out));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_a_master_that_is_gone_and_remembered() {
    let bench = Bench::new().await;
    let master = Target::Host("master.test");
    let _fault = bench.lab.fault(master, Fault::Refuse).await.unwrap();
    let node = "/puppet/v3/node/agent.test?environment=production";
    let served = bench.run(&["request", "puppet-server", "GET", node]).await;
    assert_eq!(served.code, Some(0), "{served:?}");
    let said = bench.run(&["status"]).await;
    // Certificates are signed nowhere now.
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""), "{said:?}");
    assert_golden("status-broken.txt", &steady(&said.out));
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_told_of_certificate_replication_and_memory() {
    let bench = Bench::new().await;
    let (_, report) = json(&bench).await;
    let rows = report["services"].as_array().unwrap().iter();
    let classifiers: Vec<&Value> = rows.filter(|row| row["service"] == "classifier").collect();
    let modes = [0, 1].map(|at: usize| classifiers[at]["replication_mode"].as_str().unwrap());
    assert_eq!(modes, ["source", "replica"]);
    let holders = [0, 1].map(|at: usize| classifiers[at]["memory"]["holder"].as_bool().unwrap());
    assert_eq!(holders, [true, false]);
    let ends = classifiers[0]["certificate_not_after"].as_str().unwrap();
    assert!(ends.len() == 20 && ends.ends_with('Z'), "{ends}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_there_are_colours_and_progress_unless_they_are_not_wanted() {
    let bench = Bench::new().await;
    let green = "\u{1b}[32mrunning";
    let run = async |no_color: &'static str| {
        let mut command = bench.command(&["status"]);
        command.env("NO_COLOR", no_color);
        let ended = tokio::task::spawn_blocking(|| AtTerminal::spawn(command).ended());
        ended.await.unwrap()
    };
    let (status, said) = run("").await;
    assert!(status.success(), "{said}");
    assert!(said.contains(green), "{said:?}");
    assert!(said.contains(" servers answered"), "{said:?}");
    let (_, said) = run("1").await;
    assert!(
        said.contains("running") && !said.contains(green),
        "{said:?}"
    );
}
