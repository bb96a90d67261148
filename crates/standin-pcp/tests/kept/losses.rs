//! What follows when an association ends.

use std::time::Duration;

use standin_pcp::{Ended, Event};

use crate::broker::Manner::{Babbles, Freezes, Refuses, SendsBinary, Serves};
use crate::site::{Site, assert_about, at_once, message};

/// What is expected after a close code.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    Lost,
    Evicted,
    Misconfigured,
}

/// The table of close codes: what is told, within which pause, and who is next.
#[tokio::test(start_paused = true)]
async fn each_close_code_has_its_consequence() {
    let seconds = Duration::from_secs;
    for (code, row, pause, next) in [
        (1000, Row::Lost, (0, 10), 1),
        (1001, Row::Lost, (0, 10), 1),
        (1011, Row::Evicted, (0, 75), 1),
        (1012, Row::Lost, (0, 10), 0),
        (1013, Row::Lost, (0, 10), 1),
        (4000, Row::Lost, (0, 10), 1),
        (4002, Row::Misconfigured, (150, 300), 1),
        (4003, Row::Misconfigured, (150, 300), 1),
    ] {
        let mut site = Site::of(&[Serves, Serves]).await;
        site.is_stable_at(0).await;
        site.brokers[0].closes_all(code);
        let (told, again_in, words) = site
            .event(|event| match event {
                Event::Lost {
                    ended, again_in, ..
                } => Some((Row::Lost, *again_in, ended.to_string())),
                Event::Evicted {
                    ended, again_in, ..
                } => Some((Row::Evicted, *again_in, ended.to_string())),
                Event::Misconfigured { reason, again_in } => {
                    Some((Row::Misconfigured, *again_in, reason.clone()))
                }
                _ => None,
            })
            .await;
        assert_eq!(told, row, "{code}");
        assert!(
            words.contains(&format!("code {code}: \"on cue\"")),
            "{words}"
        );
        let (least, most) = (seconds(pause.0), seconds(pause.1));
        assert!(
            again_in >= least && again_in <= most,
            "{code}: {again_in:?}"
        );
        assert_eq!(site.associated().await, site.server(next), "{code}");
        let millis = u64::try_from(again_in.as_millis()).unwrap();
        assert_about(site.elapsed(), millis);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_dies_is_replaced_at_once_but_for_the_spread() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    site.is_stable_at(0).await;
    site.brokers[0].dies().await;
    assert_eq!(site.associated().await, site.server(1));
    assert_about(site.elapsed(), 0);
    site.echoes("here").await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_freezes_is_noticed_within_130_seconds() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    site.is_stable_at(0).await;
    site.brokers[0].freezes_all();
    let ended = site
        .event(|event| match event {
            Event::Lost { ended, .. } => Some(ended.clone()),
            _ => None,
        })
        .await;
    assert!(matches!(*ended, Ended::Silent { .. }), "{ended:?}");
    assert!(
        site.elapsed() <= Duration::from_secs(130),
        "{:?}",
        site.elapsed()
    );
    assert_eq!(site.associated().await, site.server(1));
    assert!(
        site.elapsed() <= Duration::from_secs(130),
        "{:?}",
        site.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_well_is_not_left_for_hours() {
    let mut site = Site::of(&[Serves, Serves]).await;
    site.is_stable_at(0).await;
    tokio::time::sleep(Duration::from_secs(6 * 3600)).await;
    assert_eq!(site.brokers[0].visits().len(), 1);
    assert!(site.handle.status().association.unwrap().is_stable);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_takes_nothing_does_not_lose_the_broker() {
    let mut site = Site::of(&[Serves, Serves]).await;
    site.is_stable_at(0).await;
    let many: Vec<_> = (0..200)
        .map(|number| site.handle.send(message(&number.to_string())))
        .collect();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(site.brokers[0].visits().len(), 1);
    for number in 0..200 {
        let echo = site.handle.next().await.unwrap();
        assert_eq!(echo.data::<String>().unwrap(), number.to_string());
    }
    for delivery in many {
        assert!(matches!(delivery.await, standin_pcp::Outcome::Sent { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_told_and_dropped() {
    let mut site = Site::of(&[Babbles]).await;
    site.associated().await;
    let _outcome = site.handle.send(message("hello"));
    let error = site
        .event(|event| match event {
            Event::Garbled { error, .. } => Some(error.to_string()),
            _ => None,
        })
        .await;
    assert!(error.contains("no message of PCP"));
    site.stable().await;
}

#[tokio::test(start_paused = true)]
async fn binary_messages_end_it_by_name() {
    let mut site = Site::with(&[SendsBinary, Serves], at_once()).await;
    site.associated().await;
    let _outcome = site.handle.send(message("hello"));
    let ended = site
        .event(|event| match event {
            Event::Lost { ended, .. } => Some(ended.to_string()),
            _ => None,
        })
        .await;
    assert!(ended.contains("PCP version 1"), "{ended}");
    assert_eq!(site.associated().await, site.server(1));
}

#[tokio::test(start_paused = true)]
async fn there_is_one_association_at_a_time() {
    let mut site = Site::of(&[Serves, Serves, Serves]).await;
    for _ in 0..6 {
        site.stable().await;
        let live: Vec<usize> = site
            .brokers
            .iter()
            .map(crate::broker::Broker::live)
            .collect();
        assert_eq!(live.iter().sum::<usize>(), 1, "{live:?}");
        let at = live.iter().position(|live| *live == 1).unwrap();
        site.brokers[at].closes_all(1011);
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_broker_is_come_back_to_after_its_restart() {
    let mut site = Site::of(&[Serves]).await;
    site.is_stable_at(0).await;
    site.brokers[0].dies().await;
    let pause = site.pause().await;
    assert!(pause <= Duration::from_secs(10));
    site.pause().await;
    site.brokers[0].becomes(Serves).await;
    site.associated().await;
    assert_eq!(site.stable().await, site.server(0));
}

#[tokio::test(start_paused = true)]
async fn the_handle_can_be_closed_at_any_time() {
    for manners in [[Serves, Serves], [Refuses, Refuses]] {
        let mut site = Site::of(&manners).await;
        site.event(|_| Some(())).await;
        let clock = standin_net::Clock::start();
        let began = clock.now();
        let Site {
            handle,
            mut events,
            brokers,
            ..
        } = site;
        let sender = handle.sender();
        handle.close().await;
        assert!(clock.now().since(began) < Duration::from_secs(6));
        while events.next().await.is_some() {}
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(brokers.iter().all(|broker| broker.live() == 0));
        let late = sender.send(message("too late")).await;
        let closed = standin_pcp::Refusal::Closed;
        assert_eq!(late, standin_pcp::Outcome::Refused(closed));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_the_farewell_of_a_frozen_broker_and_not_for_long() {
    let mut site = Site::of(&[Freezes]).await;
    site.associated().await;
    // So that the proof of the association would fail meanwhile.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let clock = standin_net::Clock::start();
    let began = clock.now();
    site.handle.close().await;
    assert_about(clock.now().since(began), 5000);
}
