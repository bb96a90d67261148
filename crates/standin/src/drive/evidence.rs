//! What an error of sending shows.

use standin_core::Verdict;
use standin_core::verdict::{Loss, Unreached};
use standin_net::error::find;
use standin_net::{ConnectError, TrustFailure};

use super::{SharedError, Unanswered};
use crate::TooLarge;
use crate::https::{BodyError, Excess};
use crate::transport::SendError;

/// Whether a request came back unsent, and if not, what is known of it.
pub(super) fn judge(error: SendError) -> Unanswered {
    let source: SharedError = error.source.into();
    if let Some(request) = error.unsent {
        return Unanswered::Unsent(request, source);
    }
    if find::<TooLarge>(source.as_ref()).is_some() {
        return Unanswered::TooLarge(source);
    }
    let verdict = verdict_of(source.as_ref());
    Unanswered::Failed(verdict, Some(source))
}

/// What an error of sending shows. Without a typed proof that nothing was sent, it may have been.
pub(crate) fn verdict_of(error: &(dyn std::error::Error + 'static)) -> Verdict {
    use hyper_util::client::legacy;
    if let Some(error) = find::<ConnectError>(error) {
        return error.verdict();
    }
    if TrustFailure::find(error).is_some() {
        return Verdict::Untrusted;
    }
    if let Some(legacy) = find::<legacy::Error>(error)
        && legacy.is_connect()
    {
        return standin_net::error::judge(error);
    }
    if find::<Excess>(error).is_some() {
        return Verdict::Lost(Loss::Excess);
    }
    if let Some(BodyError::Silent { .. }) = find(error) {
        return Verdict::Lost(Loss::TimedOut);
    }
    match find::<hyper::Error>(error) {
        Some(hyper) if hyper.is_canceled() => Verdict::Unreached(Unreached::Reset),
        Some(hyper) if hyper.is_parse() => Verdict::Lost(Loss::Garbage),
        // The request's own body failed.
        Some(hyper) if hyper.is_user() => Verdict::Local,
        _ => Verdict::Lost(Loss::Reset),
    }
}
