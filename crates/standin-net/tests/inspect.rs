//! What certificates and revocation lists say of themselves.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::date_time_ymd;
use standin_net::{SslFileError, inspect};

use support::pki::{Pki, certificate, crl};
use support::ssldir;

mod support;

/// The beginning of the years in which certificates of the suites are valid.
fn of_2020() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_577_836_800)
}

/// And their end.
fn of_2120() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(4_733_510_400)
}

#[test]
fn the_certificates_of_a_file_are_told_in_its_order() {
    let pki = Pki::new();
    let (_dir, files) = ssldir(&pki, &pki.issue(&certificate("agent.example.com")));
    let authorities = inspect::certificates(&files.ca).unwrap();
    let subjects: Vec<&str> = authorities.iter().map(|of| of.subject.as_str()).collect();
    assert_eq!(subjects, ["Puppet CA", "Puppet Root CA"]);
    let own = inspect::certificates(&files.cert).unwrap();
    assert_eq!(own[0].subject, "agent.example.com");
    assert_eq!(
        (own[0].not_before, own[0].not_after),
        (of_2020(), of_2120())
    );
}

#[test]
fn the_lists_of_a_file_are_told_with_their_next_update() {
    let pki = Pki::new();
    let (_dir, files) = ssldir(&pki, &pki.issue(&certificate("agent.example.com")));
    fs::write(&files.crl, crl(&pki.ca, &[], 2120).pem().unwrap()).unwrap();
    let lists = inspect::revocation_lists(&files.crl).unwrap();
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].issuer, "Puppet CA");
    assert_eq!(lists[0].next_update, Some(of_2120()));
}

#[test]
fn what_is_no_certificate_or_list_is_named() {
    let pki = Pki::new();
    let (_dir, files) = ssldir(&pki, &pki.issue(&certificate("agent.example.com")));
    let fault = inspect::certificates(&files.crl).unwrap_err();
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    let broken = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    fs::write(&files.crl, broken).unwrap();
    let fault = inspect::revocation_lists(&files.crl).unwrap_err();
    assert!(matches!(fault, SslFileError::Unusable { .. }), "{fault:?}");
    assert!(
        fault.to_string().contains(files.crl.to_str().unwrap()),
        "{fault}"
    );
}

#[test]
fn a_key_of_another_certificate_is_told_even_when_that_has_expired() {
    let pki = Pki::new();
    let mut params = certificate("agent.example.com");
    params.not_after = date_time_ymd(2021, 1, 1);
    let (_dir, files) = ssldir(&pki, &pki.issue(&params));
    inspect::pairing(&files).unwrap();
    let other = pki.issue(&certificate("agent.example.com"));
    fs::write(&files.key, other.key.serialize_pem()).unwrap();
    let fault = inspect::pairing(&files).unwrap_err();
    assert!(
        matches!(fault, SslFileError::KeyMismatch { .. }),
        "{fault:?}"
    );
}
