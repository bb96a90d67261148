//! Labs that are built with certificates as they should not be.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rustls::{CertificateError, Error};
use standin_lab::{CertSpec, HostSpec, Lab, Service, SignedBy, Validity};

use crate::pki::tls_error;
use crate::support::{Client, Names};

const STATUS: &str = "/status/v1/simple";

/// A lab whose master shows that certificate, and what a careful client makes of it.
async fn seen(certificate: CertSpec) -> CertificateError {
    let master = HostSpec::master("master.test").certificate(certificate);
    let hosts = [master, HostSpec::replica("replica.test")];
    let lab = Lab::builder().hosts(hosts).start().await.unwrap();
    let client = Client::anonymous(&lab, Names::Checked);
    let failure = client
        .get(lab.master(), Service::PuppetServer, STATUS)
        .await
        .unwrap_err();
    match tls_error(&failure) {
        Error::InvalidCertificate(why) => why,
        other => panic!("{other:?}"),
    }
}

fn sound() -> CertSpec {
    CertSpec::new("master.test").dns_alt_names(["master.test"])
}

#[tokio::test]
async fn a_host_shows_an_expired_certificate_from_the_start() {
    let why = seen(sound().validity(Validity::Expired)).await;
    assert!(
        matches!(why, CertificateError::ExpiredContext { .. }),
        "{why:?}"
    );
}

#[tokio::test]
async fn a_host_shows_a_revoked_certificate_from_the_start() {
    assert_eq!(seen(sound().revoked()).await, CertificateError::Revoked);
}

#[tokio::test]
async fn a_host_shows_a_certificate_for_another_name_from_the_start() {
    let other = CertSpec::new("other.test").dns_alt_names(["other.test"]);
    let why = seen(other).await;
    let CertificateError::NotValidForNameContext { presented, .. } = &why else {
        panic!("{why:?}");
    };
    assert!(presented[0].contains("other.test"), "{why:?}");
}

#[tokio::test]
async fn a_host_shows_a_certificate_with_a_common_name_alone_from_the_start() {
    let why = seen(CertSpec::new("master.test")).await;
    let CertificateError::NotValidForNameContext { presented, .. } = &why else {
        panic!("{why:?}");
    };
    assert!(presented.is_empty(), "{why:?}");
}

#[tokio::test]
async fn a_host_shows_a_strangers_certificate_from_the_start() {
    let why = seen(sound().signed_by(SignedBy::Stranger)).await;
    assert_eq!(why, CertificateError::UnknownIssuer);
}

#[tokio::test]
async fn the_agent_has_the_certificate_that_it_was_built_with() {
    for spec in [
        CertSpec::new("agent.test").validity(Validity::Expired),
        CertSpec::new("agent.test").revoked(),
        CertSpec::new("agent.test").signed_by(SignedBy::Stranger),
    ] {
        let lab = Lab::builder()
            .agent_certificate(spec.clone())
            .start()
            .await
            .unwrap();
        let agent = Client::agent(&lab);
        let refused = agent.get(lab.master(), Service::PuppetServer, STATUS).await;
        assert!(refused.is_err(), "{spec:?}");
    }
}

#[tokio::test]
async fn a_certificate_made_to_be_revoked_is_on_the_list_at_once() {
    let lab = Lab::builder().start().await.unwrap();
    let revoked = lab.certificate(&sound().revoked()).unwrap();
    lab.present("master.test", &revoked).unwrap();
    let client = Client::anonymous(&lab, Names::Ignored);
    let failure = client
        .get(lab.master(), Service::PuppetServer, STATUS)
        .await
        .unwrap_err();
    let error = tls_error(&failure);
    assert!(
        matches!(error, Error::InvalidCertificate(CertificateError::Revoked)),
        "{error:?}"
    );
    let agent = Client::with(&lab, &revoked);
    assert!(
        agent
            .get(lab.replica(), Service::PuppetServer, STATUS)
            .await
            .is_err()
    );
}
