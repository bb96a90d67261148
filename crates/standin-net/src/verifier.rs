//! Verifies servers as a Puppet agent must: chain, revocation and usage by webpki, names as
//! Puppet's certificates have them.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, TrustAnchor, UnixTime,
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::Revocation;

/// Trusts servers whose certificate the Puppet CA signed for the name that was dialled.
///
/// Puppet's CA issues certificates without a subject alternative name unless some were asked for,
/// and rustls looks at nothing else. So a certificate that has no DNS name there is matched by its
/// common name; one that has any is matched by those alone.
pub(crate) struct PuppetVerifier {
    anchors: Vec<TrustAnchor<'static>>,
    crls: Vec<CertRevocationList<'static>>,
    revocation: Revocation,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PuppetVerifier {
    pub(crate) fn new(
        ca: &[CertificateDer<'static>],
        crls: &[CertificateRevocationListDer<'static>],
        revocation: Revocation,
        provider: &CryptoProvider,
    ) -> Result<Self, Unfit> {
        let anchors = ca
            .iter()
            .map(|der| Ok(webpki::anchor_from_trusted_cert(der)?.to_owned()))
            .collect::<Result<_, webpki::Error>>()
            .map_err(Unfit::Ca)?;
        let crls = crls
            .iter()
            .map(|der| Ok(OwnedCertRevocationList::from_der(der)?.into()))
            .collect::<Result<_, webpki::Error>>()
            .map_err(Unfit::Crl)?;
        Ok(Self {
            anchors,
            crls,
            revocation,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    fn verify_chain(
        &self,
        end_entity: &EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        let depth = match self.revocation {
            Revocation::Chain => Some(RevocationCheckDepth::Chain),
            Revocation::Leaf => Some(RevocationCheckDepth::EndEntity),
            Revocation::Off => None,
        };
        let revocation = match depth {
            None => None,
            Some(depth) => Some(
                RevocationOptionsBuilder::new(&crls)
                    .map_err(|_| Error::from(CertificateError::UnknownRevocationStatus))?
                    .with_depth(depth)
                    .with_status_policy(UnknownStatusPolicy::Deny)
                    .with_expiration_policy(ExpirationPolicy::Enforce)
                    .build(),
            ),
        };
        end_entity
            .verify_for_usage(
                self.algorithms.all,
                &self.anchors,
                intermediates,
                now,
                KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map(|_| ())
            .map_err(as_rustls)
    }
}

/// The CA's files cannot be used.
#[derive(Debug)]
pub(crate) enum Unfit {
    Ca(webpki::Error),
    Crl(webpki::Error),
}

impl ServerCertVerifier for PuppetVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = EndEntityCert::try_from(end_entity).map_err(as_rustls)?;
        self.verify_chain(&parsed, intermediates, now)?;
        match parsed.verify_is_valid_for_subject_name(server_name) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => match common_name(end_entity) {
                Some(name) if names(&name, server_name) => Ok(ServerCertVerified::assertion()),
                Some(name) => Err(CertificateError::NotValidForNameContext {
                    expected: server_name.to_owned(),
                    presented: vec![format!("CommonName({name:?})")],
                }
                .into()),
                None => Err(as_rustls(error)),
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for PuppetVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PuppetVerifier")
            .field("anchors", &self.anchors.len())
            .field("crls", &self.crls.len())
            .field("revocation", &self.revocation)
            .finish_non_exhaustive()
    }
}

/// The one common name of a certificate that has no DNS name among its alternatives.
///
/// With several common names it is anybody's guess which one the CA looked at, so none counts.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let alternatives = certificate.subject_alternative_name().ok()?;
    let has_dns_name = alternatives.is_some_and(|extension| {
        let mut names = extension.value.general_names.iter();
        names.any(|name| matches!(name, GeneralName::DNSName(_)))
    });
    if has_dns_name {
        return None;
    }
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    names.next().is_none().then_some(name)
}

/// Exact but for case: no wildcards, and an address is never a common name.
fn names(common_name: &str, server_name: &ServerName<'_>) -> bool {
    match server_name {
        ServerName::DnsName(dialled) => common_name.eq_ignore_ascii_case(dialled.as_ref()),
        _ => false,
    }
}

fn as_rustls(error: webpki::Error) -> Error {
    use webpki::Error as E;
    match error {
        E::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        E::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        E::CertRevoked => CertificateError::Revoked,
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        E::CrlExpired { time, next_update } => {
            CertificateError::ExpiredRevocationListContext { time, next_update }
        }
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        E::CertNotValidForName(context) => CertificateError::NotValidForNameContext {
            expected: context.expected,
            presented: context.presented,
        },
        E::BadDer | E::BadDerTime => CertificateError::BadEncoding,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    }
    .into()
}

#[cfg(test)]
mod tests;
