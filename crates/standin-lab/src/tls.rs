//! The TLS side of a host: the certificates it shows, good and flawed, and how it looks at those of clients.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::LabError;
use crate::authority::Authority;
use crate::certificate::{CertSpec, Certificate, SignedBy, Validity};
use crate::fault::Flaw;
use crate::host::HostSpec;

/// Every certificate that one host can show.
#[derive(Clone, Debug)]
pub(crate) struct HostCertificates {
    good: Certificate,
    expired: Certificate,
    wrong_name: Certificate,
    unknown_issuer: Certificate,
    revoked: Certificate,
}

/// The same, ready to be used in handshakes.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    good: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    unknown_issuer: Arc<ServerConfig>,
    revoked: Arc<ServerConfig>,
}

impl HostCertificates {
    pub(crate) fn new(authority: &mut Authority, host: &HostSpec) -> Result<Self, LabError> {
        let spec = || host.sound();
        let elsewhere = "elsewhere.invalid";
        Ok(Self {
            good: authority.issue(&host.shown())?,
            expired: authority.issue(&spec().validity(Validity::Expired))?,
            wrong_name: authority.issue(&CertSpec::new(elsewhere).dns_alt_names([elsewhere]))?,
            unknown_issuer: authority.issue(&spec().signed_by(SignedBy::Stranger))?,
            revoked: authority.issue(&spec().revoked())?,
        })
    }

    pub(crate) fn replace(&mut self, certificate: Certificate) {
        self.good = certificate;
    }

    pub(crate) fn identity(&self, authority: &Authority) -> Result<Identity, LabError> {
        let config = |certificate: &Certificate| server_config(certificate, authority);
        Ok(Identity {
            good: config(&self.good)?,
            expired: config(&self.expired)?,
            wrong_name: config(&self.wrong_name)?,
            unknown_issuer: config(&self.unknown_issuer)?,
            revoked: config(&self.revoked)?,
        })
    }
}

impl Identity {
    pub(crate) fn showing(&self, flaw: Option<Flaw>) -> Arc<ServerConfig> {
        Arc::clone(match flaw {
            None => &self.good,
            Some(Flaw::Expired) => &self.expired,
            Some(Flaw::WrongName) => &self.wrong_name,
            Some(Flaw::UnknownIssuer) => &self.unknown_issuer,
            Some(Flaw::Revoked) => &self.revoked,
        })
    }
}

/// A client's certificate is asked for and need not come, as Jetty's `client-auth = want`; one that comes must be good.
fn server_config(
    certificate: &Certificate,
    authority: &Authority,
) -> Result<Arc<ServerConfig>, LabError> {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    for root in authority.roots() {
        roots.add(root)?;
    }
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .with_crls(authority.crls()?)
            .allow_unauthenticated()
            .build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(clients)
        .with_single_cert(certificate.chain()?, certificate.key()?)?;
    Ok(Arc::new(config))
}
