//! The files of an agent: what is taken, and what each fault says.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::error::Error as StdError;
use std::fs;
use std::path::Path;

use rcgen::date_time_ymd;
use standin_net::{Revocation, SslFileError, SslFiles, Tls};
use tempfile::TempDir;

use support::pki::{Pki, certificate};
use support::ssldir;

mod support;

fn good() -> (TempDir, SslFiles) {
    let pki = Pki::new();
    ssldir(&pki, &pki.issue(&certificate("agent.example.com")))
}

/// What reading the files says once `spoil` has had them.
fn fault(spoil: impl FnOnce(&SslFiles)) -> (SslFiles, SslFileError) {
    let (_dir, files) = good();
    spoil(&files);
    let fault = Tls::from_files(&files).unwrap_err();
    (files, fault)
}

#[track_caller]
fn assert_says(fault: &SslFileError, path: &Path, what_to_do: &str) {
    let text = fault.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(text.contains(what_to_do), "{text}");
}

#[test]
fn good_files_are_taken() {
    let (_dir, files) = good();
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_missing_file_is_named() {
    type Which = fn(&SslFiles) -> &Path;
    let each: [Which; 4] = [|of| &of.ca, |of| &of.cert, |of| &of.key, |of| &of.crl];
    for which in each {
        let (files, fault) = fault(|files| fs::remove_file(which(files)).unwrap());
        assert!(matches!(fault, SslFileError::Read { .. }), "{fault:?}");
        assert_says(&fault, which(&files), "may this user read it?");
        assert!(fault.source().is_some());
    }
}

#[test]
fn broken_pem_is_told() {
    let broken = "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n";
    let (files, fault) = fault(|files| fs::write(&files.ca, broken).unwrap());
    assert!(matches!(fault, SslFileError::Pem { .. }), "{fault:?}");
    assert_says(&fault, &files.ca, "restore CA certificates there");
}

#[test]
fn a_file_that_ends_in_the_middle_is_told() {
    let (files, fault) = fault(|files| {
        let whole = fs::read(&files.cert).unwrap();
        fs::write(&files.cert, &whole[..whole.len() / 2]).unwrap();
    });
    assert!(matches!(fault, SslFileError::Pem { .. }), "{fault:?}");
    assert_says(&fault, &files.cert, "restore a certificate there");
}

#[test]
fn text_that_is_no_pem_at_all_is_told() {
    let (files, fault) = fault(|files| fs::write(&files.ca, "<html>404</html>").unwrap());
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(&fault, &files.ca, "`puppet ssl`");
}

#[test]
fn pem_that_is_not_a_certificate_inside_is_told() {
    let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let (files, fault) = fault(|files| fs::write(&files.cert, empty).unwrap());
    assert!(
        matches!(fault, SslFileError::Certificate { .. }),
        "{fault:?}"
    );
    assert_says(&fault, &files.cert, "`puppet ssl`");
}

#[test]
fn a_key_in_the_place_of_the_certificate_is_told() {
    let (files, fault) = fault(|files| {
        fs::copy(&files.key, &files.cert).unwrap();
    });
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(
        &fault,
        &files.cert,
        "does not hold a certificate; restore it",
    );
}

#[test]
fn a_certificate_in_the_place_of_the_key_is_told() {
    let (files, fault) = fault(|files| {
        fs::copy(&files.cert, &files.key).unwrap();
    });
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(&fault, &files.key, "does not hold a private key");
}

#[test]
fn an_encrypted_key_without_a_pass_phrase_is_told() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let (files, fault) = fault(|files| fs::write(&files.key, encrypted).unwrap());
    assert!(
        matches!(fault, SslFileError::NoPassPhrase { .. }),
        "{fault:?}"
    );
    assert_says(&fault, &files.key, files.passfile.to_str().unwrap());
}

#[test]
fn an_empty_file_of_revocation_lists_is_told() {
    let (files, fault) = fault(|files| fs::write(&files.crl, "").unwrap());
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(
        &fault,
        &files.crl,
        "does not hold revocation lists; restore it",
    );
}

#[test]
fn a_revocation_list_that_is_none_inside_is_told() {
    let empty = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    let (files, fault) = fault(|files| fs::write(&files.crl, empty).unwrap());
    assert!(matches!(fault, SslFileError::Unusable { .. }), "{fault:?}");
    assert_says(&fault, &files.crl, "`puppet ssl`");
}

