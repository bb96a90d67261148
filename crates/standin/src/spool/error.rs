//! Why a spool cannot be used, or does not keep something.

use std::io;
use std::path::PathBuf;

use http::HeaderName;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A spool is not used, or does not keep a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// Something of it cannot be read or written.
    #[error("{path} cannot be {action}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It is a link or something else that is no directory.
    #[error("{path} is no directory; remove it, and it is made anew, or name another")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Its owner is somebody else.
    #[error("{path} belongs to user {owner} and not to this one; name another directory")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// Others may look into it.
    #[error("{path} is open to others; chmod 700 it")]
    Open {
        /// The directory.
        path: PathBuf,
    },
    /// Another process keeps it locked.
    #[error("{path} stayed locked by another process")]
    Locked {
        /// The file of the lock.
        path: PathBuf,
    },
    /// There is no room for one more.
    #[error(
        "the spool {path} is full: it holds {entries} entries of {bytes} bytes together and may hold \
         {entries_most} of {bytes_most}, and this one has {needed} bytes; see why nobody takes them"
    )]
    Full {
        /// The directory.
        path: PathBuf,
        /// Entries in it.
        entries: usize,
        /// Their bytes.
        bytes: u64,
        /// Entries at most.
        entries_most: usize,
        /// Bytes at most.
        bytes_most: u64,
        /// The bytes of the one that was not kept.
        needed: u64,
    },
    /// It holds an entry from the end of the times that it knows.
    #[error("{path} has no names left; set the clock, and remove the entry of the year 2286")]
    OutOfNames {
        /// The directory.
        path: PathBuf,
    },
    /// The request carries what must not lie on a disk.
    #[error("the request carries credentials in {header}, which a spool does not keep")]
    Credentials {
        /// The header with them.
        header: HeaderName,
    },
    /// The body was sent in part and is no longer there, is too large, or has trailers.
    #[error("the request's body cannot be kept whole; hand it over as bytes")]
    Body(#[source] BoxError),
}
