//! The certificate authority: a root and, beneath it, the authority that signs, as Puppet has had since version 6.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams,
    CertificateSigningRequestParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};

use crate::certificate::{CertSpec, Certificate, SignedBy, Standing, Validity};
use crate::{LabError, clock};

type Signer = CertifiedIssuer<'static, KeyPair>;

/// Makes certificates, and remembers whose they are.
pub(crate) struct Authority {
    root: Signer,
    ca: Signer,
    stranger: Signer,
    next_serial: u64,
    /// By DER, so that a client is known by its certificate without reading it.
    owners: HashMap<Vec<u8>, Arc<str>>,
    serials: HashMap<String, Vec<SerialNumber>>,
    revoked: Vec<SerialNumber>,
    crl_validity: Validity,
    crl_number: u64,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, LabError> {
        let root = Signer::self_signed(
            authority_params("Puppet Root CA: standin-lab", 1),
            KeyPair::generate()?,
        )?;
        let ca = Signer::signed_by(
            authority_params("Puppet CA: standin-lab", 2),
            KeyPair::generate()?,
            &root,
        )?;
        let stranger = Signer::self_signed(
            authority_params("Puppet CA: stranger", 1),
            KeyPair::generate()?,
        )?;
        Ok(Self {
            root,
            ca,
            stranger,
            next_serial: 3,
            owners: HashMap::new(),
            serials: HashMap::new(),
            revoked: Vec::new(),
            crl_validity: Validity::Current,
            crl_number: 0,
        })
    }

    pub(crate) fn issue(&mut self, spec: &CertSpec) -> Result<Certificate, LabError> {
        let key = KeyPair::generate()?;
        let params = self.leaf_params(spec)?;
        let signed = match spec.signed_by {
            SignedBy::Lab => params.signed_by(&key, &self.ca)?,
            SignedBy::Stranger => params.signed_by(&key, &self.stranger)?,
        };
        match (spec.standing, params.serial_number.clone()) {
            (Standing::Revoked, Some(serial)) if spec.signed_by == SignedBy::Lab => {
                self.revoked.push(serial);
                self.crl_number += 1;
            }
            _ => {}
        }
        self.remember(&spec.certname, signed.der(), params.serial_number);
        Ok(Certificate {
            certname: spec.certname.clone(),
            pem: signed.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Signs a certificate request for `certname`, whatever else it asks for, and returns the certificate in PEM.
    pub(crate) fn sign(&mut self, certname: &str, request: &str) -> Result<String, LabError> {
        let request = CertificateSigningRequestParams::from_pem(request)?;
        let params = self.leaf_params(&CertSpec::new(certname))?;
        let signed = params.signed_by(&request.public_key, &self.ca)?;
        self.remember(certname, signed.der(), params.serial_number);
        Ok(signed.pem())
    }

    /// Revokes every certificate issued for `certname` so far.
    pub(crate) fn revoke(&mut self, certname: &str) {
        self.revoked
            .extend(self.serials.remove(certname).unwrap_or_default());
        self.crl_number += 1;
    }

    pub(crate) fn set_crl_validity(&mut self, validity: Validity) {
        self.crl_validity = validity;
        self.crl_number += 1;
    }

    /// The certificates of the signing authority and of the root, in that order, as `ca.pem` has them.
    pub(crate) fn ca_pem(&self) -> String {
        format!("{}{}", self.ca.pem(), self.root.pem())
    }

    pub(crate) fn roots(&self) -> [CertificateDer<'static>; 2] {
        [self.ca.der().clone(), self.root.der().clone()]
    }

    /// The revocation lists of both, in that order, as `crl.pem` has them.
    pub(crate) fn crl_pem(&self) -> Result<String, LabError> {
        let (from, to) = span(self.crl_validity);
        let list = |revoked: &[SerialNumber]| CertificateRevocationListParams {
            this_update: from,
            next_update: to,
            crl_number: SerialNumber::from(self.crl_number),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: serial.clone(),
                    revocation_time: from,
                    reason_code: Some(RevocationReason::KeyCompromise),
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let ca = list(&self.revoked).signed_by(&self.ca)?.pem()?;
        let root = list(&[]).signed_by(&self.root)?.pem()?;
        Ok(format!("{ca}{root}"))
    }

    /// The revocation lists as servers check them: an expired list is a client's affair here.
    pub(crate) fn crls(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, LabError> {
        Ok(
            CertificateRevocationListDer::pem_slice_iter(self.crl_pem()?.as_bytes())
                .collect::<Result<_, _>>()?,
        )
    }

    pub(crate) fn owner(&self, certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
        self.owners.get(certificate.as_ref()).cloned()
    }

    fn leaf_params(&mut self, spec: &CertSpec) -> Result<CertificateParams, LabError> {
        let mut params = params(&spec.certname, self.next_serial, spec.validity);
        self.next_serial += 1;
        params.subject_alt_names = spec
            .dns_alt_names
            .iter()
            .map(|name| Ok(SanType::DnsName(name.as_str().try_into()?)))
            .collect::<Result<_, rcgen::Error>>()?;
        // Spelled out, as Puppet does, which also adds the key identifier that chain building wants.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn remember(&mut self, certname: &str, der: &CertificateDer<'_>, serial: Option<SerialNumber>) {
        self.owners.insert(der.to_vec(), certname.into());
        self.serials
            .entry(certname.to_owned())
            .or_default()
            .extend(serial);
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("next_serial", &self.next_serial)
            .finish_non_exhaustive()
    }
}

fn authority_params(name: &str, serial: u64) -> CertificateParams {
    let mut params = params(name, serial, Validity::Current);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn params(name: &str, serial: u64, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    (params.not_before, params.not_after) = span(validity);
    params
}

fn span(validity: Validity) -> (OffsetDateTime, OffsetDateTime) {
    let today = clock::today();
    let (day, year) = (Duration::days(1), Duration::days(365));
    match validity {
        Validity::Current => (today - day, today + year * 5),
        Validity::Ending => (today - day, today + day * 10),
        Validity::Expired => (today - year, today - day),
        Validity::NotYet => (today + day, today + year),
    }
}
