//! What certificates and revocation lists say of themselves: told, and not judged.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::InconsistentKeys;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use crate::ssl_files::{Own, SslMaterial, all};
use crate::tls::provider;
use crate::{SslFileError, SslFiles, Stream};

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// Whose it is: the common name, or without one the whole subject.
    pub subject: String,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when it is valid.
    pub not_after: SystemTime,
}

/// A revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationList {
    /// Whose list it is, named as a certificate's subject is.
    pub issuer: String,
    /// When a newer list is due; a list need not say.
    pub next_update: Option<SystemTime>,
}

/// The certificates of a PEM file, in its order. It blocks on the file system.
///
/// # Errors
/// When the file cannot be read, or does not hold certificates.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, SslFileError> {
    let found: Vec<CertificateDer<'_>> = all(path, "certificates")?;
    let read = found.iter().map(|der| certificate(der));
    read.map(|read| read.map_err(|error| unusable(path, error)))
        .collect()
}

/// The revocation lists of a PEM file, in its order. It blocks on the file system.
///
/// # Errors
/// When the file cannot be read, or does not hold revocation lists.
pub fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, SslFileError> {
    let found: Vec<CertificateRevocationListDer<'_>> = all(path, "revocation lists")?;
    let read = found.iter().map(|der| revocation_list(der));
    read.map(|read| read.map_err(|error| unusable(path, error)))
        .collect()
}

/// Finds out whether certificate and key of an agent are of each other, and whether the rest can be
/// read, whatever the dates. It blocks on the file system.
///
/// # Errors
/// [`SslFileError::KeyMismatch`] when they are not, and others when a file cannot be read or used.
pub fn pairing(files: &SslFiles) -> Result<(), SslFileError> {
    let own = certificates(&files.cert)?;
    let when = own
        .first()
        .map_or(SystemTime::UNIX_EPOCH, |own| own.not_before);
    let when = when
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let material = SslMaterial::read(files, UnixTime::since_unix_epoch(when))?;
    let Some(Own { cert, key }) = material.own else {
        return Ok(());
    };
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| unusable(&files.key, error))?;
    match CertifiedKey::new(cert, key).keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(SslFileError::KeyMismatch {
                key: files.key.clone(),
                cert: files.cert.clone(),
            })
        }
        // With some kinds of keys it cannot be told, and a handshake will.
        _ => Ok(()),
    }
}

/// The certificate that the server of a connection showed.
#[must_use]
pub fn shown(stream: &Stream) -> Option<Certificate> {
    certificate(stream.shown()?).ok()
}

fn certificate(der: &[u8]) -> Result<Certificate, Unreadable> {
    let (_, certificate) = X509Certificate::from_der(der)?;
    let validity = certificate.validity();
    Ok(Certificate {
        subject: name(certificate.subject()),
        not_before: system_time(validity.not_before),
        not_after: system_time(validity.not_after),
    })
}

fn revocation_list(der: &[u8]) -> Result<RevocationList, Unreadable> {
    let (_, list) = CertificateRevocationList::from_der(der)?;
    Ok(RevocationList {
        issuer: name(list.issuer()),
        next_update: list.next_update().map(system_time),
    })
}

type Unreadable = x509_parser::nom::Err<X509Error>;

fn name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|name| name.as_str().ok());
    common.map_or_else(|| name.to_string(), str::to_owned)
}

fn system_time(time: ASN1Time) -> SystemTime {
    let seconds = Duration::from_secs(time.timestamp().unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let found = match time.timestamp() {
        0.. => epoch.checked_add(seconds),
        _ => epoch.checked_sub(seconds),
    };
    found.unwrap_or(epoch)
}

fn unusable(path: &Path, error: impl Into<Box<dyn Error + Send + Sync>>) -> SslFileError {
    SslFileError::Unusable {
        path: path.to_owned(),
        source: error.into(),
    }
}
