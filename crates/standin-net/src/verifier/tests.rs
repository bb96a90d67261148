use std::time::Duration;

use rcgen::{
    CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    NameConstraints, SanType, date_time_ymd,
};

use super::*;
use pki::{CA_SERIAL, LEAF_SERIAL, Pki, authority, certificate, crl, dns};

mod chain;
mod names;
#[path = "../../tests/support/pki.rs"]
mod pki;
mod revocation;

const MASTER: &str = "master.example.com";

/// The first second of 2050.
fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(2_524_608_000))
}

/// What an agent holds to judge servers by.
struct Agent {
    pki: Pki,
    ca: Vec<CertificateDer<'static>>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    revocation: Revocation,
}

impl Agent {
    fn of(pki: Pki) -> Self {
        Self {
            ca: pki.ca(),
            crls: pki.crls(),
            revocation: Revocation::Chain,
            pki,
        }
    }

    fn with(self, revocation: Revocation) -> Self {
        Self { revocation, ..self }
    }

    fn verifier(&self) -> Result<PuppetVerifier, Unfit> {
        let provider = crate::tls::provider();
        PuppetVerifier::new(&self.ca, &self.crls, self.revocation, &provider)
    }

    /// Dials a server whose certificate this agent's CA signed.
    fn dial(&self, dialled: &str, server: &CertificateParams) -> Result<(), CertificateError> {
        self.meet(dialled, &self.pki.issue(server).der)
    }

    fn meet(&self, dialled: &str, server: &CertificateDer<'_>) -> Result<(), CertificateError> {
        let dialled = ServerName::try_from(dialled).unwrap();
        let verifier = self.verifier().unwrap();
        match verifier.verify_server_cert(server, &[], &dialled, &[], now()) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) => Err(error),
            Err(error) => panic!("not about the certificate: {error}"),
        }
    }
}

fn dial(dialled: &str, server: &CertificateParams) -> Result<(), CertificateError> {
    Agent::of(Pki::new()).dial(dialled, server)
}

fn with_alternatives(
    common_name: &str,
    alternatives: impl Into<Vec<SanType>>,
) -> CertificateParams {
    let mut params = certificate(common_name);
    params.subject_alt_names = alternatives.into();
    params
}

#[track_caller]
fn assert_wrong_name(result: &Result<(), CertificateError>) {
    assert!(
        matches!(result, Err(CertificateError::NotValidForNameContext { .. })),
        "{result:?}"
    );
}
