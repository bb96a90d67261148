//! What was met when a server was not trusted: told to whoever dialled, since the errors of rustls
//! name no certificate.

use std::cell::RefCell;
use std::future::Future;

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// The certificates and lists that a refusal was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    /// The server's certificate first, then the authorities: those it sent and those known here.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) lists: Vec<List>,
}

/// As much of a certificate as a person wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) on_a_list: bool,
    pub(crate) has_a_list: bool,
}

/// A list of revocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) issuer: String,
    pub(crate) next_update: Option<i64>,
}

tokio::task_local! {
    static MET: RefCell<Option<Met>>;
}

/// Runs a handshake and hands out what was met in it, if the server was not trusted.
pub(crate) async fn watched<T>(handshake: impl Future<Output = T>) -> (T, Option<Met>) {
    let watched = async {
        let done = handshake.await;
        (done, MET.with(RefCell::take))
    };
    MET.scope(RefCell::default(), watched).await
}

/// Leaves word for whoever watches.
pub(super) fn tell<'a>(
    end_entity: &'a CertificateDer<'_>,
    authorities: impl Iterator<Item = &'a [u8]>,
    lists: &[Vec<u8>],
) {
    let lists: Vec<CertificateRevocationList<'_>> = lists
        .iter()
        .filter_map(|der| Some(CertificateRevocationList::from_der(der).ok()?.1))
        .collect();
    let certificates = std::iter::once(end_entity.as_ref())
        .chain(authorities)
        .filter_map(|der| {
            Some(Certificate::of(
                &X509Certificate::from_der(der).ok()?.1,
                &lists,
            ))
        })
        .collect();
    let met = Met {
        certificates,
        lists: lists.iter().map(List::of).collect(),
    };
    // Nobody watches a handshake that was not begun here.
    let _ = MET.try_with(|told| told.replace(Some(met)));
}

impl Certificate {
    fn of(certificate: &X509Certificate<'_>, lists: &[CertificateRevocationList<'_>]) -> Self {
        let mut of_issuer = lists
            .iter()
            .filter(|list| list.issuer().as_raw() == certificate.issuer().as_raw())
            .peekable();
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            has_a_list: of_issuer.peek().is_some(),
            on_a_list: of_issuer.any(|list| {
                list.iter_revoked_certificates()
                    .any(|revoked| revoked.raw_serial() == certificate.raw_serial())
            }),
        }
    }
}

impl List {
    fn of(list: &CertificateRevocationList<'_>) -> Self {
        Self {
            issuer: list.issuer().to_string(),
            next_update: list.next_update().map(|time| time.timestamp()),
        }
    }
}
