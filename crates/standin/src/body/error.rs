//! Request bodies that cannot be sent.

use super::BoxError;

/// A request body cannot be sent, or not once more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestBodyError {
    /// It was sent before, in part at least, and what was sent is no longer there.
    #[error(
        "the request body was sent before and was too large to be kept for sending it again; keep \
         more of it, or make it with Body::rebuilt_by"
    )]
    NotKept,
    /// What makes it for each sending failed; nothing was sent then.
    #[error("the request body could not be made for sending it; see to what is beneath")]
    NotMade(#[source] BoxError),
}
