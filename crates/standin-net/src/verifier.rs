//! Verifies servers as a Puppet agent must: chain, revocation and usage by webpki, names as
//! Puppet's certificates have them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, TrustAnchor, UnixTime,
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};
use x509_parser::certificate::{Validity, X509Certificate};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use crate::Revocation;

pub(crate) mod met;

/// Trusts servers whose certificate the Puppet CA signed for the name that was dialled.
///
/// Puppet's CA issues certificates without a subject alternative name unless some were asked for,
/// and rustls looks at nothing else. So a certificate that has no DNS name there is matched by its
/// common name; one that has any is matched by those alone.
///
/// As with OpenSSL, a chain must reach a self-signed certificate of the CA's file. Its other
/// certificates only help to get there, so that they are checked like any: were they trusted by
/// themselves, nobody would ask whether they have expired or were revoked.
pub(crate) struct PuppetVerifier {
    anchors: Vec<TrustAnchor<'static>>,
    /// Of the anchors, in their order: webpki does not look at these.
    validities: Vec<Validity>,
    intermediates: Vec<CertificateDer<'static>>,
    /// All of the above as they came, for telling what was met.
    ca: Vec<CertificateDer<'static>>,
    crls: Vec<CertRevocationList<'static>>,
    /// These too.
    listed: Vec<Vec<u8>>,
    revocation: Revocation,
    /// Judges what the Puppet CA did not sign.
    others: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PuppetVerifier {
    pub(crate) fn new(
        ca: &[CertificateDer<'static>],
        crls: &[CertificateRevocationListDer<'static>],
        revocation: Revocation,
        provider: &CryptoProvider,
    ) -> Result<Self, Unfit> {
        let (mut anchors, mut validities, mut intermediates) = (vec![], vec![], vec![]);
        for der in ca {
            let anchor = webpki::anchor_from_trusted_cert(der).map_err(Unfit::Ca)?;
            let (_, certificate) =
                X509Certificate::from_der(der).map_err(|_| Unfit::Ca(webpki::Error::BadDer))?;
            if certificate.subject().as_raw() == certificate.issuer().as_raw() {
                anchors.push(anchor.to_owned());
                validities.push(certificate.validity().clone());
            } else {
                intermediates.push(der.clone());
            }
        }
        if anchors.is_empty() {
            return Err(Unfit::NoRoot);
        }
        let listed = crls.iter().map(|der| der.as_ref().to_vec()).collect();
        let crls = crls
            .iter()
            .map(|der| Ok(OwnedCertRevocationList::from_der(der)?.into()))
            .collect::<Result<_, webpki::Error>>()
            .map_err(Unfit::Crl)?;
        Ok(Self {
            anchors,
            validities,
            intermediates,
            ca: ca.to_vec(),
            crls,
            listed,
            revocation,
            others: None,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// Trusts servers of `roots` too, if there are any: of the certificates that are not the Puppet
    /// CA's, and by their alternative names alone.
    pub(crate) fn beside(
        mut self,
        roots: &[CertificateDer<'static>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Unfit> {
        if roots.is_empty() {
            return Ok(self);
        }
        let mut store = RootCertStore::empty();
        // Systems have certificates among theirs that nobody can read.
        store.add_parsable_certificates(roots.iter().cloned());
        let others = WebPkiServerVerifier::builder_with_provider(store.into(), provider.clone());
        self.others = Some(others.build().map_err(Unfit::Others)?);
        Ok(self)
    }

    fn verify_as_puppets(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = EndEntityCert::try_from(end_entity).map_err(as_rustls)?;
        // Ours first: however many the server sends, they do not use up the search for a path.
        let intermediates: Vec<CertificateDer<'_>> = self
            .intermediates
            .iter()
            .chain(intermediates)
            .map(|der| CertificateDer::from(der.as_ref()))
            .collect();
        let path = self.verify_chain(&parsed, &intermediates, now)?;
        let Err(error) = parsed.verify_is_valid_for_subject_name(server_name) else {
            return Ok(ServerCertVerified::assertion());
        };
        match common_name(end_entity).filter(|_| !has_name_constraints(&path)) {
            Some(name) if names(&name, server_name) => Ok(ServerCertVerified::assertion()),
            Some(name) => Err(CertificateError::NotValidForNameContext {
                expected: server_name.to_owned(),
                presented: vec![format!("CommonName({name:?})")],
            }
            .into()),
            None => Err(as_rustls(error)),
        }
    }

    fn verify_chain<'a>(
        &'a self,
        end_entity: &'a EndEntityCert<'a>,
        intermediates: &'a [CertificateDer<'a>],
        now: UnixTime,
    ) -> Result<VerifiedPath<'a>, Error> {
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
                Some(&|path| self.check_anchor(path.anchor(), now)),
            )
            .map_err(as_rustls)
    }

    /// A root may be there twice, renewed with the same key: one that is valid will do.
    fn check_anchor(&self, anchor: &TrustAnchor<'_>, now: UnixTime) -> Result<(), webpki::Error> {
        let validities = self.anchors.iter().zip(&self.validities);
        validities
            .filter(|(known, _)| *known == anchor)
            .map(|(_, validity)| check_validity(validity, now))
            .reduce(Result::or)
            .unwrap_or(Err(webpki::Error::UnknownIssuer))
    }
}

/// The CA's files cannot be used.
#[derive(Debug)]
pub(crate) enum Unfit {
    Ca(webpki::Error),
    Crl(webpki::Error),
    /// None of the CA's certificates is self-signed.
    NoRoot,
    /// None of the others can be an authority.
    Others(rustls::client::VerifierBuilderError),
}

impl ServerCertVerifier for PuppetVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.verify_as_puppets(end_entity, intermediates, server_name, now);
        let judged = match (judged, &self.others) {
            (Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)), Some(others)) => {
                others.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                )
            }
            (judged, _) => judged,
        };
        if judged.is_err() {
            let sent = intermediates.iter().map(AsRef::as_ref);
            let ours = self.ca.iter().map(AsRef::as_ref);
            met::tell(end_entity, sent.chain(ours), &self.listed);
        }
        judged
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
            .field("intermediates", &self.intermediates.len())
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
        // What cannot be read may have been a DNS name.
        names.any(|name| matches!(name, GeneralName::DNSName(_) | GeneralName::Invalid(..)))
    });
    if has_dns_name {
        return None;
    }
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    names.next().is_none().then_some(name)
}

