//! Certificates to order: what to put in, and what comes out.

use std::fmt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::LabError;
use crate::conf_dir::{Access, write};

/// A certificate to be made by [`Lab::certificate`](crate::Lab::certificate), or when a lab is built.
#[derive(Clone, Debug)]
pub struct CertSpec {
    pub(crate) certname: String,
    pub(crate) dns_alt_names: Vec<String>,
    pub(crate) validity: Validity,
    pub(crate) signed_by: SignedBy,
    pub(crate) standing: Standing,
}

/// When a certificate or a revocation list is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Since yesterday, for five years.
    Current,
    /// Since yesterday, for ten more days.
    Ending,
    /// Until yesterday.
    Expired,
    /// From tomorrow on.
    NotYet,
}

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The lab's certificate authority, whose certificate is in `ca.pem`.
    Lab,
    /// An authority that nobody knows.
    Stranger,
}

/// Whether a certificate is on the authority's revocation list from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Revoked,
}

impl CertSpec {
    /// A current certificate of the lab's authority, with a common name and no SAN.
    pub fn new(certname: impl Into<String>) -> Self {
        Self {
            certname: certname.into(),
            dns_alt_names: Vec::new(),
            validity: Validity::Current,
            signed_by: SignedBy::Lab,
            standing: Standing::Good,
        }
    }

    /// Adds DNS alt names. Only those given are in the certificate's SAN, so name the certname too if it belongs there.
    #[must_use]
    pub fn dns_alt_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.dns_alt_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// When it is good.
    #[must_use]
    pub fn validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Who signs it.
    #[must_use]
    pub fn signed_by(mut self, signed_by: SignedBy) -> Self {
        self.signed_by = signed_by;
        self
    }

    /// Makes it one that was revoked as soon as it was signed. A stranger's signature is on nobody's list.
    #[must_use]
    pub fn revoked(mut self) -> Self {
        self.standing = Standing::Revoked;
        self
    }
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) certname: String,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
}

impl Certificate {
    /// Its common name.
    #[must_use]
    pub fn certname(&self) -> &str {
        &self.certname
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key in PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes both into an ssl directory, where Puppet keeps them: `certs/NAME.pem` and `private_keys/NAME.pem`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, ssl_dir: &Path) -> Result<(), LabError> {
        write(
            &ssl_dir.join("certs").join(format!("{}.pem", self.certname)),
            &self.pem,
            Access::Everyone,
        )?;
        write(
            &ssl_dir
                .join("private_keys")
                .join(format!("{}.pem", self.certname)),
            &self.key_pem,
            Access::Group,
        )
    }

    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, LabError> {
        Ok(CertificateDer::pem_slice_iter(self.pem.as_bytes()).collect::<Result<_, _>>()?)
    }

    pub(crate) fn key(&self) -> Result<PrivateKeyDer<'static>, LabError> {
        Ok(PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?)
    }
}

/// The private key stays out.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("certname", &self.certname)
            .finish_non_exhaustive()
    }
}
