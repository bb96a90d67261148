//! A CA as Puppet's: its certificates have a common name and nothing else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use standin_net::{Revocation, SslFiles, Tls};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// An agent's trust and the certificate that it shows.
pub(crate) struct Agent {
    pub(crate) tls: Tls,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Ca {
    pub(crate) fn named(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    /// An agent with files on disk, as Puppet has them. It trusts the servers of `self`.
    pub(crate) fn agent(&self, certname: &str) -> Agent {
        self.agent_signed_by(self, certname)
    }

    /// The same with a certificate of another CA's.
    pub(crate) fn agent_signed_by(&self, other: &Self, certname: &str) -> Agent {
        let (certificate, key) = other.issue(certname);
        let dir = TempDir::new().unwrap();
        let files = SslFiles {
            revocation: Revocation::Off,
            ..SslFiles::in_dir(dir.path(), certname)
        };
        write(&files.ca, &self.issuer.pem());
        write(&files.cert, &certificate.pem());
        write(&files.key, &key.serialize_pem());
        Agent {
            tls: Tls::from_files(&files).unwrap(),
            certificate: certificate.der().clone(),
        }
    }

    /// The TLS of a broker: it wants a certificate of the agent.
    pub(crate) fn acceptor(&self, host: &str) -> TlsAcceptor {
        let (certificate, key) = self.issue(host);
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(default_provider());
        let agents = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(agents)
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        Arc::new(config).into()
    }

    fn issue(&self, certname: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = params(certname);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn write(path: &Path, pem: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, pem).unwrap();
}
