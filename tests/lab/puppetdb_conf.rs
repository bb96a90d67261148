//! What `puppetdb.conf` says of commands, queries and certificates, done.

use std::fs;
use std::time::Duration;

use standin::config::Settings;
use standin::policy::{Commands, WriteFailure};
use standin::{Client, Outcome, Submissions, policy_of};
use standin_lab::{Fault, Lab, Service, Target};

use crate::harness::{Errand, MASTER, REPLICA, names, sources, whole};

/// A lab whose agent has these settings of PuppetDB.
async fn lab(puppetdb_conf: &str) -> (Lab, Settings) {
    let lab = Lab::builder().start().await.unwrap();
    let text = format!("[main]\n{puppetdb_conf}\n");
    fs::write(lab.conf_dir().join("puppetdb.conf"), text).unwrap();
    let settings = Settings::read(&sources(&lab)).unwrap();
    (lab, settings)
}

fn client(lab: &Lab, settings: &Settings) -> Client {
    let builder = Client::from_settings(settings).unwrap();
    builder.names(names(lab)).build().unwrap()
}

fn got(lab: &Lab, host: &str) -> usize {
    whole(&lab.journal().work(host, Service::PuppetDb))
}

const BOTH: &str = "server_urls = https://master.test:8081,https://replica.test:8081";

#[tokio::test]
async fn command_broadcast_sends_each_command_to_all() {
    let conf = format!("{BOTH}\ncommand_broadcast = true\nmin_successful_submissions = 2");
    let (lab, settings) = lab(&conf).await;
    let client = client(&lab, &settings);
    let response = client.request(Errand::Command.request()).await.unwrap();
    let submissions = response.extensions().get::<Submissions>().unwrap();
    let took = submissions.so_far().into_iter();
    let took = took.filter(|one| matches!(one.outcome, Outcome::Taken));
    // Both are known with the answer, so both were waited for.
    assert_eq!(took.count(), 2);
    assert_eq!([MASTER, REPLICA].map(|host| got(&lab, host)), [1, 1]);
}

#[tokio::test]
async fn without_it_the_first_gets_them() {
    let (lab, settings) = lab(BOTH).await;
    let client = client(&lab, &settings);
    client.request(Errand::Command.request()).await.unwrap();
    assert_eq!([MASTER, REPLICA].map(|host| got(&lab, host)), [1, 0]);
}

#[tokio::test]
async fn submit_only_server_urls_get_commands_and_no_query() {
    let (lab, settings) = lab(
        "server_urls = https://master.test:8081\ncommand_broadcast = true\n\
         submit_only_server_urls = https://replica.test:8081",
    )
    .await;
    let client = client(&lab, &settings);
    let response = client.request(Errand::Command.request()).await.unwrap();
    let submissions = response.extensions().get::<Submissions>().unwrap();
    assert_eq!(submissions.clone().all().await.len(), 2);
    let target = Target::Service(MASTER, Service::PuppetDb);
    let _fault = lab.fault(target, Fault::Refuse).await.unwrap();
    client.request(Errand::Query.request()).await.unwrap_err();
    assert_eq!([MASTER, REPLICA].map(|host| got(&lab, host)), [1, 1]);
}

#[tokio::test]
async fn soft_write_failure_lets_a_run_go_on_without_its_commands() {
    for (line, expected) in [
        ("soft_write_failure = true", WriteFailure::IsLogged),
        ("soft_write_failure = false", WriteFailure::FailsTheRun),
    ] {
        let (lab, settings) = lab(&format!("{BOTH}\n{line}")).await;
        let client = client(&lab, &settings);
        let mut faults = Vec::new();
        for host in [MASTER, REPLICA] {
            let target = Target::Service(host, Service::PuppetDb);
            faults.push(lab.fault(target, Fault::Refuse).await.unwrap());
        }
        let error = client.request(Errand::Command.request()).await.unwrap_err();
        assert_eq!(error.failure(), expected, "{line}");
    }
}

#[tokio::test]
async fn verify_client_certificate_off_shows_puppetdb_no_certificate_and_others_theirs() {
    for (line, shown) in [
        ("verify_client_certificate = false", None),
        ("verify_client_certificate = true", Some("agent.test")),
    ] {
        let (lab, settings) = lab(&format!("{BOTH}\n{line}")).await;
        let client = client(&lab, &settings);
        let status = format!("https://{MASTER}:8081/status/v1/simple");
        client.get(&status).await.unwrap();
        for errand in [Errand::Command, Errand::Query, Errand::Node] {
            client.request(errand.request()).await.unwrap();
        }
        for receipt in lab.journal().entries() {
            let expected = match receipt.service {
                Service::PuppetDb => shown,
                _ => Some("agent.test"),
            };
            let path = &receipt.path_and_query;
            assert_eq!(receipt.certname.as_deref(), expected, "{path}");
        }
        assert_eq!(lab.journal().entries().len(), 4);
    }
}

/// As PuppetDB's terminus, which then reads the CA's files alone for PuppetDB.
#[tokio::test]
async fn a_puppetdb_that_is_shown_nothing_is_still_verified() {
    let (lab, settings) = lab(&format!("{BOTH}\nverify_client_certificate = false")).await;
    let client = client(&lab, &settings);
    let wrong = Fault::Untrusted(standin_lab::Flaw::UnknownIssuer);
    let _fault = lab.fault(Target::Host(MASTER), wrong).await.unwrap();
    let response = client.request(Errand::Query.request()).await.unwrap();
    let served = response.extensions().get::<standin::Served>().unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert_eq!(served.failed[0].verdict, standin::Verdict::Untrusted);
}

#[tokio::test]
async fn server_url_timeout_bounds_one_puppetdb_where_it_is_set() {
    let (_lab, settings) = lab(BOTH).await;
    let policy = policy_of(&settings);
    assert_eq!(policy.deadline.puppetdb, None);
    assert_eq!(policy.commands, Commands::default());
    let (lab, settings) = lab(&format!("{BOTH}\nserver_url_timeout = 1")).await;
    let bound = Duration::from_secs(1);
    assert_eq!(policy_of(&settings).deadline.puppetdb, Some(bound));
    let client = client(&lab, &settings);
    let target = Target::Service(MASTER, Service::PuppetDb);
    let _fault = lab.fault(target, Fault::WorkSilent).await.unwrap();
    let response = client.request(Errand::Query.request()).await.unwrap();
    let served = response.extensions().get::<standin::Served>().unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert!(served.failed[0].took >= bound);
}
