//! Why an agent and a server do not trust each other, told apart, with the names found and expected.

use std::error::Error as StdError;
use std::fmt;

use rustls::{AlertDescription, CertificateError};
use x509_parser::time::ASN1Time;

use crate::error::find;
use crate::verifier::met::{Certificate, List, Met};

/// An agent and a server do not trust each other.
///
/// It says what is wrong, and whose; [`Trouble::remedy`] what is to be done.
#[derive(Clone, Debug)]
pub struct TrustFailure {
    trouble: Trouble,
    details: String,
    source: rustls::Error,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The server's certificate is for other names than the one dialled.
    WrongName,
    /// No authority that is trusted here signed it.
    UnknownIssuer,
    /// It, or an authority above it, has expired.
    Expired,
    /// It, or an authority above it, is not valid yet.
    NotYetValid,
    /// It, or an authority above it, was revoked.
    Revoked,
    /// A list of revocations is past its next update.
    ListExpired,
    /// There is no list of revocations of its issuer.
    ListMissing,
    /// It is not made for servers, is malformed, or has another fault.
    Unfit,
    /// The server did not accept this agent's certificate, and said so in the handshake.
    Refused(Refusal),
    /// The same, said after the request was sent: TLS 1.3 tells it no sooner. Nothing was processed.
    RefusedLate(Refusal),
}

/// What a server has against the agent's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
    /// The server does not know who signed it.
    UnknownIssuer,
    /// There was none.
    Missing,
    /// The server did not say.
    Other,
}

/// When the failure came to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Handshake,
    Request,
}

impl TrustFailure {
    /// The trust failure in a chain of errors, if there is one: a certificate of the server's that was
    /// not accepted here, or an alert about ours.
    ///
    /// In TLS 1.3 the alert comes after the handshake, so errors of requests are asked this too.
    #[must_use]
    pub fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        match find::<Self>(error) {
            Some(found) => Some(found.clone()),
            None => Self::of(find(error)?, None, Stage::Request),
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn trouble(&self) -> Trouble {
        self.trouble
    }

    /// The names that the server's certificate has, where it was for another.
    #[must_use]
    pub fn names_found(&self) -> Vec<&str> {
        match &self.source {
            rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            }) => presented.iter().map(|name| bare(name)).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn of(error: &rustls::Error, met: Option<&Met>, stage: Stage) -> Option<Self> {
        let (trouble, details) = match error {
            rustls::Error::InvalidCertificate(error) => of_certificate(error, met),
            rustls::Error::InvalidCertRevocationList(error) => {
                (Trouble::Unfit, format!("a revocation list: {error:?}"))
            }
            rustls::Error::AlertReceived(alert) => {
                let refusal = of_alert(*alert)?;
                let trouble = match stage {
                    Stage::Handshake => Trouble::Refused(refusal),
                    Stage::Request => Trouble::RefusedLate(refusal),
                };
                (trouble, format!("its alert was {alert:?}"))
            }
            _ => return None,
        };
        Some(Self {
            trouble,
            details,
            source: error.clone(),
        })
    }
}

/// webpki tells each with its kind, as in `DnsName("a.test")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn of_certificate(error: &CertificateError, met: Option<&Met>) -> (Trouble, String) {
    use CertificateError as E;
    let find = |is: &dyn Fn(&Certificate) -> bool| {
        let mut certificates = met.iter().flat_map(|met| &met.certificates);
        certificates.find(|certificate| is(certificate))
    };
    let subject = |certificate: Option<&Certificate>| match certificate {
        Some(certificate) => certificate.subject.clone(),
        None => "a certificate".to_owned(),
    };
    let first = met.and_then(|met| met.certificates.first());
    match error {
        E::NotValidForNameContext {
            expected,
            presented,
        } => {
            let found = match presented.as_slice() {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            let details = format!("expected {}, found {found}", expected.to_str());
            (Trouble::WrongName, details)
        }
        E::NotValidForName => (Trouble::WrongName, subject(first)),
        E::UnknownIssuer | E::BadSignature => {
            let details = match first {
                Some(Certificate {
                    subject, issuer, ..
                }) => format!("{subject}, signed by {issuer}"),
                None => "a certificate".to_owned(),
            };
            (Trouble::UnknownIssuer, details)
        }
        E::ExpiredContext { not_after, .. } => {
            let end = seconds(not_after.as_secs());
            let expired = find(&|of| of.not_after == end);
            let details = format!("{} on {}", subject(expired), date(end));
            (Trouble::Expired, details)
        }
        E::Expired => (Trouble::Expired, subject(first)),
        E::NotValidYetContext { not_before, .. } => {
            let begin = seconds(not_before.as_secs());
            let early = find(&|of| of.not_before == begin);
            let details = format!("{} is valid from {}", subject(early), date(begin));
            (Trouble::NotYetValid, details)
        }
        E::NotValidYet => (Trouble::NotYetValid, subject(first)),
        E::Revoked => (Trouble::Revoked, subject(find(&|of| of.on_a_list))),
        E::ExpiredRevocationListContext { next_update, .. } => {
            let end = seconds(next_update.as_secs());
            let mut lists = met.iter().flat_map(|met| &met.lists);
            let expired = lists.find(|list| list.next_update == Some(end));
            let issuer = expired.map_or("a CA", |List { issuer, .. }| issuer);
            let details = format!("the list of {issuer} was to be replaced by {}", date(end));
            (Trouble::ListExpired, details)
        }
        E::ExpiredRevocationList => (Trouble::ListExpired, "the list of a CA".to_owned()),
        E::UnknownRevocationStatus => {
            let bare = find(&|of| !of.has_a_list);
            let issuer = bare.map_or("the CA", |Certificate { issuer, .. }| issuer);
            (Trouble::ListMissing, format!("there is none of {issuer}"))
        }
        other => (Trouble::Unfit, format!("{}: {other}", subject(first))),
    }
}

/// `None` for alerts that are not about certificates.
const fn of_alert(alert: AlertDescription) -> Option<Refusal> {
    Some(match alert {
        AlertDescription::CertificateExpired => Refusal::Expired,
        AlertDescription::CertificateRevoked => Refusal::Revoked,
        AlertDescription::UnknownCA
        // OpenSSL and rustls say so when the CA was made anew under the same name.
        | AlertDescription::DecryptError => Refusal::UnknownIssuer,
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => Refusal::Missing,
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => Refusal::Other,
        _ => return None,
    })
}

fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}

