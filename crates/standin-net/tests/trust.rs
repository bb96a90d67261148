//! Every want of trust between an agent and a server, over real TLS: told apart, with the names that
//! were found and expected, and what to renew.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::fs;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{SignatureScheme, version};
use standin_core::{Server, Verdict};
use standin_net::trust::{Refusal, Trouble, common};
use standin_net::{Connector, Names, Revocation, Tls, TrustFailure};
use tokio::io::AsyncReadExt;

use support::pki::{CA_SERIAL, LEAF_SERIAL, Pki, authority, certificate, crl, dns};
use support::said::Said;
use support::server::{AMPLE, Agent, LOOPBACK, MASTER, Serving};

mod support;

/// What an agent says of a server with this certificate of its CA.
async fn of_server(agent: &Agent, params: &CertificateParams) -> Option<TrustFailure> {
    let leaf = agent.pki.issue(params);
    let server = Serving::start(&leaf, vec![], &agent.pki, rustls::ALL_VERSIONS).await;
    met(agent, &server).await
}

async fn met(agent: &Agent, server: &Serving) -> Option<TrustFailure> {
    let error = agent.dial(server).await.err()?;
    assert_eq!(error.verdict(), Verdict::Untrusted, "{error:?}");
    Some(TrustFailure::find(&error).unwrap())
}

