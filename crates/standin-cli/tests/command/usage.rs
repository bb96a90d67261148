//! Command lines and settings that cannot be used, and help for those that can.

use std::fs;

use crate::bench::{Bench, Said, said, standin};

async fn run(args: &[&str]) -> Said {
    said(standin(args)).await
}

/// Nothing is on standard output, and the words are on standard error.
#[track_caller]
fn refused(said: &Said, words: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:?}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_known_lists_the_known() {
    let said = run(&["request", "puppet", "GET", "/puppet/v3/node/a"]).await;
    refused(
        &said,
        &["puppet-server, file-sync, puppetdb, ca, rbac, classifier"],
    );
}

#[tokio::test]
async fn bad_settings_are_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("puppet.conf");
    fs::write(&file, "[agent]\nserver_list = a.test,b.test:x\n").unwrap();
    let confdir = dir.path().to_str().unwrap();
    let place = format!("{}:2: server_list: ", file.display());
    for command in [
        &["status"][..],
        &["broker"],
        &["request", "ca", "GET", "/puppet-ca/v1/certificate/ca"],
    ] {
        let said = run(&[command, &["--confdir", confdir]].concat()).await;
        refused(&said, &["standin: ", &place, "b.test:x"]);
    }
}

#[tokio::test]
async fn a_confdir_that_is_not_there_is_said() {
    refused(
        &run(&["status", "--confdir", "/nonexistent/puppet"]).await,
        &["/nonexistent/puppet"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_there_is_named() {
    let bench = Bench::new().await;
    let said = bench.run(&["status", "--certname", "nobody.test"]).await;
    refused(&said, &["certs/nobody.test.pem"]);
    let said = bench.run(&["status", "--ssldir", "/nonexistent/ssl"]).await;
    refused(&said, &["/nonexistent/ssl/"]);
}

#[tokio::test]
async fn a_file_of_parameters_has_to_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let confdir = dir.path().to_str().unwrap();
    let args = ["--confdir", confdir, "--parameters", "/nonexistent.yaml"];
    let said = run(&[&["status"], &args[..]].concat()).await;
    refused(&said, &["/nonexistent.yaml"]);
    let said = run(&[&["check", "--offline"], &args[..]].concat()).await;
    let place = "/nonexistent.yaml: error (unusable-settings)\n";
    assert!(said.out.starts_with(place), "{said:?}");
}

#[tokio::test]
async fn a_path_of_another_service_is_not_sent() {
    let said = run(&["request", "classifier", "GET", "/pdb/query/v4/nodes"]).await;
    refused(
        &said,
        &["/pdb/query/v4/nodes is a path of puppetdb and not of classifier"],
    );
}

#[tokio::test]
async fn each_part_of_a_request_is_read_before_it_is_sent() {
    let good = ["request", "puppetdb", "GET", "/pdb/query/v4"];
    let with = |more: &[&'static str]| [&good, more].concat();
    for (args, word) in [
        (
            vec!["request", "puppetdb", "GET", "pdb/query"],
            "first / on",
        ),
        (vec!["request", "puppetdb", "GET", "/pdb/a b"], "%20"),
        (vec!["request", "puppetdb", "G T", "/pdb"], "GET, POST"),
        (with(&["-H", "X-Authentication"]), "'Name: value'"),
        (with(&["-d", "@"]), "@FILE"),
        (
            with(&["-d", "@/nonexistent"]),
            "--data @/nonexistent cannot be read",
        ),
        (with(&["-o", "/nonexistent/a"]), "--output /nonexistent/a"),
        (with(&["--deadline", "soon"]), "number of seconds"),
        (with(&["--resolve", "m.test:::1"]), "brackets"),
    ] {
        refused(&run(&args).await, &[word]);
    }
}

#[tokio::test]
async fn help_teaches() {
    let said = run(&["--help"]).await;
    assert_eq!(said.code, Some(0));
    assert!(
        said.out.matches("\n    standin ").count() >= 2,
        "{}",
        said.out
    );
    let said = run(&["request", "--help"]).await;
    assert!(
        said.out.contains("  10  only the master may do this"),
        "{}",
        said.out
    );
    assert!(
        said.out.matches("\n    standin ").count() >= 2,
        "{}",
        said.out
    );
    for command in ["status", "run", "broker", "memory", "explain"] {
        let said = run(&[command, "--help"]).await;
        assert!(said.out.contains("Exit codes:"), "{}", said.out);
        assert!(
            said.out.matches("\n    standin ").count() >= 2,
            "{}",
            said.out
        );
    }
}
