//! Section 4 of the design: what a verdict does to the health of the server, and of the service there.

use std::time::Duration;

use standin_core::Verdict;
use standin_core::cell::State;
use standin_core::verdict::{Loss, Processed, Unreached};

use crate::{SERVER, at, health, record};
use State::{Benched, Ready, Suspect};

/// A verdict, the state of the server after it was met once, twice and three times, and that of the
/// service.
type Row = (Verdict, [State; 3], [State; 3]);

const WELL: [State; 3] = [Ready; 3];
const AT_ONCE: [State; 3] = [Benched; 3];
const AT_TWICE: [State; 3] = [Suspect, Benched, Benched];
const AT_THREE: [State; 3] = [Ready, Ready, Benched];

const ROWS: [Row; 17] = [
    (Verdict::Answered, WELL, WELL),
    (Verdict::NotReady(Processed::No), WELL, AT_THREE),
    (Verdict::NotReady(Processed::Maybe), WELL, AT_THREE),
    (Verdict::Busy(Duration::ZERO), WELL, WELL),
    (Verdict::Unreached(Unreached::Refused), AT_ONCE, WELL),
    (Verdict::Unreached(Unreached::TimedOut), AT_TWICE, WELL),
    (
        Verdict::Unreached(Unreached::PassedOver),
        [Suspect; 3],
        WELL,
    ),
    (Verdict::Unreached(Unreached::NoRoute), AT_TWICE, WELL),
    (Verdict::Unreached(Unreached::Name), AT_TWICE, WELL),
    (Verdict::Unreached(Unreached::Reset), AT_TWICE, WELL),
    (Verdict::Untrusted, AT_ONCE, WELL),
    (Verdict::Local, WELL, WELL),
    (Verdict::Lost(Loss::Silent), AT_ONCE, WELL),
    (Verdict::Lost(Loss::Stuck), WELL, AT_ONCE),
    (Verdict::Lost(Loss::Garbage), WELL, AT_THREE),
    (Verdict::Lost(Loss::Reset), WELL, WELL),
    (Verdict::Lost(Loss::TimedOut), WELL, WELL),
];

#[test]
fn each_verdict_counts_where_it_belongs() {
    for (verdict, of_server, of_service) in ROWS {
        let health = health("m,r");
        for time in 0..3 {
            record(&health, 0, verdict, 1);
            let entry = &health.snapshot(at(1)).classes[0].entries[0];
            let came = (entry.server_state, entry.service_state);
            let expected = (of_server[time], of_service[time]);
            assert_eq!(came, expected, "{verdict}, time {}", time + 1);
        }
        assert_eq!(health.state(SERVER, 1, at(1)), Some(Ready), "{verdict}");
    }
}

/// What says little alone counts for the share of successes: five results, of which fewer than four
/// are good.
#[test]
fn weak_evidence_benches_below_four_good_of_five() {
    for weak in [
        Verdict::Lost(Loss::Reset),
        Verdict::Lost(Loss::TimedOut),
        Verdict::Cut,
    ] {
        let state_after = |verdicts: [Verdict; 5]| {
            let health = health("m,r");
            for verdict in verdicts {
                record(&health, 0, verdict, 1);
            }
            health.state(SERVER, 0, at(1))
        };
        let good = Verdict::Answered;
        let four = state_after([weak, good, good, good, good]);
        assert_eq!(four, Some(Ready), "{weak}");
        let three = state_after([weak, good, good, good, weak]);
        assert_eq!(three, Some(Benched), "{weak}");
    }
}
