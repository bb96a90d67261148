//! Why a server was not reached, told by type and never by text.

use std::error::Error as StdError;
use std::io;

use standin_core::verdict::{Unreached, Verdict};

use crate::TrustFailure;
use crate::names::NameError;
use crate::trust::Stage;
use crate::tunnel::TunnelError;
use crate::verifier::met::Met;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A connection was not made: nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{}", describe(*verdict))]
pub struct ConnectError {
    verdict: Verdict,
    reach: Reach,
    #[source]
    source: Option<BoxError>,
}

/// Whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The server that was dialled.
    One,
    /// Every server: none needs to be tried.
    All,
}

impl ConnectError {
    /// Whatever the connector said, judged.
    #[must_use]
    pub fn judge(source: BoxError) -> Self {
        Self {
            verdict: judge(source.as_ref()),
            reach: Reach::One,
            source: Some(source),
        }
    }

    /// The same of a TLS handshake, in which this was met.
    pub(crate) fn of_handshake(source: BoxError, met: Option<&Met>) -> Self {
        let failure = find::<rustls::Error>(source.as_ref())
            .and_then(|error| TrustFailure::of(error, met, Stage::Handshake));
        Self::judge(failure.map_or(source, Into::into))
    }

    /// A fault of this machine, or of how it is set up, for which no other server is to be tried.
    #[must_use]
    pub const fn local(source: BoxError) -> Self {
        Self {
            verdict: Verdict::Local,
            reach: Reach::All,
            source: Some(source),
        }
    }

    /// The connection took longer than it may.
    #[must_use]
    pub const fn timed_out() -> Self {
        Self {
            verdict: Verdict::Unreached(Unreached::TimedOut),
            reach: Reach::One,
            source: None,
        }
    }

    /// Whether it ends a race of servers, whoever else would connect.
    pub(crate) fn stops_at_once(&self) -> bool {
        self.reach == Reach::All
    }

    /// [`Verdict::Unreached`], [`Verdict::Untrusted`] or [`Verdict::Local`].
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// The first error of type `T` in a chain, looking into I/O errors too, which hide what they wrap.
#[must_use]
pub fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = wrapped.or_else(|| error.source());
    }
    None
}

/// What an error of connecting shows: [`Verdict::Unreached`], [`Verdict::Untrusted`] or
/// [`Verdict::Local`].
#[must_use]
pub fn judge(error: &(dyn StdError + 'static)) -> Verdict {
    if TrustFailure::find(error).is_some() {
        return Verdict::Untrusted;
    }
    if let Some(error) = find::<TunnelError>(error) {
        return error.verdict();
    }
    if find::<NameError>(error).is_some() {
        return Verdict::Unreached(Unreached::Name);
    }
    let Some(error) = innermost_io(error) else {
        return Verdict::Unreached(Unreached::Reset);
    };
    if error
        .raw_os_error()
        .is_some_and(|code| LOCAL_FAULTS.contains(&code))
    {
        return Verdict::Local;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Verdict::Unreached(Unreached::Refused),
        io::ErrorKind::TimedOut => Verdict::Unreached(Unreached::TimedOut),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Verdict::Unreached(Unreached::NoRoute)
        }
        io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::PermissionDenied => Verdict::Local,
        _ => Verdict::Unreached(Unreached::Reset),
    }
}

/// Out of descriptors, for the process (24) and the machine (23): the numbers are the same on Linux,
/// the BSDs and macOS, and the standard library has no kind for them.
const LOCAL_FAULTS: [i32; 2] = [23, 24];

fn innermost_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut found = find::<io::Error>(error)?;
    while let Some(inner) = found
        .get_ref()
        .and_then(|inner| find::<io::Error>(inner as &(dyn StdError + 'static)))
    {
        found = inner;
    }
    Some(found)
}

fn describe(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Untrusted => "server and agent do not trust each other",
        Verdict::Local => "this machine cannot connect to anybody",
        Verdict::Unreached(Unreached::Refused) => "connection refused: nobody listens there",
        Verdict::Unreached(Unreached::TimedOut) => "connecting took too long",
        Verdict::Unreached(Unreached::NoRoute) => "there is no route to the host",
        Verdict::Unreached(Unreached::Name) => "the host's name has no address",
        _ => "the connection broke while it was made",
    }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    fn of(error: impl Into<BoxError>) -> Verdict {
        ConnectError::judge(error.into()).verdict()
    }

    #[test]
    fn an_io_error_is_found_however_deep_it_is_wrapped() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let wrapped = io::Error::other(io::Error::other(refused));
        assert_eq!(of(wrapped), Verdict::Unreached(Unreached::Refused));
    }

    #[test]
    fn want_of_descriptors_is_our_own_fault() {
        assert_eq!(of(io::Error::from_raw_os_error(24)), Verdict::Local);
    }

    #[test]
    fn a_broken_handshake_is_not_a_want_of_trust() {
        let alert = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert));
        assert_eq!(of(wrapped), Verdict::Unreached(Unreached::Reset));
    }

    #[test]
    fn an_alert_about_our_certificate_is() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRevoked);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert));
        assert_eq!(of(wrapped), Verdict::Untrusted);
    }
}
