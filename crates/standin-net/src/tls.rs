//! TLS as agents need it: their own certificate, and servers that the Puppet CA vouches for.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, InconsistentKeys};
use rustls_pki_types::UnixTime;

use crate::ssl_files::SslMaterial;
use crate::verifier::{PuppetVerifier, Unfit};
use crate::{SslFileError, SslFiles};

/// Mutual TLS between an agent and the servers of its Puppet CA. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Reads Puppet's own files. It blocks on the file system.
    ///
    /// TLS 1.2 and 1.3 are spoken, with the provider that the crate's features name: `ring` if both
    /// are on.
    ///
    /// # Errors
    /// When a file cannot be read or used; the error names the file and what to do.
    pub fn from_files(files: &SslFiles) -> Result<Self, SslFileError> {
        let provider = provider();
        let material = SslMaterial::read(files, UnixTime::now())?;
        let unusable = |path: &std::path::Path, source| SslFileError::Unusable {
            path: path.to_owned(),
            source,
        };
        let verifier =
            PuppetVerifier::new(&material.ca, &material.crls, files.revocation, &provider)
                .map_err(|unfit| match unfit {
                    Unfit::Ca(error) => unusable(&files.ca, error.into()),
                    Unfit::Crl(error) => unusable(&files.crl, error.into()),
                    Unfit::NoRoot => SslFileError::Missing {
                        path: files.ca.clone(),
                        wanted: "the self-signed certificate of a root CA",
                    },
                })?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&files.cert, error.into()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(material.cert, material.key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    SslFileError::KeyMismatch {
                        key: files.key.clone(),
                        cert: files.cert.clone(),
                    }
                }
                error => unusable(&files.key, error.into()),
            })?;
        Ok(Self::from_config(Arc::new(config)))
    }

    /// Any rustls configuration, for callers whose certificates are not Puppet's.
    #[must_use]
    pub const fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }

    /// The rustls configuration.
    #[must_use]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "ring")]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(all(feature = "aws-lc", not(feature = "ring")))]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(any(feature = "ring", feature = "aws-lc")))]
    compile_error!("standin-net needs a TLS provider: turn on the feature `ring` or `aws-lc`");
    Arc::new(provider)
}
