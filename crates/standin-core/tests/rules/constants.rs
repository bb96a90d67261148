//! The numbers of the design's rules, each where its setting has it.

use std::time::Duration;

use standin_core::policy::{
    Commands, Connect, Deadline, Failback, HEAD_START_MOST, Hysteresis, Memory, Overload, Patience,
    Probing, Repeats, Submission, Trip, WriteFailure,
};
use standin_core::{Length, Policy};

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Rules 3, 4, 6, 7, 8, 9, 13 and 16, word for word.
#[test]
fn each_default_is_the_designs() {
    let expected = Policy {
        deadline: Deadline {
            long: seconds(300),
            cheap: seconds(240),
            reserve: seconds(60),
            puppetdb: None,
            body_idle: seconds(30),
            grace: Duration::ZERO,
        },
        connect: Connect {
            head_start: millis(250),
            preference: millis(2500),
            limit: millis(3100),
            limit_benched: millis(1100),
            keep_alive: seconds(4),
            fresh: seconds(1),
        },
        trip: Trip {
            consecutive: 3,
            success_percent: 80,
            least_results: 5,
            bench: seconds(5),
            bench_most: seconds(300),
            decay: seconds(30),
            host_silence: seconds(10),
        },
        patience: Patience {
            after: seconds(2),
            probe_limit: seconds(2),
            interval_most: seconds(30),
            silence: seconds(4),
            silence_long: seconds(8),
            stuck: seconds(10),
            stuck_long: seconds(120),
            stuck_factor: 8,
        },
        failback: Failback::Hysteresis(Hysteresis {
            good: 2,
            dwell: seconds(30),
            spread: seconds(300),
            interval: seconds(10),
        }),
        repeats: Repeats {
            percent: 20,
            reserve: 10,
            sent_most: 5,
            pause: millis(50),
            pause_most: seconds(20),
        },
        overload: Overload::Wait,
        commands: Commands {
            submission: Submission::First,
            failure: WriteFailure::FailsTheRun,
        },
        memory: Memory {
            health: seconds(65 * 60),
            usual: seconds(30 * 24 * 3600),
        },
        probing: Probing::Off,
    };
    assert_eq!(Policy::default(), expected);
    assert_eq!(HEAD_START_MOST, seconds(2));
    assert_eq!(Probing::USUAL, Probing::Every(seconds(10)));
    assert_eq!(Probing::LEAST, millis(500));
}

#[test]
fn a_catalog_has_longer_than_a_look_up() {
    let deadline = Deadline::default();
    assert_eq!(deadline.within(Length::Long), seconds(300));
    assert_eq!(deadline.within(Length::Cheap), seconds(240));
}

#[test]
fn an_earlier_server_is_asked_three_times_in_a_dwell_and_twice_a_second_at_most() {
    let interval = |dwell, interval| {
        let terms = Hysteresis {
            dwell,
            interval,
            ..Hysteresis::default()
        };
        terms.interval()
    };
    assert_eq!(interval(seconds(30), seconds(10)), seconds(10));
    assert_eq!(interval(seconds(9), seconds(10)), seconds(3));
    assert_eq!(interval(seconds(600), seconds(60)), seconds(60));
    assert_eq!(interval(Duration::ZERO, seconds(10)), millis(500));
}
