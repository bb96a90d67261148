//! Certificates, keys and revocation lists, by what their files hold.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::{Finding, Rule, SslFact};
use crate::Place;

pub(super) fn check(facts: &[SslFact], now: SystemTime, findings: &mut Vec<Finding>) {
    findings.extend(facts.iter().filter_map(|fact| judge(fact, now)));
}

fn judge(fact: &SslFact, now: SystemTime) -> Option<Finding> {
    let finding = match fact {
        SslFact::Certificate {
            path,
            subject,
            not_before,
            not_after,
        } => {
            let (rule, what) = match Age::of(*not_after, now) {
                _ if now < *not_before => (
                    Rule::CertificateNotYetValid,
                    format!(
                        "The certificate of {subject} is valid from {} on.",
                        day(*not_before)
                    ),
                ),
                Age::Past => (
                    Rule::CertificateExpired,
                    format!(
                        "The certificate of {subject} expired on {}.",
                        day(*not_after)
                    ),
                ),
                Age::Soon => (
                    Rule::CertificateExpiresSoon,
                    format!(
                        "The certificate of {subject} expires on {}.",
                        day(*not_after)
                    ),
                ),
                Age::Good => return None,
            };
            let fix = match rule {
                Rule::CertificateNotYetValid => "Set this machine's clock right.",
                Rule::CertificateExpired => {
                    "Only the master signs: clean an agent's there and here, and run puppet ssl \
                     bootstrap; renew the authority's there."
                }
                _ => {
                    "Only the master signs, so do it while it is there: renew an agent's with \
                     puppet ssl renew_cert, the authority's at the master."
                }
            };
            Finding::new(rule, Place::Whole(path.clone()), what, fix)
        }
        SslFact::RevocationList {
            path,
            issuer,
            next_update,
        } => {
            let next_update = (*next_update)?;
            let date = day(next_update);
            let (rule, what) = match Age::of(next_update, now) {
                Age::Past => (
                    Rule::RevocationListExpired,
                    format!("The list of {issuer} was to be replaced by {date}."),
                ),
                Age::Soon => (
                    Rule::RevocationListExpiresSoon,
                    format!("The list of {issuer} is to be replaced by {date}."),
                ),
                Age::Good => return None,
            };
            let fix = "Have the authority issue a new list at the master, and fetch it with puppet \
                       ssl download_crl or by a run.";
            Finding::new(rule, Place::Whole(path.clone()), what, fix)
        }
        SslFact::KeyMismatch { key, cert } => Finding::new(
            Rule::KeyMismatch,
            Place::Whole(key.clone()),
            format!(
                "It is not the key of the certificate in {}.",
                cert.display()
            ),
            "Restore the other of the two, or clean the certificate at the master and here, and \
             run puppet ssl bootstrap.",
        ),
        SslFact::KeyMode { path, mode } if mode & OTHERS != 0 => Finding::new(
            Rule::KeyReadableByOthers,
            Place::Whole(path.clone()),
            format!("Its mode is {mode:04o}, so that every user may read it."),
            "Run chmod o= on it; Puppet itself makes keys with 0640.",
        ),
        SslFact::KeyMode { .. } => return None,
        SslFact::Unusable { path, why } => Finding::new(
            Rule::UnusableCertificateFile,
            Place::Whole(path.clone()),
            format!("{why}."),
            "Run this as root if only root may read it. Else restore it, or have it made anew with \
             puppet ssl bootstrap.",
        ),
    };
    Some(finding)
}

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Good,
    Soon,
    Past,
}

impl Age {
    pub(super) fn of(end: SystemTime, now: SystemTime) -> Self {
        match end.duration_since(now) {
            Err(_) => Self::Past,
            Ok(left) if left <= SOON => Self::Soon,
            Ok(_) => Self::Good,
        }
    }
}

/// The day in UTC, like 2026-11-24.
pub(super) fn day(time: SystemTime) -> String {
    let since_1970 = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs())
            .ok()
            .map(|secs| -secs),
    };
    let date = since_1970.and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    date.map_or_else(
        || "a day past the calendar".to_owned(),
        |date| date.date().to_string(),
    )
}

/// As long before its end as Puppet 8 renews an agent's certificate: `hostcert_renewal_interval`.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The permission bits of those who are neither owner nor in the group.
const OTHERS: u32 = 0o007;
