//! Runs of the real agent: a clean one, and one in each kind of outage.

use std::fs;

use serde_json::Value;
use standin_lab::{Fault, Flaw, Host, Lab, Service, State, Target};

use crate::agent::{self, Run};

const MASTERS_SERVER: Target<'_> = Target::Service("master.test", Service::PuppetServer);

async fn lab() -> Lab {
    Lab::builder().start().await.unwrap()
}

/// What the host's Puppet Server was asked to do, and what it answered: `POST catalog 200`.
fn work(lab: &Lab, host: &Host) -> Vec<String> {
    let work = lab.journal().work(host.name(), Service::PuppetServer);
    work.iter()
        .map(|receipt| {
            let endpoint = receipt.path_and_query.split('/').nth(3).unwrap();
            let status = receipt.answered.unwrap().as_u16();
            format!("{} {endpoint} {status}", receipt.method)
        })
        .collect()
}

/// A run that a server of the lab served from its beginning to its end.
fn was_whole(lab: &Lab, host: &Host, run: &Run) {
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.lines("Error:").is_empty(), "{run:?}");
    assert!(run.says(&format!("compiled by {}", host.name())), "{run:?}");
    let work = work(lab, host);
    for step in [
        "GET file_metadatas 200",
        "POST catalog 200",
        "GET file_metadata 200",
        "PUT report 200",
    ] {
        assert!(work.iter().any(|done| done == step), "{step}: {work:#?}");
    }
    assert!(work.iter().all(|done| done.ends_with(" 200")), "{work:#?}");
    let reports = host.store().reports();
    let report: Value = serde_json::from_slice(&reports.last().unwrap().body).unwrap();
    assert_eq!(report["host"], "agent.test");
    assert_eq!(report["status"], "changed");
    assert_eq!(report["server_used"], format!("{}:8140", host.name()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_run_brings_plugins_facts_catalog_files_and_report() {
    let lab = lab().await;
    let run = agent::run(&lab, &[]).await;
    was_whole(&lab, lab.master(), &run);
    assert!(run.lines("Warning:").is_empty(), "{run:?}");
    assert!(
        lab.journal()
            .matching(|receipt| &*receipt.host == "replica.test")
            .is_empty()
    );
    let read = |name: &str| fs::read_to_string(lab.conf_dir().join(name)).unwrap();
    let plugin = read("cache/lib/facter/demo_fact.rb");
    assert!(plugin.starts_with("Facter.add(:demo_fact)"), "{plugin}");
    // The plugin came to the agent, its fact to the server, and what was compiled from it back.
    assert_eq!(
        read("managed/managed.txt"),
        "agent.test has demo_fact demo\n"
    );
    assert_eq!(read("managed/a.txt"), "a file\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_master_is_passed_over_and_asked_again_in_the_next_run() {
    let lab = lab().await;
    let refused = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    let run = agent::run(&lab, &[]).await;
    was_whole(&lab, lab.replica(), &run);
    let warnings = run.lines("Warning:");
    let [warning] = warnings.as_slice() else {
        panic!("{run:?}");
    };
    assert!(
        warning.starts_with("Warning: Unable to connect to server from server_list setting: "),
        "{run:?}"
    );
    assert!(
        warning.ends_with("Trying with next server from server_list."),
        "{run:?}"
    );
    refused.lift().await;
    let run = agent::run(&lab, &[]).await;
    was_whole(&lab, lab.master(), &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_holed_master_is_passed_over_when_the_connect_time_is_over() {
    let lab = lab().await;
    let _gone = lab
        .fault(Target::Host("master.test"), Fault::BlackHole)
        .await
        .unwrap();
    let run = agent::run(&lab, &["--http_connect_timeout=2s"]).await;
    was_whole(&lab, lab.replica(), &run);
    assert!(run.says("timed out connect operation after 2."), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_whose_status_is_bad_is_passed_over() {
    let lab = lab().await;
    let _broken = lab
        .fault(MASTERS_SERVER, Fault::NotReady(State::Error))
        .await
        .unwrap();
    let run = agent::run(&lab, &[]).await;
    was_whole(&lab, lab.replica(), &run);
    assert_eq!(
        run.lines("Warning:"),
        [
            "Warning: Puppet server master.test:8140 is unavailable: 503 Service Unavailable Trying with next server from \
          server_list."
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_whose_status_is_good_and_work_is_not_is_kept_to() {
    let lab = lab().await;
    let unavailable = Fault::Unavailable { retry_after: None };
    let _unavailable = lab.fault(MASTERS_SERVER, unavailable).await.unwrap();
    let run = agent::run(&lab, &[]).await;
    is_lost_at_the_master(&lab, &run);
    assert!(
        run.says("Error 503 on SERVER: Service Unavailable"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_master_is_waited_for_in_vain() {
    let lab = lab().await;
    let overloaded = Fault::Unavailable {
        retry_after: Some(1),
    };
    let _overloaded = lab.fault(MASTERS_SERVER, overloaded).await.unwrap();
    let run = agent::run(&lab, &[]).await;
    is_lost_at_the_master(&lab, &run);
    assert!(
        run.says("Warning: Sleeping for 1 seconds before retrying the request"),
        "{run:?}"
    );
    // What this agent on this Ruby makes of every Retry-After.
    assert!(run.says("attempt to read body out of block"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_ends_the_walk_of_the_list() {
    let lab = lab().await;
    let wrong = Fault::Untrusted(Flaw::WrongName);
    let _wrong = lab.fault(MASTERS_SERVER, wrong).await.unwrap();
    let run = agent::run(&lab, &[]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.says("Could not select a functional puppet server from server_list"),
        "{run:?}"
    );
    assert!(lab.journal().entries().is_empty());
}

/// No failover, no catalog, and the report is lost.
fn is_lost_at_the_master(lab: &Lab, run: &Run) {
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.says("Error: Could not retrieve catalog; skipping run"),
        "{run:?}"
    );
    assert!(run.says("Error: Could not send report: "), "{run:?}");
    let work = work(lab, lab.master());
    assert_eq!(
        work,
        [
            "GET node 503",
            "GET file_metadatas 503",
            "POST catalog 503",
            "PUT report 503"
        ]
    );
    let elsewhere = |host: &str| host != "master.test";
    assert!(
        lab.journal()
            .matching(|receipt| elsewhere(&receipt.host))
            .is_empty()
    );
    assert!(lab.master().store().reports().is_empty());
}
