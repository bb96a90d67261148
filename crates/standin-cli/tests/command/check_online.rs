//! The check that asks servers, over real TLS.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use standin_lab::{CertSpec, Fault, Flaw, Service, Target, Validity};

use crate::bench::Bench;

/// A lab whose settings leave nothing to be said of.
async fn clean() -> Bench {
    let bench = Bench::new().await;
    let conf = bench.lab.conf_dir();
    let add = |file: &str, lines: &str| {
        let text = fs::read_to_string(conf.join(file)).unwrap();
        fs::write(conf.join(file), text + lines).unwrap();
    };
    add("puppet.conf", "http_connect_timeout = 10s\n");
    add("puppetdb.conf", "sticky_read_failover = true\n");
    // The lab has no brokers.
    fs::remove_file(conf.join("pxp-agent.conf")).unwrap();
    bench
}

/// The exit code, and each finding as its rule, the file's name and what was found.
async fn online(bench: &Bench) -> (Option<i32>, Vec<[String; 3]>) {
    let said = bench.run(&["check", "--online", "--json"]).await;
    let report: Value = serde_json::from_str(&said.out).expect(&said.err);
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = findings.map(|found| {
        let file = text(&found["file"]);
        let file = file.rsplit('/').next().unwrap_or_default().to_owned();
        [text(&found["rule"]), file, text(&found["what"])]
    });
    let found = found.filter(|[rule, ..]| rule != "roles-assumed");
    (said.code, found.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_servers_leave_nothing_to_be_said() {
    let bench = clean().await;
    assert_eq!(online(&bench).await, (Some(0), vec![]));
    let said = bench.run(&["check", "--online", "-v"]).await;
    let line = "went to replica.test:8081: it is trusted and answers\n";
    assert!(said.err.contains(line), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_is_asked_unless_online() {
    let bench = clean().await;
    let _refused = bench.fail_everywhere(Fault::Refuse).await;
    assert_eq!(bench.run(&["check"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_in_the_certificate_is_told_for_each_server() {
    let bench = clean().await;
    let other = bench.lab.certificate(&CertSpec::new("other.test")).unwrap();
    bench.lab.present("replica.test", &other).unwrap();
    let (code, found) = online(&bench).await;
    assert_eq!(code, Some(2));
    let files: Vec<&str> = found.iter().map(|[_, file, _]| file.as_str()).collect();
    assert_eq!(files, ["classifier.yaml", "puppet.conf", "puppetdb.conf"]);
    for [rule, _, what] in &found {
        assert_eq!(rule, "name-not-in-certificate");
        assert!(
            what.ends_with(" shows is not for replica.test: it is for other.test."),
            "{what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_trusted() {
    let bench = clean().await;
    let _stranger = bench
        .fail(Service::PuppetDb, Fault::Untrusted(Flaw::UnknownIssuer))
        .await;
    let (code, found) = online(&bench).await;
    assert_eq!((code, found.len()), (Some(2), 1), "{found:?}");
    assert_eq!(found[0][0], "server-not-trusted");
    assert!(found[0][2].starts_with("master.test:8081 "), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told() {
    let bench = clean().await;
    let target = Target::Service("replica.test", Service::NodeClassifier);
    let _refused = bench.lab.fault(target, Fault::Refuse).await.unwrap();
    let (code, found) = online(&bench).await;
    assert_eq!((code, found.len()), (Some(2), 1), "{found:?}");
    assert_eq!(found[0][0], "server-unreachable");
    assert_eq!(found[0][1], "classifier.yaml");
    assert!(found[0][2].contains("refused"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_is_told() {
    let bench = clean().await;
    let ahead = Fault::ClockAhead(Duration::from_secs(600));
    let target = Target::Host("replica.test");
    let _ahead = bench.lab.fault(target, ahead).await.unwrap();
    let (code, found) = online(&bench).await;
    assert_eq!((code, found.len()), (Some(1), 3), "{found:?}");
    for [rule, _, what] in &found {
        assert_eq!(rule, "clock-skew");
        assert!(what.contains("ahead of this machine's"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_certificate_that_ends_soon_is_told() {
    let bench = clean().await;
    let ending = CertSpec::new("master.test").validity(Validity::Ending);
    let ending = bench.lab.certificate(&ending).unwrap();
    bench.lab.present("master.test", &ending).unwrap();
    let (code, found) = online(&bench).await;
    assert_eq!((code, found.len()), (Some(1), 3), "{found:?}");
    assert!(
        found
            .iter()
            .all(|[rule, ..]| rule == "certificate-expires-soon"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_has_nothing_to_show_says_why_nobody_was_asked() {
    let bench = clean().await;
    let said = bench
        .run(&["check", "--online", "--certname", "nobody.test"])
        .await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("no server was asked"), "{said:?}");
}
