//! Facts: what the settings themselves cannot say, as plain data from whoever asked the machine,
//! DNS and the servers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use standin_core::Server;

/// What is known beside the settings. Whatever was not asked is left out and not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The time it is. Certificates are judged by it.
    pub now: SystemTime,
    /// What the hosts that were looked up have for addresses, by host as [`Server::host`] has it.
    pub addresses: BTreeMap<String, Lookup>,
    /// What the files of certificates, keys and revocation lists hold.
    pub ssl: Vec<SslFact>,
    /// What came of connecting to servers.
    pub visits: Vec<Visit>,
}

impl Facts {
    /// Nothing is known but the time.
    #[must_use]
    pub const fn at(now: SystemTime) -> Self {
        Self {
            now,
            addresses: BTreeMap::new(),
            ssl: Vec::new(),
            visits: Vec::new(),
        }
    }
}

/// What came of looking up a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It has these addresses; at least one.
    Found(Vec<IpAddr>),
    /// It has none, as far as this machine can tell; the reason, without a full stop.
    Nothing(String),
}

/// Something about a file of certificates, keys or revocation lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SslFact {
    /// There is a certificate in it.
    Certificate {
        /// The file.
        path: PathBuf,
        /// Whose it is: the common name, or the whole subject.
        subject: String,
        /// From when on it is valid.
        not_before: SystemTime,
        /// Until when it is valid.
        not_after: SystemTime,
    },
    /// There is a revocation list in it.
    RevocationList {
        /// The file.
        path: PathBuf,
        /// Whose list it is.
        issuer: String,
        /// When a newer list is due; some lists do not say.
        next_update: Option<SystemTime>,
    },
    /// Certificate and key are not of each other.
    KeyMismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        cert: PathBuf,
    },
    /// Who may read the key: the permission bits as Unix has them.
    KeyMode {
        /// The file of the key.
        path: PathBuf,
        /// The bits, like `0o640`.
        mode: u32,
    },
    /// It cannot be used.
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why, as a sentence without its full stop.
        why: String,
    },
}

/// What came of connecting to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The server.
    pub server: Server,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of connecting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is trusted and answers.
    Answered {
        /// Until when its certificate is valid, if it can be told.
        not_after: Option<SystemTime>,
        /// The time that it told, in whole seconds, if it did.
        date: Option<SystemTime>,
        /// The time by this machine's clock when it did.
        at: SystemTime,
    },
    /// Its certificate is not for the name that was dialled, but for what is said here, without a
    /// full stop.
    OtherName(String),
    /// Server and agent do not trust each other for another reason, without a full stop.
    NotTrusted(String),
    /// It was not reached, or did not answer, for this reason, without a full stop.
    NotReached(String),
}
