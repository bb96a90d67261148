//! TLS as agents need it: their own certificate, and servers that the Puppet CA vouches for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, InconsistentKeys};
use rustls_pki_types::UnixTime;

use crate::ssl_files::{Own, SslMaterial, warn_of_readable_secrets};
use crate::verifier::{PuppetVerifier, Unfit};
use crate::{ClientCertificate, SslFileError, SslFiles};

mod reload;

use reload::Reload;

/// Mutual TLS between an agent and the servers of its Puppet CA. Cheap to clone.
///
/// What was read from files is read again when one of them changed: a renewed certificate, key, CA
/// or list of revocations serves the next connection, and connections made before are not used for
/// further requests. Files that cannot be used, one half-written say, leave what there was in place
/// and are warned about once.
///
/// Sessions are resumed for an hour at most: a server whose session is resumed is not verified again.
#[derive(Clone, Debug)]
pub struct Tls {
    current: Arc<ArcSwap<Current>>,
    reload: Option<Arc<Reload>>,
}

/// What is in use.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) generation: Generation,
    /// Of everything that it was made from.
    digest: u64,
}

/// Which of the certificates, keys and lists that were in use one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Tls {
    /// Reads Puppet's own files. It blocks on the file system.
    ///
    /// TLS 1.2 and 1.3 are spoken, with the provider that the crate's features name: `ring` if both
    /// are on.
    ///
    /// # Errors
    /// When a file cannot be read or used; the error names the file and what to do.
    pub fn from_files(files: &SslFiles) -> Result<Self, SslFileError> {
        // Watched from before they are read, so that no change is missed.
        let reload = Reload::new(files.clone());
        let (config, digest) = read(files)?;
        match files.client_certificate {
            ClientCertificate::Shown => warn_of_readable_secrets(files),
            ClientCertificate::NotShown => {}
        }
        Ok(Self::of(config, digest, Some(Arc::new(reload))))
    }

    /// Any rustls configuration, for callers whose certificates are not Puppet's. HTTP/1.1 is spoken
    /// whatever application protocols it names.
    #[must_use]
    pub fn from_config(config: Arc<ClientConfig>) -> Self {
        Self::of(config, 0, None)
    }

    /// The rustls configuration that is in use now.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// The generation that is in use now.
    pub(crate) fn generation(&self) -> Generation {
        self.current.load().generation
    }

    /// Looks for changed files, unless that was done within the last second, and takes them up in the
    /// background. It does not block, and needs a tokio runtime.
    pub(crate) fn look(&self) {
        if let Some(reload) = &self.reload {
            reload.begin(&self.current);
        }
    }

    /// The same, and waits for what comes of it, though not for long.
    pub(crate) async fn up_to_date(&self) -> Arc<Current> {
        if let Some(reload) = &self.reload {
            reload.finish(&self.current).await;
        }
        self.current.load_full()
    }

    fn of(config: Arc<ClientConfig>, digest: u64, reload: Option<Arc<Reload>>) -> Self {
        let current = Current {
            config: without_protocols(config),
            generation: Generation(0),
            digest,
        };
        Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            reload,
        }
    }
}

impl Current {
    /// What follows it, or nothing if it was made of the very same.
    fn next(&self, files: &SslFiles) -> Result<Option<Self>, SslFileError> {
        let (config, digest) = read(files)?;
        let Generation(number) = self.generation;
        Ok((digest != self.digest).then_some(Self {
            config,
            generation: Generation(number + 1),
            digest,
        }))
    }

    /// The same with no session to resume, so that servers are verified anew.
    fn without_sessions(&self) -> Self {
        let mut config = self.config.as_ref().clone();
        config.resumption = Resumption::default();
        Self {
            config: Arc::new(config),
            generation: self.generation,
            digest: self.digest,
        }
    }
}

fn read(files: &SslFiles) -> Result<(Arc<ClientConfig>, u64), SslFileError> {
    let material = SslMaterial::read(files, UnixTime::now())?;
    let digest = digest(&material);
    Ok((Arc::new(config(files, material)?), digest))
}

fn config(files: &SslFiles, material: SslMaterial) -> Result<ClientConfig, SslFileError> {
    let provider = provider();
    let unusable = |path: &std::path::Path, source| SslFileError::Unusable {
        path: path.to_owned(),
        source,
    };
    let verifier = PuppetVerifier::new(&material.ca, &material.crls, files.revocation, &provider)
        .and_then(|verifier| verifier.beside(&material.others, &provider))
        .map_err(|unfit| match unfit {
            Unfit::Ca(error) => unusable(&files.ca, error.into()),
            Unfit::Crl(error) => unusable(&files.crl, error.into()),
            Unfit::NoRoot => SslFileError::Missing {
                path: files.ca.clone(),
                wanted: "the self-signed certificate of a root CA",
            },
            Unfit::Others(error) => match &files.others.trust_store {
                Some(path) => unusable(path, error.into()),
                None => SslFileError::NoSystemRoots,
            },
        })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&files.cert, error.into()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(Own { cert, key }) = material.own else {
        return Ok(config.with_no_client_auth());
    };
    config
        .with_client_auth_cert(cert, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                SslFileError::KeyMismatch {
                    key: files.key.clone(),
                    cert: files.cert.clone(),
                }
            }
            error => unusable(&files.key, error.into()),
        })
}

fn digest(material: &SslMaterial) -> u64 {
    let mut hasher = DefaultHasher::new();
    material.ca.hash(&mut hasher);
    if let Some(own) = &material.own {
        own.cert.hash(&mut hasher);
        own.key.secret_der().hash(&mut hasher);
    }
    for list in &material.crls {
        list.as_ref().hash(&mut hasher);
    }
    material.others.hash(&mut hasher);
    hasher.finish()
}

/// A server that is offered HTTP/2 may choose it.
fn without_protocols(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if !config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols.clear();
    }
    config
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
