//! Why a file of the `ssldir` is not taken, and what to do.

use std::io;
use std::path::PathBuf;

use rustls_pki_types::pem;

/// A file of the `ssldir` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SslFileError {
    /// It cannot be read.
    #[error("cannot read {path}; is the agent's certificate there, and may this user read it?")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not PEM, or broken.
    #[error("{path} is broken; restore {wanted} there, or have it made anew with `puppet ssl`")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// What should be in it is not.
    #[error("{path} does not hold {wanted}; restore it, or have it made anew with `puppet ssl`")]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },
    /// The key is encrypted, and there is no pass phrase for it.
    #[error("the key in {key} has a pass phrase; write it into {passfile}, readable for root only")]
    NoPassPhrase {
        /// The key's file.
        key: PathBuf,
        /// Where the pass phrase is looked for.
        passfile: PathBuf,
    },
    /// The pass phrase is not that of the key.
    #[error("the pass phrase in {passfile} does not open the key in {key}; restore one of them")]
    WrongPassPhrase {
        /// The key's file.
        key: PathBuf,
        /// The pass phrase's file.
        passfile: PathBuf,
    },
    /// The key is encrypted in a way that is not known here.
    #[error(
        "the key in {key} is encrypted in a way that is not known here; encrypt it anew with \
         `openssl pkcs8 -topk8 -v2 aes256`"
    )]
    UnknownCipher {
        /// The key's file.
        key: PathBuf,
    },
    /// The system's authorities were asked for and there are none.
    #[error("the operating system has no authorities to trust; install its CA certificates")]
    NoSystemRoots,
    /// A certificate in it is not X.509.
    #[error("{path} holds a certificate that cannot be read; have it made anew with `puppet ssl`")]
    Certificate {
        /// Which file.
        path: PathBuf,
    },
    /// The agent's certificate has expired.
    #[error("the certificate in {path} expired on {date}; renew it, no server will accept it")]
    Expired {
        /// Which file.
        path: PathBuf,
        /// Its last day.
        date: String,
    },
    /// The agent's certificate is not valid yet.
    #[error("the certificate in {path} is valid only from {date}; is this machine's clock right?")]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// Its first day.
        date: String,
    },
    /// Key and certificate are not of each other.
    #[error(
        "the key in {key} is not the key of the certificate in {cert}; one was made anew: restore the \
         other, or clean the certificate at the CA and here and run `puppet ssl bootstrap`"
    )]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        cert: PathBuf,
    },
    /// TLS does not take what is in the files.
    #[error("{path} cannot be used for TLS; have it made anew with `puppet ssl`")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