#[track_caller]
fn assert_says(failure: Option<TrustFailure>, trouble: Trouble, says: &[&str]) {
    let failure = failure.expect("it was trusted");
    assert_eq!(failure.trouble(), trouble);
    let text = failure.to_string();
    for part in says {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

fn with_lists(of_ca: &[u64], of_root: &[u64], years: [i32; 2], revocation: Revocation) -> Agent {
    let pki = Pki::new();
    let lists = [
        crl(&pki.ca, of_ca, years[0]).pem().unwrap(),
        crl(&pki.root, of_root, years[1]).pem().unwrap(),
    ];
    Agent::with(pki, |files| {
        files.revocation = revocation;
        fs::write(&files.crl, lists.concat()).unwrap();
    })
}

#[tokio::test]
async fn a_server_of_another_name_is_told_with_both_names() {
    let agent = Agent::of(Pki::new());
    let mut other = certificate("puppet");
    other.subject_alt_names = vec![dns("puppet"), dns("other.example.com")];
    let failure = of_server(&agent, &other).await;
    let says = [MASTER, "\"puppet\"", "other.example.com"];
    assert_says(failure, Trouble::WrongName, &says);
    let failure = of_server(&agent, &certificate("other.example.com")).await;
    assert_says(failure, Trouble::WrongName, &[MASTER, "other.example.com"]);
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_told_with_the_authority() {
    let agent = Agent::of(Pki::new());
    let theirs = Pki::from_params(authority("Their Root", 1), authority("Their CA", 2));
    let leaf = theirs.issue(&certificate(MASTER));
    let server = Serving::start(&leaf, theirs.ca(), &agent.pki, rustls::ALL_VERSIONS).await;
    let failure = met(&agent, &server).await;
    assert_says(failure, Trouble::UnknownIssuer, &[MASTER, "CN=Their CA"]);
}

#[tokio::test]
async fn a_ca_that_was_made_anew_under_its_name_is_an_unknown_one() {
    let agent = Agent::of(Pki::new());
    let server = Serving::master(&Pki::new()).await;
    let failure = met(&agent, &server).await;
    assert_says(failure, Trouble::UnknownIssuer, &[MASTER, "CN=Puppet CA"]);
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_last_day() {
    let mut expired = certificate(MASTER);
    expired.not_after = date_time_ymd(2021, 2, 3);
    let failure = of_server(&Agent::of(Pki::new()), &expired).await;
    let says = ["CN=master.example.com on Feb  3", "2021"];
    assert_says(failure, Trouble::Expired, &says);
}

#[tokio::test]
async fn an_expired_authority_is_told_by_its_own_name() {
    let mut ca = authority("Puppet CA", CA_SERIAL);
    ca.not_after = date_time_ymd(2021, 2, 3);
    let agent = Agent::of(Pki::from_params(authority("Puppet Root CA", 1), ca));
    let failure = of_server(&agent, &certificate(MASTER)).await;
    assert_says(failure, Trouble::Expired, &["CN=Puppet CA on", "2021"]);
}

#[tokio::test]
async fn a_certificate_of_the_future_is_told_with_its_first_day() {
    let mut early = certificate(MASTER);
    early.not_before = date_time_ymd(2110, 2, 3);
    let failure = of_server(&Agent::of(Pki::new()), &early).await;
    assert_says(
        failure,
        Trouble::NotYetValid,
        &["CN=master.example.com", "2110"],
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_told_in_chain_and_in_leaf_mode() {
    for revocation in [Revocation::Chain, Revocation::Leaf] {
        let agent = with_lists(&[LEAF_SERIAL], &[], [2120, 2120], revocation);
        let failure = of_server(&agent, &certificate(MASTER)).await;
        assert_says(failure, Trouble::Revoked, &["CN=master.example.com"]);
    }
}

#[tokio::test]
async fn a_revoked_authority_is_told_by_its_name_and_only_in_chain_mode() {
    let agent = with_lists(&[], &[CA_SERIAL], [2120, 2120], Revocation::Chain);
    let failure = of_server(&agent, &certificate(MASTER)).await;
    assert_says(failure, Trouble::Revoked, &["CN=Puppet CA"]);
    let agent = with_lists(&[], &[CA_SERIAL], [2120, 2120], Revocation::Leaf);
    assert!(of_server(&agent, &certificate(MASTER)).await.is_none());
}

#[tokio::test]
async fn an_expired_list_is_told_with_its_issuer_and_day() {
    for revocation in [Revocation::Chain, Revocation::Leaf] {
        let agent = with_lists(&[], &[], [2021, 2120], revocation);
        let failure = of_server(&agent, &certificate(MASTER)).await;
        let says = ["the list of CN=Puppet CA was", "2021"];
        assert_says(failure, Trouble::ListExpired, &says);
    }
}

#[tokio::test]
async fn an_expired_list_of_the_root_matters_in_chain_mode_only() {
    let agent = with_lists(&[], &[], [2120, 2021], Revocation::Chain);
    let failure = of_server(&agent, &certificate(MASTER)).await;
    assert_says(
        failure,
        Trouble::ListExpired,
        &["CN=Puppet Root CA", "2021"],
    );
    let agent = with_lists(&[], &[], [2120, 2021], Revocation::Leaf);
    assert!(of_server(&agent, &certificate(MASTER)).await.is_none());
}

#[tokio::test]
async fn a_missing_list_is_told_with_its_issuer() {
    let pki = Pki::new();
    let of_root = crl(&pki.root, &[], 2120).pem().unwrap();
    let agent = Agent::with(pki, |files| fs::write(&files.crl, of_root).unwrap());
    let failure = of_server(&agent, &certificate(MASTER)).await;
    assert_says(failure, Trouble::ListMissing, &["none of CN=Puppet CA"]);
}

#[tokio::test]
async fn nothing_revoked_matters_when_revocation_is_off() {
    let agent = with_lists(&[LEAF_SERIAL], &[CA_SERIAL], [2021, 2021], Revocation::Off);
    assert!(of_server(&agent, &certificate(MASTER)).await.is_none());
}

#[tokio::test]
async fn a_certificate_for_clients_only_is_told() {
    let mut client = certificate(MASTER);
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let failure = of_server(&Agent::of(Pki::new()), &client).await;
    assert_says(failure, Trouble::Unfit, &["CN=master.example.com"]);
}

/// What an agent hears of a server that refuses its certificate: in the handshake with TLS 1.2, and
/// as it reads the answer with TLS 1.3.
async fn refused(tls: &Tls, server: &Serving) -> Trouble {
    let connector = Connector::new(tls.clone(), Names::new().with(MASTER, LOOPBACK));
    let master = Server::new(MASTER, server.port).unwrap();
    let failure = match connector.connect(&master, AMPLE).await {
        Err(error) => {
            assert_eq!(error.verdict(), Verdict::Untrusted);
            TrustFailure::find(&error)
        }
        Ok(stream) => TrustFailure::find(&TokioIo::new(stream).read_u8().await.unwrap_err()),
    };
    let trouble = failure.unwrap().trouble();
    assert!(trouble.remedy().contains("agent"), "{}", trouble.remedy());
    trouble
}

#[tokio::test]
async fn a_revoked_agent_is_told_so_early_or_late() {
    for (version, told) in [
        (&version::TLS12, Trouble::Refused(Refusal::Revoked)),
        (&version::TLS13, Trouble::RefusedLate(Refusal::Revoked)),
    ] {
        let agent = Agent::of(Pki::new());
        let leaf = agent.pki.issue(&certificate(MASTER));
        let revoked = crl(&agent.pki.ca, &[LEAF_SERIAL], 2120).der().clone();
        let of_root = crl(&agent.pki.root, &[], 2120).der().clone();
        let lists = vec![revoked, of_root];
        let server = Serving::with_lists(&leaf, vec![], &agent.pki, lists, &[version]).await;
        assert_eq!(refused(&agent.tls, &server).await, told);
    }
}

#[tokio::test]
async fn an_agent_without_a_certificate_is_told_so() {
    let agent = Agent::of(Pki::new());
    let server = Serving::master(&agent.pki).await;
    let mut bare = agent.tls.config().as_ref().clone();
    bare.client_auth_cert_resolver = Arc::new(NoCertificate);
    let told = refused(&Tls::from_config(Arc::new(bare)), &server).await;
    assert_eq!(told, Trouble::RefusedLate(Refusal::Missing));
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_want_of_trust_is_warned_about_once_until_it_is_over_or_another() {
    let said = Said::listen();
    let agent = Agent::of(Pki::new());
    let server = |name: &str| agent.pki.issue(&certificate(name));
    let wrong = server("other.example.com");
    let serving = Serving::start(&wrong, vec![], &agent.pki, rustls::ALL_VERSIONS).await;
    let of = format!("server={MASTER}:{}", serving.port);
    for _ in 0..3 {
        met(&agent, &serving).await.unwrap();
    }
    let warnings = said.warnings_of(&of);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in ["other.example.com", "renew its certificate"] {
        assert!(warnings[0].contains(part), "{warnings:?}");
    }
    let good = serving.showing(&server(MASTER), &agent.pki).await;
    assert!(met(&agent, &good).await.is_none());
    let bad = good.showing(&wrong, &agent.pki).await;
    met(&agent, &bad).await.unwrap();
    assert_eq!(said.warnings_of(&of).len(), 2);
}

#[tokio::test]
async fn each_trouble_says_what_to_renew() {
    for trouble in [
        Trouble::WrongName,
        Trouble::UnknownIssuer,
        Trouble::Expired,
        Trouble::NotYetValid,
        Trouble::Revoked,
        Trouble::ListExpired,
        Trouble::ListMissing,
        Trouble::Unfit,
    ] {
        assert!(trouble.remedy().contains("renew"), "{}", trouble.remedy());
    }
}

#[tokio::test]
async fn the_same_trouble_at_every_server_is_found_common() {
    let agent = Agent::of(Pki::new());
    let mut expired = certificate(MASTER);
    expired.not_after = date_time_ymd(2021, 2, 3);
    let one = of_server(&agent, &expired).await;
    expired.not_after = date_time_ymd(2022, 2, 3);
    let other = of_server(&agent, &expired).await;
    let wrong = of_server(&agent, &certificate("other.example.com")).await;
    let trouble = |failures| common(failures).map(|failure| failure.trouble());
    let [one, other, wrong] = [one.unwrap(), other.unwrap(), wrong.unwrap()];
    let both = vec![Some(one.clone()), Some(other)];
    assert_eq!(trouble(both), Some(Trouble::Expired));
    assert_eq!(trouble(vec![Some(one.clone()), Some(wrong)]), None);
    assert_eq!(trouble(vec![Some(one), None]), None);
    assert_eq!(trouble(vec![]), None);
}

/// An agent that trusts authorities beside the Puppet CA, and those.
fn with_others() -> (Agent, Pki) {
    let others = Pki::from_params(authority("Public Root", 1), authority("Public CA", 2));
    let agent = Agent::with(Pki::new(), |files| {
        let store = files.ca.with_file_name("store.pem");
        fs::write(&store, others.ca_pem()).unwrap();
        files.others.trust_store = Some(store);
    });
    (agent, others)
}

async fn of_other_server(
    agent: &Agent,
    others: &Pki,
    params: &CertificateParams,
) -> Option<TrustFailure> {
    let leaf = others.issue(params);
    let server = Serving::start(&leaf, vec![], &agent.pki, rustls::ALL_VERSIONS).await;
    met(agent, &server).await
}

#[tokio::test]
async fn a_server_of_the_trust_store_is_trusted_by_its_alternative_names() {
    let (agent, others) = with_others();
    let mut server = certificate("anything");
    server.subject_alt_names = vec![dns(MASTER)];
    assert!(of_other_server(&agent, &others, &server).await.is_none());
}

#[tokio::test]
async fn a_common_name_does_not_count_under_other_authorities() {
    let (agent, others) = with_others();
    let failure = of_other_server(&agent, &others, &certificate(MASTER)).await;
    assert_says(failure, Trouble::WrongName, &[MASTER]);
}

#[tokio::test]
async fn a_common_name_still_counts_under_the_puppet_ca_beside_others() {
    let (agent, _) = with_others();
    assert!(of_server(&agent, &certificate(MASTER)).await.is_none());
}

#[tokio::test]
async fn what_the_puppet_ca_revoked_is_not_trusted_though_the_ca_is_in_the_trust_store() {
    let pki = Pki::new();
    let lists = [
        crl(&pki.ca, &[LEAF_SERIAL], 2120).pem().unwrap(),
        crl(&pki.root, &[], 2120).pem().unwrap(),
    ];
    let agent = Agent::with(pki, |files| {
        fs::write(&files.crl, lists.concat()).unwrap();
        files.others.trust_store = Some(files.ca.clone());
    });
    let mut server = certificate(MASTER);
    server.subject_alt_names = vec![dns(MASTER)];
    let failure = of_server(&agent, &server).await;
    assert_says(failure, Trouble::Revoked, &["CN=master.example.com"]);
}

/// Run again by itself with `SSL_CERT_FILE`, which is where the system's authorities are then.
#[tokio::test]
async fn the_systems_authorities_are_trusted_on_request_only() {
    const ALONE: &str = "STANDIN_TEST_SYSTEM_ROOTS";
    if let Some(dir) = std::env::var_os(ALONE) {
        let dir = std::path::PathBuf::from(dir);
        let others = Pki::from_params(authority("Public Root", 1), authority("Public CA", 2));
        fs::write(dir.join("system.pem"), others.ca_pem()).unwrap();
        let mut server = certificate("anything");
        server.subject_alt_names = vec![dns(MASTER)];
        let agent = Agent::of(Pki::new());
        let failure = of_other_server(&agent, &others, &server).await;
        assert_says(failure, Trouble::UnknownIssuer, &["CN=Public CA"]);
        let agent = Agent::with(Pki::new(), |files| {
            files.others.system = standin_net::SystemRoots::Trusted;
        });
        assert!(of_other_server(&agent, &others, &server).await.is_none());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "the_systems_authorities_are_trusted_on_request_only";
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, dir.path())
        .env("SSL_CERT_FILE", dir.path().join("system.pem"))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}
