use super::super::ssl::day;
use super::*;
use std::path::PathBuf;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn with(fact: SslFact) -> Setup {
    let mut setup = Setup::healthy();
    setup.facts.ssl = vec![fact];
    setup
}

fn certificate(not_before: SystemTime, not_after: SystemTime) -> Setup {
    with(SslFact::Certificate {
        path: PathBuf::from("/s/certs/a.pem"),
        subject: "a.test".to_owned(),
        not_before,
        not_after,
    })
}

fn list(next_update: Option<SystemTime>) -> Setup {
    with(SslFact::RevocationList {
        path: PathBuf::from("/s/crl.pem"),
        issuer: "Puppet CA".to_owned(),
        next_update,
    })
}

#[test]
fn a_certificate_is_told_from_30_days_before_its_end() {
    let until = |left| certificate(now() - DAY, now() + left);
    let (place, what) = found(Rule::CertificateExpiresSoon, until(30 * DAY));
    assert_eq!(place, "/s/certs/a.pem");
    assert_eq!(what, "The certificate of a.test expires on 2026-12-18.");
    silent(Rule::CertificateExpiresSoon, until(31 * DAY));
}

#[test]
fn a_certificate_past_its_end_is_told() {
    let ended = |before| certificate(now() - 9 * DAY, now() - before);
    found(Rule::CertificateExpired, ended(Duration::from_secs(1)));
    silent(Rule::CertificateExpiresSoon, ended(Duration::from_secs(1)));
    silent(Rule::CertificateExpired, certificate(now() - DAY, now()));
}

#[test]
fn a_certificate_before_its_time_is_told() {
    found(
        Rule::CertificateNotYetValid,
        certificate(now() + DAY, now() + 99 * DAY),
    );
    silent(
        Rule::CertificateNotYetValid,
        certificate(now(), now() + 99 * DAY),
    );
}

#[test]
fn a_revocation_list_is_told_from_30_days_before_its_end() {
    let (place, what) = found(Rule::RevocationListExpiresSoon, list(Some(now() + DAY)));
    assert_eq!(place, "/s/crl.pem");
    assert_eq!(
        what,
        "The list of Puppet CA is to be replaced by 2026-11-19."
    );
    silent(
        Rule::RevocationListExpiresSoon,
        list(Some(now() + 31 * DAY)),
    );
}

#[test]
fn a_revocation_list_past_its_end_is_told() {
    found(Rule::RevocationListExpired, list(Some(now() - DAY)));
    silent(Rule::RevocationListExpired, list(Some(now() + DAY)));
    silent(Rule::RevocationListExpired, list(None));
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let (place, what) = found(
        Rule::KeyMismatch,
        with(SslFact::KeyMismatch {
            key: PathBuf::from("/s/key.pem"),
            cert: PathBuf::from("/s/cert.pem"),
        }),
    );
    assert_eq!(place, "/s/key.pem");
    assert!(what.contains("/s/cert.pem"), "{what}");
    silent(Rule::KeyMismatch, Setup::healthy());
}

#[test]
fn a_key_that_everybody_reads_is_told() {
    let mode = |mode| {
        with(SslFact::KeyMode {
            path: PathBuf::from("/s/key.pem"),
            mode,
        })
    };
    let (_, what) = found(Rule::KeyReadableByOthers, mode(0o644));
    assert!(what.contains("0644"), "{what}");
    silent(Rule::KeyReadableByOthers, mode(0o640));
}

#[test]
fn a_file_that_cannot_be_used_is_told() {
    let (_, what) = found(
        Rule::UnusableCertificateFile,
        with(SslFact::Unusable {
            path: PathBuf::from("/s/ca.pem"),
            why: "it holds nothing".to_owned(),
        }),
    );
    assert_eq!(what, "it holds nothing.");
    silent(Rule::UnusableCertificateFile, Setup::healthy());
}

#[test]
fn days_of_any_year_are_written() {
    assert_eq!(day(UNIX_EPOCH), "1970-01-01");
    assert_eq!(day(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31");
    let far = UNIX_EPOCH
        .checked_add(Duration::from_secs(1 << 60))
        .unwrap();
    assert_eq!(day(far), "a day past the calendar");
}
