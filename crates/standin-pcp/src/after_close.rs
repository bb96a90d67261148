//! What a broker's close code asks for.

/// What to do once a broker has closed the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterClose {
    /// Go to another broker.
    NextBroker,
    /// The same. If the association had lasted, everybody was sent away with it, so come late.
    Evicted,
    /// Come back to this one, after a pause that spreads the fleet.
    SameBroker,
    /// Every broker would say the same until somebody changes the configuration: try seldom, and
    /// say so loudly.
    Misconfigured,
}

/// Reads a close code as pcp-broker means it.
///
/// Its 1011 covers "not running", "too many connections" and "cut off from the controllers": go
/// elsewhere. The first two are said to those who come, the last to all who are there. With 1012 it
/// re-reads revocations and is well. 4002 refuses the association and 4003 misses a client
/// certificate. What it does not send means that it is gone.
#[must_use]
pub const fn after_close(code: u16) -> AfterClose {
    match code {
        INTERNAL_ERROR => AfterClose::Evicted,
        SERVICE_RESTART => AfterClose::SameBroker,
        ASSOCIATION_UNSUCCESSFUL | NO_CLIENT_CERTIFICATE => AfterClose::Misconfigured,
        _ => AfterClose::NextBroker,
    }
}

// The first two are of the WebSocket registry, the others of pcp-broker's `core.clj`.
const INTERNAL_ERROR: u16 = 1011;
const SERVICE_RESTART: u16 = 1012;
const ASSOCIATION_UNSUCCESSFUL: u16 = 4002;
const NO_CLIENT_CERTIFICATE: u16 = 4003;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_brokers_send_has_its_meaning() {
        let table = [
            (1000, AfterClose::NextBroker),
            (1001, AfterClose::NextBroker),
            (1005, AfterClose::NextBroker),
            (1006, AfterClose::NextBroker),
            (1011, AfterClose::Evicted),
            (1012, AfterClose::SameBroker),
            (1013, AfterClose::NextBroker),
            (4000, AfterClose::NextBroker),
            (4002, AfterClose::Misconfigured),
            (4003, AfterClose::Misconfigured),
        ];
        for (code, expected) in table {
            assert_eq!(after_close(code), expected, "{code}");
        }
    }
}