/// Whether an authority of the path may sign for some names only. webpki sees to that for alternative
/// names; a common name would get round it, so it does not count then.
fn has_name_constraints(path: &VerifiedPath<'_>) -> bool {
    let free = |authority: &webpki::Cert<'_>| {
        X509Certificate::from_der(&authority.der())
            .is_ok_and(|(_, certificate)| matches!(certificate.name_constraints(), Ok(None)))
    };
    path.anchor().name_constraints.is_some() || !path.intermediate_certificates().all(free)
}

/// Exact but for case: no wildcards, and an address is never a common name.
fn names(common_name: &str, server_name: &ServerName<'_>) -> bool {
    match server_name {
        ServerName::DnsName(dialled) => common_name.eq_ignore_ascii_case(dialled.as_ref()),
        _ => false,
    }
}

fn check_validity(validity: &Validity, now: UnixTime) -> Result<(), webpki::Error> {
    let unix = |time: ASN1Time| {
        let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    };
    let (not_before, not_after) = (unix(validity.not_before), unix(validity.not_after));
    if now > not_after {
        return Err(webpki::Error::CertExpired {
            time: now,
            not_after,
        });
    }
    if now < not_before {
        return Err(webpki::Error::CertNotValidYet {
            time: now,
            not_before,
        });
    }
    Ok(())
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
        E::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
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
