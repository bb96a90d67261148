//! A wire that breaks before a server that is well: the request moves, however it breaks.

use std::time::Duration;

use standin_lab::{Direction, WireFault};

use crate::harness::{Errand, MASTER, REPLICA, SOON, policy};
use crate::relay::Relay;

const TO_CLIENT: Direction = Direction::ToClient;

/// Every way in which nothing comes back.
const FATAL: [WireFault; 8] = [
    WireFault::Refuse,
    WireFault::BlackHole,
    WireFault::Silent,
    WireFault::HangUp,
    WireFault::Delay(Duration::MAX),
    WireFault::Drip(Duration::MAX),
    WireFault::Reset {
        direction: TO_CLIENT,
        after: 0,
    },
    WireFault::Cut {
        direction: TO_CLIENT,
        after: 0,
    },
];

#[tokio::test]
async fn a_broken_wire_before_the_master_sends_a_cold_client_to_the_replica() {
    for fault in FATAL {
        let (relay, stage) = Relay::on_stage(policy()).await;
        let _fault = relay.fault(fault).await;
        let answer = stage.ask(Errand::Catalog).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.by()),
            (200, REPLICA),
            "{fault:?}"
        );
        assert!(answer.took < SOON, "{fault:?}: {:?}", answer.took);
        assert!(stage.got_any(MASTER).is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_wire_that_breaks_under_a_warm_connection_sends_the_client_to_the_replica() {
    for fault in FATAL {
        if fault == WireFault::HangUp {
            // It spares established connections.
            continue;
        }
        let (relay, stage) = Relay::on_stage(policy()).await;
        assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), MASTER);
        let _fault = relay.fault(fault).await;
        let answer = stage.ask(Errand::Catalog).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.by()),
            (200, REPLICA),
            "{fault:?}"
        );
        assert!(answer.took < SOON, "{fault:?}: {:?}", answer.took);
    }
}

#[tokio::test]
async fn an_answer_cut_off_on_its_way_does_not_reach_the_caller_as_a_whole_one() {
    for cut in [
        |after| WireFault::Reset {
            direction: TO_CLIENT,
            after,
        },
        |after| WireFault::Cut {
            direction: TO_CLIENT,
            after,
        },
    ] {
        let (relay, stage) = Relay::on_stage(policy()).await;
        stage.ask(Errand::Node).await.unwrap();
        // Into the head of the answer.
        let _fault = relay.fault(cut(relay.brought() + 60)).await;
        let answer = stage.ask(Errand::Catalog).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.by()), (200, REPLICA));
    }
}

#[tokio::test]
async fn a_slow_wire_is_no_broken_one() {
    for slow in [
        WireFault::Delay(Duration::from_millis(20)),
        WireFault::Jitter(Duration::from_millis(20)),
        WireFault::Bandwidth(200_000),
    ] {
        let (relay, stage) = Relay::on_stage(policy()).await;
        let _fault = relay.fault(slow).await;
        let answer = stage.ask(Errand::Catalog).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.by()),
            (200, MASTER),
            "{slow:?}"
        );
    }
}
