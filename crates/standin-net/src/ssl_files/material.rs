//! What the files of an `ssldir` hold, read and looked through.

use std::fs;
use std::path::Path;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::key;
use super::{ClientCertificate, OtherRoots, Revocation, SslFileError, SslFiles, SystemRoots};

/// What the files hold.
#[derive(Debug)]
pub(crate) struct SslMaterial {
    pub(crate) ca: Vec<CertificateDer<'static>>,
    /// None where servers are not shown it.
    pub(crate) own: Option<Own>,
    pub(crate) crls: Vec<CertificateRevocationListDer<'static>>,
    /// Authorities that are trusted beside the CA.
    pub(crate) others: Vec<CertificateDer<'static>>,
}

/// The agent's certificate, with its chain, and its key.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) cert: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Own {
    pub(crate) fn read(files: &SslFiles, now: UnixTime) -> Result<Self, SslFileError> {
        let cert: Vec<CertificateDer<'static>> = all(&files.cert, "a certificate")?;
        check_validity(&files.cert, &cert, now)?;
        let key = key::read(&files.key, &files.passfile)?;
        Ok(Self { cert, key })
    }
}

impl SslMaterial {
    pub(crate) fn read(files: &SslFiles, now: UnixTime) -> Result<Self, SslFileError> {
        let own = match files.client_certificate {
            ClientCertificate::Shown => Some(Own::read(files, now)?),
            ClientCertificate::NotShown => None,
        };
        Ok(Self {
            ca: all(&files.ca, "CA certificates")?,
            crls: match files.revocation {
                Revocation::Chain | Revocation::Leaf => all(&files.crl, "revocation lists")?,
                Revocation::Off => Vec::new(),
            },
            others: others(&files.others)?,
            own,
        })
    }
}

pub(super) fn text(path: &Path) -> Result<Vec<u8>, SslFileError> {
    fs::read(path).map_err(|source| SslFileError::Read {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn all<T: PemObject>(path: &Path, wanted: &'static str) -> Result<Vec<T>, SslFileError> {
    let items = T::pem_slice_iter(&text(path)?)
        .collect::<Result<Vec<T>, pem::Error>>()
        .map_err(|source| SslFileError::Pem {
            path: path.to_owned(),
            wanted,
            source,
        })?;
    if items.is_empty() {
        return Err(SslFileError::Missing {
            path: path.to_owned(),
            wanted,
        });
    }
    Ok(items)
}

/// Warns about secrets that anybody on this machine may read.
pub(crate) fn warn_of_readable_secrets(files: &SslFiles) {
    for path in [&files.key, &files.passfile] {
        if is_readable_by_others(path) {
            tracing::warn!(
                path = %path.display(),
                "every user of this machine may read this secret; take that from them (chmod o-r)"
            );
        }
    }
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

fn others(roots: &OtherRoots) -> Result<Vec<CertificateDer<'static>>, SslFileError> {
    let mut others = match &roots.trust_store {
        Some(path) => all(path, "certificates of authorities")?,
        None => Vec::new(),
    };
    if roots.system == SystemRoots::Trusted {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            return Err(SslFileError::NoSystemRoots);
        }
        others.extend(found.certs);
    }
    Ok(others)
}

fn check_validity(
    path: &Path,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<(), SslFileError> {
    let unreadable = || SslFileError::Certificate {
        path: path.to_owned(),
    };
    let own = chain.first().ok_or_else(unreadable)?;
    let (_, own) = X509Certificate::from_der(own).map_err(|_| unreadable())?;
    let validity = own.validity();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > validity.not_after.timestamp() {
        return Err(SslFileError::Expired {
            path: path.to_owned(),
            date: validity.not_after.to_string(),
        });
    }
    if now < validity.not_before.timestamp() {
        return Err(SslFileError::NotYetValid {
            path: path.to_owned(),
            date: validity.not_before.to_string(),
        });
    }
    Ok(())
}
