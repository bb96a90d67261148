//! Returning to an earlier broker.

use std::time::Duration;

use standin_pcp::Event;

use crate::broker::Manner::{Answers, Closes, Refuses, Serves};
use crate::site::{Site, at_once, message, returning};

#[tokio::test(start_paused = true)]
async fn it_returns_once_the_earlier_one_was_well_for_a_while_and_has_proven_itself() {
    let mut site = Site::with(&[Refuses, Serves], returning()).await;
    site.is_stable_at(1).await;
    site.brokers[0].becomes(Serves).await;
    let (from, to) = site
        .event(|event| match event {
            Event::FailedBack { from, to } => Some((from.clone(), to.clone())),
            _ => None,
        })
        .await;
    assert_eq!((from, to), (site.server(1), site.server(0)));
    // 30 s well, asked each 10 s, and 10 s of proof; the bench may hold the first question back.
    let took = site.elapsed();
    assert!(
        took >= Duration::from_secs(40) && took < Duration::from_secs(90),
        "{took:?}"
    );
    assert_eq!(site.stable().await, site.server(0));
    site.echoes("with the first").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((site.brokers[0].live(), site.brokers[1].live()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn no_moment_of_it_is_without_an_association_and_no_message_is_lost() {
    let mut site = Site::with(&[Refuses, Serves], returning()).await;
    site.is_stable_at(1).await;
    site.brokers[0].becomes(Serves).await;
    let mut returned = false;
    for number in 0..1000 {
        site.echoes(&number.to_string()).await;
        let live: usize = site.brokers.iter().map(crate::broker::Broker::live).sum();
        assert!(live > 0, "{number}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        returned |= site.brokers[0].received().len() > 10;
    }
    assert!(returned);
    let total: usize = site
        .brokers
        .iter()
        .map(|broker| broker.received().len())
        .sum();
    assert_eq!(total, 1000);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_broker_that_does_not_keep_it_is_left_alone_again() {
    for manner in [
        Closes(1011, Duration::from_secs(5)),
        Closes(4002, Duration::ZERO),
    ] {
        let mut site = Site::with(&[Refuses, Serves], returning()).await;
        site.is_stable_at(1).await;
        site.brokers[0].becomes(manner).await;
        let server = site
            .event(|event| match event {
                Event::Stayed { server, .. } => Some(server.clone()),
                Event::FailedBack { .. } => panic!("it did not last"),
                _ => None,
            })
            .await;
        assert_eq!(server, site.server(0));
        site.echoes("with the second").await;
        assert_eq!(
            site.handle.status().brokers.classes[0].holder,
            site.server(1)
        );
        site.brokers[0].visits();
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(site.brokers[0].visits().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_answers_503_is_not_tried_at_all() {
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let mut site = Site::with(&[Answers(unavailable), Serves], returning()).await;
    site.is_stable_at(1).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(site.brokers[1].visits().len(), 1);
    assert!(site.brokers[0].visits().is_empty());
    site.echoes("with the second").await;
}

#[tokio::test(start_paused = true)]
async fn if_the_present_one_dies_while_the_earlier_is_on_trial_nothing_is_waited_for() {
    let mut site = Site::with(&[Refuses, Serves], returning()).await;
    site.is_stable_at(1).await;
    site.brokers[0].becomes(Serves).await;
    while site.brokers[0].live() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _outcome = site.handle.send(message("on its way"));
    site.brokers[1].dies().await;
    site.restarts_the_watch();
    site.event(|event| matches!(event, Event::FailedBack { .. }).then_some(()))
        .await;
    assert!(site.elapsed() < Duration::from_millis(10));
    while site.brokers[0].received().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_agent_waits_for_its_share_of_the_spread() {
    let mut site = Site::with(&[Refuses, Serves], at_once()).await;
    site.is_stable_at(1).await;
    site.brokers[0].becomes(Serves).await;
    let share = standin_core::jitter::fraction(
        Duration::from_secs(300),
        standin_core::jitter::seed_of(crate::site::NAME),
    );
    assert!(
        share > Duration::from_secs(10),
        "a name that shows it: {share:?}"
    );
    site.event(|event| matches!(event, Event::FailedBack { .. }).then_some(()))
        .await;
    let took = site.elapsed();
    assert!(
        took >= share + Duration::from_secs(40),
        "{took:?}, {share:?}"
    );
    assert!(
        took < share + Duration::from_secs(100),
        "{took:?}, {share:?}"
    );
}