fn date(unix: i64) -> String {
    ASN1Time::from_timestamp(unix).map_or_else(|_| unix.to_string(), |time| time.to_string())
}

impl Trouble {
    /// What is to be renewed or mended, and where.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::WrongName => {
                "dial the server by a name that its certificate has, or renew its certificate with \
                 this name among the alternative names (`--subject-alt-names`)"
            }
            Self::UnknownIssuer => {
                "renew the CA certificates of this agent (localcacert) if the CA was made anew, or \
                 the server's certificate if another CA signed it"
            }
            Self::Expired => {
                "renew the certificate that has expired: the server's at its CA, a CA's there and \
                 then in localcacert of every agent"
            }
            Self::NotYetValid => {
                "set the clocks of this machine and of the CA right, or renew the certificate"
            }
            Self::Revoked => {
                "renew the server's certificate; if it is the CA's that was revoked, everything that \
                 the CA signed"
            }
            Self::ListExpired => {
                "renew the revocation list at the CA, and here (hostcrl) by `puppet ssl \
                 download_crl`"
            }
            Self::ListMissing => {
                "renew the revocation lists here (hostcrl), with one of each CA of the chain, by \
                 `puppet ssl download_crl`, or check leaves only (certificate_revocation = leaf)"
            }
            Self::Unfit => "renew the server's certificate at the Puppet CA",
            Self::Refused(refusal) | Self::RefusedLate(refusal) => refusal.remedy(),
        }
    }
}

impl Refusal {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Expired => "renew the agent's certificate (hostcert)",
            Self::Revoked => {
                "renew the agent's certificate: clean it here, and have the CA sign a new one"
            }
            Self::UnknownIssuer => {
                "renew the agent's certificate at the CA that the server trusts, or the CA \
                 certificates of the server"
            }
            Self::Missing => "give the agent its certificate (`puppet ssl bootstrap`)",
            Self::Other => {
                "look into the server's log, and renew the agent's certificate if it is to blame"
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::WrongName => "the server's certificate is for another name",
            Self::UnknownIssuer => "the server's certificate was not signed by a CA trusted here",
            Self::Expired => "the server's certificate or its CA's has expired",
            Self::NotYetValid => "the server's certificate or its CA's is not valid yet",
            Self::Revoked => "the server's certificate or its CA's was revoked",
            Self::ListExpired => "the CA's revocation list has expired",
            Self::ListMissing => "there is no revocation list to check the server's certificate by",
            Self::Unfit => "the server's certificate cannot be used",
            Self::Refused(refusal) => return refusal.fmt(f),
            Self::RefusedLate(refusal) => {
                refusal.fmt(f)?;
                return f.write_str(" after the request was sent");
            }
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Expired => "the server refused this agent's certificate as expired",
            Self::Revoked => "the server refused this agent's certificate as revoked",
            Self::UnknownIssuer => {
                "the server does not know the CA that signed this agent's certificate"
            }
            Self::Missing => "the server asks for a certificate of this agent",
            Self::Other => "the server refused this agent's certificate",
        })
    }
}

impl fmt::Display for TrustFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.trouble, self.details)
    }
}

impl StdError for TrustFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

/// The one trouble with every server, if it is the same: nobody needs to look for more than that.
#[must_use]
pub fn common(failures: impl IntoIterator<Item = Option<TrustFailure>>) -> Option<TrustFailure> {
    let mut failures = failures.into_iter();
    let first = failures.next()??;
    failures
        .all(|other| other.is_some_and(|other| other.trouble.is_as(first.trouble)))
        .then_some(first)
}

impl Trouble {
    /// Whether the two are mended alike: when a refusal came to light makes no difference.
    fn is_as(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Refused(one) | Self::RefusedLate(one),
                Self::Refused(other) | Self::RefusedLate(other),
            ) => one == other,
            (one, other) => one == other,
        }
    }
}
