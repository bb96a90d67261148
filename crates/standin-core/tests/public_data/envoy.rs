//! Envoy's timeline of growing and shrinking ejections: `EjectTimeBackoff` in
//! `test/common/upstream/outlier_detection_impl_test.cc`.

use std::time::Duration;

use standin_core::Moment;
use standin_core::cell::{Cell, Evidence, State};
use standin_core::policy::Trip;

/// One ejection: when it begins, how long theirs and ours lasts, and why where that differs. Theirs
/// has a base of 10 s, adds it for each ejection in a row and takes it off for each interval of 10 s in
/// health; ours has the same base and the same interval, and doubles and halves.
type Ejection = (u64, u64, u64, &'static str);

const TIMELINE: [Ejection; 5] = [
    (0, 10, 10, ""),
    (10, 20, 20, ""),
    (
        30,
        30,
        40,
        "doubling reaches a bound of minutes in a few trips, and adding in thirty",
    ),
    (
        90,
        20,
        20,
        "theirs is taken back in two intervals, and so is ours",
    ),
    (620, 10, 10, ""),
];

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

/// Half of a bench is jitter; with these bits it takes its full length.
const FULL: u64 = u64::MAX;

#[test]
fn benches_grow_and_shrink_along_the_timeline() {
    let trip = Trip {
        bench: Duration::from_secs(10),
        decay: Duration::from_secs(10),
        ..Trip::default()
    };
    let cell = Cell::default();
    let show = |evidence, seconds| {
        cell.record(evidence, cell.generation(), at(seconds), FULL, &trip);
    };
    for (begins, theirs, ours, why) in TIMELINE {
        // Their fifth failure in a row ejects, as our third does.
        for failure in 1..=trip.consecutive {
            assert_ne!(cell.state(), State::Benched, "{failure} at {begins} s");
            show(Evidence::Failure, begins);
        }
        assert_eq!(cell.state(), State::Benched, "at {begins} s");
        let until = cell.benched_until().expect("it is benched");
        let short = at(begins + ours).since(until);
        assert!(short <= Duration::from_nanos(2), "{begins} s: {until:?}");
        assert!(
            theirs == ours || !why.is_empty(),
            "{begins} s needs a reason"
        );
        // Theirs is back by itself when the time is up, ours with its first good probe.
        let ends = begins + ours;
        assert_eq!(cell.claim_probe(at(ends - 1)), None, "at {ends} s");
        let probe = cell.claim_probe(at(ends)).expect("its bench is over");
        cell.record(Evidence::Good, probe, at(ends), FULL, &trip);
        assert_eq!(cell.state(), State::Ready, "at {ends} s");
    }
}