#[test]
fn a_file_of_the_ca_without_a_root_is_told() {
    let intermediate = Pki::new().ca.pem();
    let (files, fault) = fault(|files| fs::write(&files.ca, intermediate).unwrap());
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(
        &fault,
        &files.ca,
        "the self-signed certificate of a root CA",
    );
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let other = Pki::new().issue(&certificate("agent.example.com")).key;
    let (files, fault) = fault(|files| fs::write(&files.key, other.serialize_pem()).unwrap());
    assert!(
        matches!(fault, SslFileError::KeyMismatch { .. }),
        "{fault:?}"
    );
    assert_says(&fault, &files.key, "`puppet ssl bootstrap`");
    assert_says(&fault, &files.cert, "restore the other");
}

#[test]
fn an_expired_certificate_is_told() {
    let mut expired = certificate("agent.example.com");
    expired.not_after = date_time_ymd(2021, 2, 3);
    let pki = Pki::new();
    let (_dir, files) = ssldir(&pki, &pki.issue(&expired));
    let fault = Tls::from_files(&files).unwrap_err();
    assert!(matches!(fault, SslFileError::Expired { .. }), "{fault:?}");
    assert_says(&fault, &files.cert, "renew it");
    assert_says(&fault, &files.cert, "2021");
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_told() {
    let mut early = certificate("agent.example.com");
    early.not_before = date_time_ymd(2110, 2, 3);
    let pki = Pki::new();
    let (_dir, files) = ssldir(&pki, &pki.issue(&early));
    let fault = Tls::from_files(&files).unwrap_err();
    assert!(
        matches!(fault, SslFileError::NotYetValid { .. }),
        "{fault:?}"
    );
    assert_says(&fault, &files.cert, "is this machine's clock right?");
}

#[test]
fn without_revocation_the_lists_are_not_read() {
    let (_dir, mut files) = good();
    fs::remove_file(&files.crl).unwrap();
    files.revocation = Revocation::Off;
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_key_in_pkcs8_is_taken() {
    let (_dir, files) = good();
    let key = fs::read_to_string(&files.key).unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_key_in_pkcs1_is_taken() {
    let (_dir, files) = good();
    fs::write(&files.key, PKCS1_KEY).unwrap();
    fs::write(&files.cert, PKCS1_CERT).unwrap();
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_key_in_sec1_is_taken() {
    let (_dir, files) = good();
    fs::write(&files.key, SEC1_KEY).unwrap();
    fs::write(&files.cert, SEC1_CERT).unwrap();
    Tls::from_files(&files).unwrap();
}

/// An agent whose key is encrypted, as OpenSSL does it, with the pass phrase `sesame`.
fn encrypted(key: &str, cert: &str, phrase: &str) -> (TempDir, SslFiles) {
    let (dir, files) = good();
    fs::write(&files.key, key).unwrap();
    fs::write(&files.cert, cert).unwrap();
    fs::create_dir(files.passfile.parent().unwrap()).unwrap();
    fs::write(&files.passfile, phrase).unwrap();
    (dir, files)
}

const RSA_CERT: &str = include_str!("keys/rsa.crt");
const EC_CERT: &str = include_str!("keys/ec.crt");

#[test]
fn an_encrypted_key_is_opened_with_the_pass_phrase() {
    for (key, cert) in [
        // What Puppet writes itself.
        (include_str!("keys/rsa-aes128.key"), RSA_CERT),
        (include_str!("keys/rsa-des3.key"), RSA_CERT),
        (include_str!("keys/ec-aes192.key"), EC_CERT),
        (include_str!("keys/ec-aes256.key"), EC_CERT),
        (include_str!("keys/ec-pkcs8.key"), EC_CERT),
        (include_str!("keys/ec-pkcs8-sha1.key"), EC_CERT),
        (include_str!("keys/ec-pkcs8-des3.key"), EC_CERT),
        (include_str!("keys/ec-pkcs8-scrypt.key"), EC_CERT),
    ] {
        let (_dir, files) = encrypted(key, cert, "sesame");
        Tls::from_files(&files).unwrap();
    }
}

#[test]
fn a_pass_phrase_may_end_in_a_line_end() {
    let (_dir, files) = encrypted(include_str!("keys/ec-aes256.key"), EC_CERT, "sesame\r\n");
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_wrong_pass_phrase_is_told() {
    for key in [
        include_str!("keys/ec-aes256.key"),
        include_str!("keys/ec-pkcs8.key"),
    ] {
        let (_dir, files) = encrypted(key, EC_CERT, "open, barley");
        let fault = Tls::from_files(&files).unwrap_err();
        assert!(
            matches!(fault, SslFileError::WrongPassPhrase { .. }),
            "{fault:?}"
        );
        assert_says(&fault, &files.passfile, "does not open the key");
    }
}

#[test]
fn a_cipher_that_is_not_known_is_told() {
    let (_dir, files) = encrypted(include_str!("keys/ec-camellia.key"), EC_CERT, "sesame");
    let fault = Tls::from_files(&files).unwrap_err();
    assert!(
        matches!(fault, SslFileError::UnknownCipher { .. }),
        "{fault:?}"
    );
    assert_says(&fault, &files.key, "openssl pkcs8 -topk8");
}

#[test]
fn a_pass_phrase_is_not_looked_for_when_the_key_is_open() {
    let (_dir, files) = good();
    assert!(!files.passfile.exists());
    Tls::from_files(&files).unwrap();
}

#[test]
fn a_trust_store_that_holds_no_certificate_is_told() {
    let (dir, mut files) = good();
    let store = dir.path().join("store.pem");
    fs::write(&store, "# none yet").unwrap();
    files.others.trust_store = Some(store.clone());
    let fault = Tls::from_files(&files).unwrap_err();
    assert!(matches!(fault, SslFileError::Missing { .. }), "{fault:?}");
    assert_says(&fault, &store, "certificates of authorities");
}

// Made with OpenSSL, as rcgen writes PKCS#8 only: `openssl genrsa -traditional` and
// `openssl ecparam -name prime256v1 -genkey`, each with a certificate of 2020 to 2120 that it signed
// for itself. They guard nothing.

const PKCS1_KEY: &str = "\
-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEA52kHBgEkEU9Jdol7+ImbErNrRtyifKL3elj8sx8PWXH27N5Y
gZY7ghp5hXxzKyTL73DIB6pV5gk+zeZYtrmEyZXztTT9nPqMvX632GrC6Pq0xaQ3
lE91i7CtLjevBuID+fDjl7uZHj/amtKM780quzv1Ky6EYxaauRPyawZ54v5GMMRn
gtu/av3PjOU5DpsPTR3AUJQzni8vThEl3UiA6dIUlwhPjwjab7pHFvDxVtfU+yb+
IxbNYobCiCR5i/g7VxXP6zAc6aBO5EaM+MP1Clvl1N3BqQVmLLd3TbrlLFJrcT/2
/q56jGQBwUD7GNwfx2uWhx5g7xV8beXS6O8nAwIDAQABAoIBAB2EubchMnXHdzeu
LkipW5p6lY7FT9rLOlClL52KXZMLel6DtvwswEGGhAWBjFAEEm7kJDf0w/P4g5uQ
gbTT8brPLHZrIIYY4GwUUSTuQBenp03mITWDdJs8Ob3BWkvBTUA241P0blc7+PQy
iHTXEdeEEfA6BPwozYAZ/xx6MoEVr+kHjOJR3sAobcH5CXfkYVG0r77hKHx7bkvT
qHQ8maQDA5gEqj4BFUotRw/5xNzRJRUraVmytO8dvBqQORoTLcCMwaKWd5xbCMbL
RX4Ht4Dk+tkXS6uuRffe0MwC1RhyVotRuKbFrkYWOq7On75lVqgLdlmbhvrZ/Ft2
3bshv80CgYEA/ZDt8T9npqWm/NBvxnIW5bbOXYPvWtPl2Z06H3kaA4eNpLRSklG9
QODO+h0uH9ae6bzVUAAB3WZEAw/yIGRcbMHTzYG+0Or3fsmN6oHsFdGHgkQhwOYG
iEtJy8wi8zRC3kLFADjuGdGQjqhNW79M/mtBjqRMRyaBv9TS2Zl3LncCgYEA6aGn
6HRAyVHR7b+SwV6ts175j/slt04ej8ytY9g20qjJV1H1hfSPzX8Zujq4y15dG5Oj
kx/hReXAx18JCIV2pYgRxzptuSZAAg9rhfCzFosfk0nehu4qO+cmt6ILYQYJcpn2
c1hxrnEaF8OvC/EwiRJ7hqLRbfAsVpCdjPEv8tUCgYBQQHxubEjb33XYcgfOYPGK
Rq9NvaIVtxb6Jt7scyGemFpmFIRFtwUU8ZHQa0fb38tv4soIhdgRQHqqFXPmeJ0f
9sCYPEYuTQ+D2zrFS9VymlwvCG0+Zg8PN/TlQXiWTKYVPkCnb108Yq1D2VSSgxtV
MpEPGkTiB/fsxOju4blsxQKBgFh6Cu+CTyKupLTHzxkB9QAv4I0BTIg9wl8s4SEl
uaVPnGhANp4TPv5QuvqG0ILb6qDN6a2G7jYdS0N1nyMmAAeyHyF25CSw8p6VHmAs
BnZsG3oZCHfK7B2hbU0vxeVpdtx6qBWIkgzA8mO7jKgWIA5Y/ITBVlSvFut1euTs
Vf89AoGBAOK/GClZpJ1hxG/CfM1dQRkQoN886miFuC424jIQOSrHNWy+ScQR0UjW
Sl+nQzVDQszz9N0FvRtiqp6Jr+ftdvHNEPuFNW51d7vaAi+3KFMIZYUbk85T9gcU
FxeltGSFk4/zFwRLARPO1MWAlnlVTfRzCASyQPw4LEe6KqSiCzLY
-----END RSA PRIVATE KEY-----
";

const PKCS1_CERT: &str = "\
-----BEGIN CERTIFICATE-----
MIIC5DCCAcygAwIBAgIBATANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFhZ2Vu
dC5leGFtcGxlLmNvbTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
HDEaMBgGA1UEAwwRYWdlbnQuZXhhbXBsZS5jb20wggEiMA0GCSqGSIb3DQEBAQUA
A4IBDwAwggEKAoIBAQDnaQcGASQRT0l2iXv4iZsSs2tG3KJ8ovd6WPyzHw9Zcfbs
3liBljuCGnmFfHMrJMvvcMgHqlXmCT7N5li2uYTJlfO1NP2c+oy9frfYasLo+rTF
pDeUT3WLsK0uN68G4gP58OOXu5keP9qa0ozvzSq7O/UrLoRjFpq5E/JrBnni/kYw
xGeC279q/c+M5TkOmw9NHcBQlDOeLy9OESXdSIDp0hSXCE+PCNpvukcW8PFW19T7
Jv4jFs1ihsKIJHmL+DtXFc/rMBzpoE7kRoz4w/UKW+XU3cGpBWYst3dNuuUsUmtx
P/b+rnqMZAHBQPsY3B/Ha5aHHmDvFXxt5dLo7ycDAgMBAAGjLzAtMAwGA1UdEwEB
/wQCMAAwHQYDVR0OBBYEFLyDo1EjkUXPu81TpVjtz3UDM65iMA0GCSqGSIb3DQEB
CwUAA4IBAQBTQGB80oXa5t4O4kk6+NQYEK4XTbQwdkWfKl+Y+yQn7vAwp7Q7jQZX
gR+9GPw96sYt+ViFOmNKHJYBypTkP1F/LmFpon7xjHxg7zzNibV6iFdXCfKHsVHN
fp2Exavc0knwuUGhjgtc4gI29c8kCqdWKRLzTrR03YTWodjnAXMy9U7a8zfYo58j
MJzPGTH74arbMzwCQefXak18TYtIMT0yc8DqM5oQapcjhBV0hlOASObBzo4eVn50
7VsLtNlxQwBOZmnqFd++vpDYk6xRwKU2PAciXtudYctmaKsey1EiH+c19nasa1ju
XKbztyewTbNt2C4gWJmquHjbMJK28cmR
-----END CERTIFICATE-----
";

const SEC1_KEY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEILXxuHy/E1o7dTuBJEIK2QcRrGBKX5/hjCbpF9jU4EHRoAoGCCqGSM49
AwEHoUQDQgAEOxgPOr+wjji79HIqsWmOaBu2Iy0kQWegXytJRmpq94xzQ2cTN+eR
QJimFyFPz541fVWW/Ta2XVIrUkXiwqINZQ==
-----END EC PRIVATE KEY-----
";

const SEC1_CERT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBVzCB/qADAgECAgEBMAoGCCqGSM49BAMCMBwxGjAYBgNVBAMMEWFnZW50LmV4
YW1wbGUuY29tMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAcMRow
GAYDVQQDDBFhZ2VudC5leGFtcGxlLmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABDsYDzq/sI44u/RyKrFpjmgbtiMtJEFnoF8rSUZqaveMc0NnEzfnkUCYphch
T8+eNX1Vlv02tl1SK1JF4sKiDWWjLzAtMAwGA1UdEwEB/wQCMAAwHQYDVR0OBBYE
FOpIEy6Rzr201x6WsbOG31dZ5R0dMAoGCCqGSM49BAMCA0gAMEUCIQCFKDMBOZpG
UCz3lcsmAbS4eD4e/PVmPmrLZujf+GHJtAIgUmhcA29PT23dAewo+Y3O2ek4cNZ5
8owhJ5Sly59aELY=
-----END CERTIFICATE-----
";
