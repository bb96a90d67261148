//! A certificate authority as Puppet's: a root, and beneath it the one that signs.

#![allow(dead_code, reason = "each suite uses a part of it")]

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

pub(crate) type Signer = CertifiedIssuer<'static, KeyPair>;

/// Of the authority that signs.
pub(crate) const CA_SERIAL: u64 = 2;
/// Of every other certificate.
pub(crate) const LEAF_SERIAL: u64 = 7;

pub(crate) struct Pki {
    pub(crate) root: Signer,
    pub(crate) ca: Signer,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::from_params(
            authority("Puppet Root CA", 1),
            authority("Puppet CA", CA_SERIAL),
        )
    }

    pub(crate) fn from_params(root: CertificateParams, ca: CertificateParams) -> Self {
        let root = Signer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let ca = Signer::signed_by(ca, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, ca }
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        Leaf {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// As in `ca.pem`: the one that signs, then the root.
    pub(crate) fn ca(&self) -> Vec<CertificateDer<'static>> {
        vec![self.ca.der().clone(), self.root.der().clone()]
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.ca.pem() + &self.root.pem()
    }

    /// As in `crl.pem`: one list of each, on which nobody is.
    pub(crate) fn crls(&self) -> Vec<CertificateRevocationListDer<'static>> {
        [&self.ca, &self.root]
            .map(|issuer| crl(issuer, &[], 2120).der().clone())
            .to_vec()
    }

    pub(crate) fn crl_pem(&self) -> String {
        [&self.ca, &self.root]
            .map(|issuer| crl(issuer, &[], 2120).pem().unwrap())
            .concat()
    }
}

/// A list of 2020 that is to be replaced at the beginning of the year `until`.
pub(crate) fn crl(
    issuer: &Signer,
    revoked: &[u64],
    until: i32,
) -> rcgen::CertificateRevocationList {
    let revoked_certs = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked_certs.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(issuer)
    .unwrap()
}

/// An authority of the years 2020 to 2120.
pub(crate) fn authority(name: &str, serial: u64) -> CertificateParams {
    let mut params = years(name, serial);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What Puppet's CA gives to servers and agents alike: of the years 2020 to 2120, for both ends of
/// a connection, and without alternative names.
pub(crate) fn certificate(common_name: &str) -> CertificateParams {
    let mut params = years(common_name, LEAF_SERIAL);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn years(common_name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}
