//! A client from settings that cannot be: which file, what is wrong, what to do.

use std::error::Error;
use std::fs;

use http::Request;
use standin::config::{Overrides, Settings};
use standin::{Client, Served};
use standin_lab::{CertSpec, Lab, SignedBy, Validity};

use crate::harness::{AGENT, MASTER, NODE, REPLICA, names, sources};

async fn lab() -> Lab {
    Lab::builder().start().await.unwrap()
}

/// What stands in the way of a client, with all that is beneath it.
fn refusal(lab: &Lab) -> String {
    let built = || -> Result<Client, Box<dyn Error>> {
        let settings = Settings::read(&sources(lab))?;
        Ok(Client::from_settings(&settings)?.build()?)
    };
    let error = built().expect_err("settings that are refused");
    let mut cause = Some(error.as_ref() as &dyn Error);
    let mut text = String::new();
    while let Some(error) = cause {
        text.push_str(&format!("{error}\n"));
        cause = error.source();
    }
    text
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

/// Refused for this line of `puppet.conf`, which is the third.
async fn refused_for(line: &str) -> String {
    let lab = lab().await;
    let conf = lab.conf_dir().join("puppet.conf");
    let ssl = lab.ssl_dir().display();
    let text = format!("[main]\nssldir = {ssl}\n{line}\n");
    fs::write(&conf, text).unwrap();
    let refusal = refusal(&lab);
    says(&refusal, &[&format!("{}:3", conf.display())]);
    refusal
}

#[tokio::test]
async fn an_ipv6_address_without_brackets_is_refused() {
    let text = refused_for("server_list = master.test, 2001:db8::1").await;
    says(
        &text,
        &[
            "server_list",
            "2001:db8::1",
            "write [ADDRESS] or [ADDRESS]:PORT",
        ],
    );
}

#[tokio::test]
async fn a_port_out_of_range_is_refused() {
    let text = refused_for("server_list = master.test:65536").await;
    says(
        &text,
        &["server_list", "master.test:65536", "from 1 to 65535"],
    );
}

#[tokio::test]
async fn a_server_that_is_listed_twice_is_refused() {
    let text = refused_for("server_list = master.test, MASTER.test:8140").await;
    says(&text, &["server_list", "master.test:8140"]);
}

/// Whoever is exempted from the list is not failed over from, as in Puppet.
#[tokio::test]
async fn reports_go_to_a_report_server_that_is_set_and_nothing_else_does() {
    let lab = lab().await;
    let overrides = Overrides::new().with("report_server", REPLICA);
    let settings = Settings::read(&sources(&lab).with_overrides(overrides)).unwrap();
    let client = Client::from_settings(&settings).unwrap();
    let client = client.names(names(&lab)).build().unwrap();
    let report = Request::put(format!("/puppet/v3/report/{AGENT}?environment=production"))
        .header("content-type", "application/json")
        .body("{}")
        .unwrap();
    let answer = client.request(report).await.unwrap();
    assert!(answer.status().is_success());
    let reports = |host: &standin_lab::Host| host.store().reports().len();
    assert_eq!((reports(lab.master()), reports(lab.replica())), (0, 1));
    let node = client.get(NODE).await.unwrap();
    let served = node.extensions().get::<Served>().unwrap();
    assert_eq!(served.server.host(), MASTER);
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_named() {
    let lab = lab().await;
    let cert = lab.ssl_dir().join(format!("certs/{AGENT}.pem"));
    fs::remove_file(&cert).unwrap();
    let text = refusal(&lab);
    says(
        &text,
        &[
            &cert.display().to_string(),
            "is the agent's certificate there",
        ],
    );
}

#[tokio::test]
async fn a_missing_authority_is_named() {
    let lab = lab().await;
    let ca = lab.ssl_dir().join("certs/ca.pem");
    fs::write(&ca, "").unwrap();
    says(
        &refusal(&lab),
        &[&ca.display().to_string(), "CA certificates", "puppet ssl"],
    );
}

#[tokio::test]
async fn a_missing_revocation_list_is_named() {
    let lab = lab().await;
    let crl = lab.ssl_dir().join("crl.pem");
    fs::remove_file(&crl).unwrap();
    says(&refusal(&lab), &[&crl.display().to_string()]);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_told_with_both_files() {
    let lab = lab().await;
    let other = lab.certificate(&CertSpec::new("other.test")).unwrap();
    let key = lab.ssl_dir().join(format!("private_keys/{AGENT}.pem"));
    fs::write(&key, other.key_pem()).unwrap();
    let cert = lab.ssl_dir().join(format!("certs/{AGENT}.pem"));
    let files = [key.display().to_string(), cert.display().to_string()];
    says(
        &refusal(&lab),
        &[
            &files[0],
            &files[1],
            "is not the key of",
            "puppet ssl bootstrap",
        ],
    );
}

async fn refused_for_a_certificate_that_is(validity: Validity) -> String {
    let lab = lab().await;
    let spec = CertSpec::new(AGENT).validity(validity);
    let certificate = lab.certificate(&spec).unwrap();
    certificate.save(lab.ssl_dir()).unwrap();
    let text = refusal(&lab);
    says(&text, &[&format!("certs/{AGENT}.pem")]);
    text
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_date() {
    let text = refused_for_a_certificate_that_is(Validity::Expired).await;
    says(&text, &["expired on", "renew it"]);
}

#[tokio::test]
async fn a_certificate_of_tomorrow_puts_the_clock_in_doubt() {
    let text = refused_for_a_certificate_that_is(Validity::NotYet).await;
    says(&text, &["valid only from", "clock"]);
}

#[tokio::test]
async fn a_broken_certificate_is_named() {
    let lab = lab().await;
    let cert = lab.ssl_dir().join(format!("certs/{AGENT}.pem"));
    fs::write(&cert, "-----BEGIN CERTIFICATE-----\nnonsense").unwrap();
    says(&refusal(&lab), &[&cert.display().to_string(), "broken"]);
}

#[tokio::test]
async fn a_strangers_certificate_makes_a_client_that_nobody_trusts() {
    let lab = lab().await;
    let spec = CertSpec::new(AGENT).signed_by(SignedBy::Stranger);
    lab.certificate(&spec).unwrap().save(lab.ssl_dir()).unwrap();
    let names = names(&lab);
    let client = crate::harness::client(&lab, crate::harness::policy(), names);
    let error = client.get(NODE).await.unwrap_err();
    assert_eq!(
        error.kind(),
        standin::ErrorKind::Untrusted,
        "{}",
        error.report()
    );
}
