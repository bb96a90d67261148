//! The files of Puppet's `ssldir`, read into what TLS needs.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Where the certificates, the key and the revocation lists of an agent are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SslFiles {
    /// The CA's certificates, PEM (`localcacert`).
    pub ca: PathBuf,
    /// The agent's certificate, PEM (`hostcert`).
    pub cert: PathBuf,
    /// The agent's private key, PEM: PKCS#8, PKCS#1 or SEC1, not encrypted (`hostprivkey`).
    pub key: PathBuf,
    /// The CA's revocation lists, PEM (`hostcrl`).
    pub crl: PathBuf,
    /// How far revocation is checked (`certificate_revocation`).
    pub revocation: Revocation,
}

/// How far revocation is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate of the chain, as is Puppet's default. A list past its next update is an
    /// error, and so is a certificate for which there is no list.
    #[default]
    Chain,
    /// The server's certificate only.
    Leaf,
    /// Nothing; the file of lists is not read.
    Off,
}

impl SslFiles {
    /// The files of `certname` at their usual places below `ssldir`.
    #[must_use]
    pub fn in_dir(ssldir: &Path, certname: &str) -> Self {
        let pem = format!("{certname}.pem");
        Self {
            ca: ssldir.join("certs/ca.pem"),
            cert: ssldir.join("certs").join(&pem),
            key: ssldir.join("private_keys").join(&pem),
            crl: ssldir.join("crl.pem"),
            revocation: Revocation::default(),
        }
    }
}

/// A file of the `ssldir` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SslFileError {
    /// It cannot be read.
    #[error("cannot read {path}; is the agent's certificate there, and may this user read it?")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not PEM, or broken.
    #[error("{path} is broken; restore {wanted} there, or have it made anew with `puppet ssl`")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// What should be in it is not.
    #[error("{path} does not hold {wanted}; restore it, or have it made anew with `puppet ssl`")]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },
    /// A certificate in it is not X.509.
    #[error("{path} holds a certificate that cannot be read; have it made anew with `puppet ssl`")]
    Certificate {
        /// Which file.
        path: PathBuf,
    },
    /// The agent's certificate has expired.
    #[error("the certificate in {path} expired on {date}; renew it, no server will accept it")]
    Expired {
        /// Which file.
        path: PathBuf,
        /// Its last day.
        date: String,
    },
    /// The agent's certificate is not valid yet.
    #[error("the certificate in {path} is valid only from {date}; is this machine's clock right?")]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// Its first day.
        date: String,
    },
    /// Key and certificate are not of each other.
    #[error(
        "the key in {key} is not the key of the certificate in {cert}; one was made anew: restore the \
         other, or clean the certificate at the CA and here and run `puppet ssl bootstrap`"
    )]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        cert: PathBuf,
    },
    /// TLS does not take what is in the files.
    #[error("{path} cannot be used for TLS; have it made anew with `puppet ssl`")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the files hold.
#[derive(Debug)]
pub(crate) struct SslMaterial {
    pub(crate) ca: Vec<CertificateDer<'static>>,
    pub(crate) cert: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) crls: Vec<CertificateRevocationListDer<'static>>,
}

impl SslMaterial {
    pub(crate) fn read(files: &SslFiles, now: UnixTime) -> Result<Self, SslFileError> {
        let cert: Vec<CertificateDer<'static>> = all(&files.cert, "a certificate")?;
        check_validity(&files.cert, &cert, now)?;
        Ok(Self {
            ca: all(&files.ca, "CA certificates")?,
            key: key(&files.key)?,
            crls: match files.revocation {
                Revocation::Chain | Revocation::Leaf => all(&files.crl, "revocation lists")?,
                Revocation::Off => Vec::new(),
            },
            cert,
        })
    }
}

fn text(path: &Path) -> Result<Vec<u8>, SslFileError> {
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

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, SslFileError> {
    const WANTED: &str = "a private key without a pass phrase";
    PrivateKeyDer::from_pem_slice(&text(path)?).map_err(|source| match source {
        pem::Error::NoItemsFound => SslFileError::Missing {
            path: path.to_owned(),
            wanted: WANTED,
        },
        source => SslFileError::Pem {
            path: path.to_owned(),
            wanted: WANTED,
            source,
        },
    })
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
