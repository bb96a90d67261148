//! The faults.

use std::time::Duration;

use http::StatusCode;
use standin_lab::{Fault, FaultGuard, Flaw, Lab, State, Target};

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";

/// Every fault of the lab, those with a choice several times.
pub(crate) fn faults() -> Vec<Fault> {
    let millis = Duration::from_millis;
    let answers = |status| Fault::Answers(StatusCode::from_u16(status).unwrap());
    let mut faults = vec![
        Fault::Refuse,
        Fault::Flapping {
            down: millis(300),
            up: millis(300),
        },
        Fault::BlackHole,
        Fault::Silent,
        Fault::HangUp,
        Fault::StallTls { after: 0 },
        Fault::StallTls { after: 100 },
        Fault::AlertTls,
        Fault::SilentAfterTls,
        Fault::WorkSilent,
        Fault::DatabaseDown,
        Fault::InternalError,
        Fault::ResetBody { after: 0 },
        Fault::ResetBody { after: 5 },
        Fault::ResetRequest,
        Fault::ResetAnswer { after: 0 },
        Fault::ResetAnswer { after: 20 },
        Fault::ResetAnswer { after: 200 },
        Fault::Drip(millis(20)),
        Fault::DripBody(millis(200)),
        Fault::ShortBody { by: 3 },
        Fault::LongBody { by: 3 },
        Fault::Garbage,
        Fault::HtmlPage,
        Fault::RedirectLoop,
        Fault::Delay(millis(3_000)),
        Fault::Delay(millis(60_000)),
        Fault::WorkDelay(millis(15_000)),
        Fault::Jitter(millis(6_000)),
        Fault::Bandwidth(2_000),
        Fault::ClockAhead(millis(3_600_000)),
    ];
    let flaws = [
        Flaw::Expired,
        Flaw::WrongName,
        Flaw::UnknownIssuer,
        Flaw::Revoked,
    ];
    faults.extend(flaws.map(Fault::Untrusted));
    let retry_after = [None, Some(0), Some(2), Some(3600)];
    faults.extend(retry_after.map(|retry_after| Fault::Unavailable { retry_after }));
    let states = [
        State::Starting,
        State::Stopping,
        State::Unknown,
        State::Error,
    ];
    faults.extend(states.map(Fault::NotReady));
    faults.extend([400, 404, 429, 500, 502, 504].map(answers));
    faults
}

/// The name of a fault without its numbers.
pub(crate) fn kind(fault: &Fault) -> String {
    let text = format!("{fault:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Master,
    Both,
}

impl Whom {
    pub(crate) const ALL: [Self; 2] = [Self::Master, Self::Both];

    fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::Master => &[MASTER],
            Self::Both => &[MASTER, REPLICA],
        }
    }
}

/// Strikes whole hosts.
pub(crate) async fn strike(lab: &Lab, whom: Whom, fault: &Fault) -> Vec<FaultGuard> {
    let mut guards = Vec::new();
    for host in whom.hosts() {
        let guard = lab.fault(Target::Host(host), fault.clone()).await;
        guards.push(guard.unwrap());
    }
    guards
}

pub(crate) async fn lift(guards: Vec<FaultGuard>) {
    for guard in guards {
        guard.lift().await;
    }
}
