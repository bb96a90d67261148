//! Trust: what servers show, what they accept, and what is revoked.

use http::Method;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ALL_VERSIONS, AlertDescription, CertificateError, Error, HandshakeKind};
use standin_lab::Service::{CertificateAuthority, PuppetServer};
use standin_lab::{CertSpec, Fault, Flaw, SignedBy, Target, Validity};

use crate::support::{Client, Failure, Names, lab};

const STATUS: &str = "/status/v1/simple";

/// What the TLS library said, wherever in the causes it is.
pub(crate) fn tls_error(failure: &Failure) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match failure {
        Failure::Connect(error) | Failure::Tls(error) => error.get_ref().map(|inner| inner as _),
        Failure::Http(error) | Failure::Body(error, _) => Some(error),
    };
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<Error>() {
            return tls.clone();
        }
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = inner.map_or_else(|| error.source(), |inner| Some(inner as _));
    }
    panic!("not a TLS failure: {failure:?}");
}

#[tokio::test]
async fn the_master_has_its_name_in_a_san_and_the_replica_has_none() {
    let lab = lab().await;
    let strict = Client::anonymous(&lab, Names::Checked);
    strict
        .get(lab.master(), PuppetServer, STATUS)
        .await
        .unwrap();
    let failure = strict
        .get(lab.replica(), PuppetServer, STATUS)
        .await
        .unwrap_err();
    let Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) =
        tls_error(&failure)
    else {
        panic!("{failure:?}")
    };
    assert!(presented.is_empty(), "{presented:?}");
    Client::anonymous(&lab, Names::Ignored)
        .get(lab.replica(), PuppetServer, STATUS)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flawed_certificate_is_shown_while_the_fault_is_on() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Checked);
    for flaw in [
        Flaw::Expired,
        Flaw::WrongName,
        Flaw::UnknownIssuer,
        Flaw::Revoked,
    ] {
        let guard = lab
            .fault(Target::Host("master.test"), Fault::Untrusted(flaw))
            .await
            .unwrap();
        let failure = client
            .get(lab.master(), PuppetServer, STATUS)
            .await
            .unwrap_err();
        let Error::InvalidCertificate(why) = tls_error(&failure) else {
            panic!("{failure:?}")
        };
        let is_right = match flaw {
            Flaw::Expired => matches!(why, CertificateError::ExpiredContext { .. }),
            Flaw::WrongName => matches!(why, CertificateError::NotValidForNameContext { .. }),
            Flaw::UnknownIssuer => matches!(why, CertificateError::UnknownIssuer),
            Flaw::Revoked => matches!(why, CertificateError::Revoked),
            _ => false,
        };
        assert!(is_right, "{flaw:?}: {why:?}");
        guard.lift().await;
        client
            .get(lab.master(), PuppetServer, STATUS)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_host_shows_the_certificate_it_is_given() {
    let lab = lab().await;
    let spec = CertSpec::new("replica.test").dns_alt_names(["replica.test"]);
    lab.present("replica.test", &lab.certificate(&spec).unwrap())
        .unwrap();
    let strict = Client::anonymous(&lab, Names::Checked);
    strict
        .get(lab.replica(), PuppetServer, STATUS)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_revoked_server_is_on_the_list_that_clients_read() {
    let lab = lab().await;
    let before = std::fs::read(lab.ssl_dir().join("crl.pem")).unwrap();
    lab.revoke("master.test").unwrap();
    assert_ne!(
        std::fs::read(lab.ssl_dir().join("crl.pem")).unwrap(),
        before
    );
    let client = Client::anonymous(&lab, Names::Ignored);
    let failure = client
        .get(lab.master(), PuppetServer, STATUS)
        .await
        .unwrap_err();
    assert!(
        matches!(
            tls_error(&failure),
            Error::InvalidCertificate(CertificateError::Revoked)
        ),
        "{failure:?}"
    );
    client
        .get(lab.replica(), PuppetServer, STATUS)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_expired_list_makes_careful_clients_trust_nobody() {
    let lab = lab().await;
    lab.set_crl_validity(Validity::Expired).unwrap();
    let client = Client::anonymous(&lab, Names::Ignored);
    let failure = client
        .get(lab.master(), PuppetServer, STATUS)
        .await
        .unwrap_err();
    let error = tls_error(&failure);
    assert!(
        matches!(
            error,
            Error::InvalidCertificate(CertificateError::ExpiredRevocationListContext { .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn servers_refuse_revoked_expired_and_foreign_clients_with_an_alert_that_arrives() {
    let lab = lab().await;
    let agent = Client::agent(&lab);
    agent.get(lab.master(), PuppetServer, STATUS).await.unwrap();
    let expired = CertSpec::new("agent.test").validity(Validity::Expired);
    let foreign = CertSpec::new("agent.test").signed_by(SignedBy::Stranger);
    let expired = Client::with(&lab, &lab.certificate(&expired).unwrap());
    let foreign = Client::with(&lab, &lab.certificate(&foreign).unwrap());
    lab.revoke("agent.test").unwrap();
    for (client, alert) in [
        (agent, AlertDescription::CertificateRevoked),
        (expired, AlertDescription::CertificateExpired),
        (foreign, AlertDescription::UnknownCA),
    ] {
        let failure = client
            .get(lab.master(), PuppetServer, STATUS)
            .await
            .unwrap_err();
        assert_eq!(
            tls_error(&failure),
            Error::AlertReceived(alert),
            "{failure:?}"
        );
    }
    assert!(lab.journal().entries().len() == 1);
}

#[tokio::test]
async fn further_certificates_are_known_by_their_name() {
    let lab = lab().await;
    let client = Client::with(
        &lab,
        &lab.certificate(&CertSpec::new("other.test")).unwrap(),
    );
    let path = "/puppet/v3/node/other.test?environment=production";
    assert_eq!(
        client
            .get(lab.master(), PuppetServer, path)
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        lab.journal().entries()[0].certname.as_deref(),
        Some("other.test")
    );
}

#[tokio::test]
async fn a_certificate_request_is_signed_and_can_be_fetched() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    let certificate = "/puppet-ca/v1/certificate/new.test";
    assert_eq!(
        client
            .get(lab.master(), CertificateAuthority, certificate)
            .await
            .unwrap()
            .status,
        404
    );
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default()
        .serialize_request(&key)
        .unwrap()
        .pem()
        .unwrap();
    let request = "/puppet-ca/v1/certificate_request/new.test";
    let reply = client
        .send(
            lab.master(),
            CertificateAuthority,
            Method::PUT,
            request,
            csr.clone(),
        )
        .await
        .unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(lab.master().store().csrs()[0].pem, csr);
    let reply = client
        .get(lab.master(), CertificateAuthority, certificate)
        .await
        .unwrap();
    assert!(reply.text().starts_with("-----BEGIN CERTIFICATE-----"));

    let misled = client
        .send(
            lab.replica(),
            CertificateAuthority,
            Method::PUT,
            request,
            csr,
        )
        .await
        .unwrap();
    assert_eq!(misled.status, 404);
    assert!(lab.replica().store().csrs().is_empty());
    assert_eq!(
        lab.journal()
            .work("replica.test", CertificateAuthority)
            .len(),
        1
    );
}

#[tokio::test]
async fn a_certificate_status_revokes() {
    let lab = lab().await;
    let agent = Client::agent(&lab);
    let path = "/puppet-ca/v1/certificate_status/agent.test";
    let anonymous = Client::anonymous(&lab, Names::Ignored);
    let revoke = r#"{"desired_state":"revoked"}"#;
    let refused = anonymous
        .send(
            lab.master(),
            CertificateAuthority,
            Method::PUT,
            path,
            revoke,
        )
        .await
        .unwrap();
    assert_eq!(refused.status, 403);
    let done = agent
        .send(
            lab.master(),
            CertificateAuthority,
            Method::PUT,
            path,
            revoke,
        )
        .await
        .unwrap();
    assert_eq!(done.status, 204);
    agent
        .get(lab.master(), PuppetServer, STATUS)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_sessions_resumed_with_the_clients_name() {
    let lab = lab().await;
    // One of them each; which is which does not matter.
    for versions in ALL_VERSIONS.chunks(1) {
        let client = Client::agent_speaking(&lab, versions);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut connection = client.connect(lab.replica(), PuppetServer).await.unwrap();
            assert_eq!(connection.handshake, Some(kind));
            let path = "/puppet/v3/node/agent.test?environment=production";
            assert_eq!(
                connection.send(Method::GET, path, "").await.unwrap().status,
                200
            );
        }
    }
}
