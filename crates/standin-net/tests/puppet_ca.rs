//! Certificates that a real Puppet CA made: see `puppet_ca/make`.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use standin_core::Server;
use standin_net::trust::Trouble;
use standin_net::{
    ClientCertificate, ConnectError, Connector, Names, Revocation, SslFiles, Stream, Tls,
    TrustFailure,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use support::server::{AMPLE, LOOPBACK};

mod support;

fn ssldir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/puppet_ca")
}

/// An agent that shows nothing, and has nothing to show.
fn nobody() -> Tls {
    let files = SslFiles {
        client_certificate: ClientCertificate::NotShown,
        ..SslFiles::in_dir(&ssldir(), "nobody.example.com")
    };
    Tls::from_files(&files).unwrap()
}

fn agent(revocation: Revocation) -> Tls {
    let files = SslFiles {
        revocation,
        ..SslFiles::in_dir(&ssldir(), "agent.example.com")
    };
    Tls::from_files(&files).unwrap()
}

/// Dials `dialled` where a server has the certificate of `certname`.
async fn dial(
    tls: &Tls,
    dialled: &str,
    certname: &str,
) -> (
    Result<Stream, ConnectError>,
    Option<CertificateDer<'static>>,
) {
    let pem = format!("{certname}.pem");
    let read = |below: &str| ssldir().join(below).join(&pem);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(ssldir().join("certs/ca.pem")).unwrap() {
        roots.add(authority.unwrap()).unwrap();
    }
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .allow_unauthenticated();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_file(read("certs")).unwrap()],
            PrivateKeyDer::from_pem_file(read("private_keys")).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let server = Server::new(dialled, listener.local_addr().unwrap().port()).unwrap();
    let serving = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let tls = TlsAcceptor::from(Arc::new(config)).accept(tcp).await.ok()?;
        Some(tls.get_ref().1.peer_certificates()?[0].clone().into_owned())
    });
    let connector = Connector::new(tls.clone(), Names::new().with(dialled, LOOPBACK));
    let dialled = connector.connect(&server, AMPLE).await;
    (dialled, serving.await.unwrap())
}

#[tokio::test]
async fn a_certificate_with_alternative_names_is_trusted_both_ways() {
    for revocation in [Revocation::Chain, Revocation::Leaf, Revocation::Off] {
        for name in ["master.example.com", "puppet"] {
            let (stream, shown) = dial(&agent(revocation), name, "master.example.com").await;
            stream.unwrap();
            let own = ssldir().join("certs/agent.example.com.pem");
            assert_eq!(shown, Some(CertificateDer::from_pem_file(own).unwrap()));
        }
    }
}

#[tokio::test]
async fn a_certificate_with_a_common_name_only_is_trusted() {
    let name = "replica.example.com";
    let (stream, shown) = dial(&agent(Revocation::Chain), name, name).await;
    stream.unwrap();
    assert!(shown.is_some());
}

#[tokio::test]
async fn a_certificate_with_a_common_name_only_is_for_that_name_only() {
    let agent = agent(Revocation::Chain);
    let (refused, _) = dial(&agent, "master.example.com", "replica.example.com").await;
    let failure = TrustFailure::find(&refused.unwrap_err()).unwrap();
    assert_eq!(failure.trouble(), Trouble::WrongName);
    let text = failure.to_string();
    for name in ["master.example.com", "replica.example.com"] {
        assert!(text.contains(name), "{text}");
    }
}

#[tokio::test]
async fn a_common_name_does_not_count_beside_the_alternative_names() {
    let agent = agent(Revocation::Chain);
    let (refused, _) = dial(&agent, "other.example.com", "master.example.com").await;
    let failure = TrustFailure::find(&refused.unwrap_err()).unwrap();
    assert_eq!(failure.trouble(), Trouble::WrongName);
    assert!(failure.to_string().contains("\"puppet\""), "{failure}");
}

#[tokio::test]
async fn who_shows_nothing_needs_no_certificate_and_verifies_all_the_same() {
    let name = "replica.example.com";
    let (stream, shown) = dial(&nobody(), name, name).await;
    stream.unwrap();
    assert_eq!(shown, None);
    let (refused, _) = dial(&nobody(), "master.example.com", name).await;
    let failure = TrustFailure::find(&refused.unwrap_err()).unwrap();
    assert_eq!(failure.trouble(), Trouble::WrongName);
}
