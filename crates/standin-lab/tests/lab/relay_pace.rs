//! A relay slows what passes through it, and waits no longer than its faults last.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use standin_lab::WireFault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::relay::{Wire, got, sent};
use crate::support::soon;

#[tokio::test]
async fn delay_holds_for_each_way_and_ends_with_the_fault() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    let by = Duration::from_millis(50);
    let fault = wire.relay.fault(WireFault::Delay(by)).await.unwrap();
    let began = Instant::now();
    ends.pass().await;
    assert!(began.elapsed() >= by * 2, "{:?}", began.elapsed());
    fault.lift().await;

    let fault = wire
        .relay
        .fault(WireFault::Delay(Duration::MAX))
        .await
        .unwrap();
    ends.client.write_all(b"ping").await.unwrap();
    assert!(soon(ends.server.read_u8()).await.is_none());
    fault.lift().await;
    assert_eq!(got(&mut ends.server, 4).await, b"ping");
}

#[tokio::test]
async fn jitter_holds_up_and_lets_nothing_overtake() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    ends.client.set_nodelay(true).unwrap();
    let by = Duration::from_millis(50);
    let _fault = wire.relay.fault(WireFault::Jitter(by)).await.unwrap();
    let began = Instant::now();
    for byte in 0..20 {
        assert_eq!(
            sent(&mut ends.client, &mut ends.server, &[byte]).await,
            [byte]
        );
    }
    // 0.5 s on average.
    assert!(began.elapsed() >= by, "{:?}", began.elapsed());
    let many: Vec<u8> = (0..200).collect();
    for byte in &many {
        ends.client.write_u8(*byte).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(got(&mut ends.server, many.len()).await, many);
}

#[tokio::test]
async fn bandwidth_bounds_the_bytes_of_a_second() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    let _fault = wire.relay.fault(WireFault::Bandwidth(5000)).await.unwrap();
    let began = Instant::now();
    sent(&mut ends.client, &mut ends.server, &[7; 1000]).await;
    // The last piece need not wait for what would follow it.
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_drip_sends_byte_after_byte() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    let fault = wire
        .relay
        .fault(WireFault::Drip(Duration::from_millis(40)))
        .await
        .unwrap();
    let began = Instant::now();
    sent(&mut ends.client, &mut ends.server, b"12345").await;
    assert!(
        began.elapsed() >= Duration::from_millis(160),
        "{:?}",
        began.elapsed()
    );
    fault.lift().await;

    let fault = wire
        .relay
        .fault(WireFault::Drip(Duration::MAX))
        .await
        .unwrap();
    ends.client.write_all(b"12").await.unwrap();
    assert_eq!(got(&mut ends.server, 1).await, b"1");
    assert!(soon(ends.server.read_u8()).await.is_none());
    fault.lift().await;
    assert_eq!(got(&mut ends.server, 1).await, b"2");
}
