//! What becomes of messages.

use std::collections::HashSet;
use std::time::Duration;

use standin_core::Repeat;
use standin_pcp::{Message, Options, Outcome, Refusal, Terms, Written, message_type};

use crate::broker::Manner::{BreaksOnMessage, Declines, Refuses, Serves};
use crate::site::{Site, assert_about, at_once, message};

fn sent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Sent { .. })
}

#[tokio::test(start_paused = true)]
async fn messages_go_both_ways_and_carry_who_sent_them() {
    let mut site = Site::of(&[Serves]).await;
    for word in ["one", "", "drei ÄÖÜ"] {
        site.echoes(word).await;
    }
    let first = &site.brokers[0].received()[0];
    assert_eq!(first["sender"], "pcp://agent.test/agent");
}

#[tokio::test(start_paused = true)]
async fn a_message_of_many_megabytes_goes_through() {
    let mut site = Site::of(&[Serves]).await;
    site.echoes(&"x".repeat(20 << 20)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_too_early_is_sent_when_somebody_is_there() {
    let mut site = Site::of(&[Refuses]).await;
    let outcomes: Vec<_> = (0..50)
        .map(|number| site.handle.send(message(&number.to_string())))
        .collect();
    site.pause().await;
    assert_eq!(site.handle.status().queued, 50);
    site.brokers[0].becomes(Serves).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert!(sent(&outcome.await));
        let echo = site.handle.next().await.unwrap();
        assert_eq!(echo.data::<String>().unwrap(), number.to_string());
    }
    let status = site.handle.status();
    assert_eq!((status.queued, status.unconfirmed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_time_is_over_is_told_so() {
    let site = Site::of(&[Refuses]).await;
    let ttl = Some(Duration::from_secs(7));
    let sender = site.handle.sender();
    let outcome = sender
        .send_with(message("late"), ttl, Repeat::Harmless)
        .await;
    assert_eq!(outcome, Outcome::Expired(Written::No));
    assert_about(site.elapsed(), 7000);
    let outcome = sender.send(message("later")).await;
    assert_eq!(outcome, Outcome::Expired(Written::No));
    assert_about(site.elapsed(), 307_000);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_a_message_is_refused_at_once() {
    let mut terms = Terms::default();
    terms.queue.messages = 2;
    let options = Options {
        terms,
        ..Options::default()
    };
    let site = Site::with(&[Refuses], options).await;
    let _kept = [
        site.handle.send(message("1")),
        site.handle.send(message("2")),
    ];
    let outcome = site.handle.send(message("3")).await;
    assert!(
        matches!(outcome, Outcome::Refused(Refusal::Full { messages: 2, .. })),
        "{outcome:?}"
    );
    assert_about(site.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_dying_broker_did_not_confirm_is_sent_to_the_next_with_the_same_id() {
    let mut site = Site::with(&[BreaksOnMessage, Serves], at_once()).await;
    site.associated().await;
    let message = message("twice");
    let id = message.id().to_owned();
    let outcome = site.handle.send(message).await;
    let server = site.server(1);
    assert_eq!(outcome, Outcome::Sent { server });
    for broker in &site.brokers {
        assert_eq!(broker.received()[0]["id"], id.as_str());
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_sent_once_and_its_sender_is_told() {
    let mut site = Site::with(&[BreaksOnMessage, Serves], at_once()).await;
    site.associated().await;
    let outcome = site
        .handle
        .send(Message::new(message_type::BLOCKING_REQUEST))
        .await;
    let server = site.server(0);
    assert_eq!(outcome, Outcome::MaybeSent { server });
    site.stable().await;
    assert!(site.brokers[1].received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_frozen_broker_reaches_the_next_one() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    site.is_stable_at(0).await;
    site.brokers[0].freezes_all();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let outcome = site.handle.send(message("anybody?")).await;
    let server = site.server(1);
    assert_eq!(outcome, Outcome::Sent { server });
    assert!(
        site.elapsed() <= Duration::from_secs(130),
        "{:?}",
        site.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_brokers_is_an_outcome_and_a_message() {
    let mut site = Site::of(&[Declines]).await;
    let request = Message::new(message_type::BLOCKING_REQUEST);
    let id = request.id().to_owned();
    let outcome = site.handle.send(request).await;
    let reason = "not connected".to_owned();
    assert_eq!(outcome, Outcome::Refused(Refusal::ByBroker { reason }));
    let error = site.handle.next().await.unwrap();
    assert_eq!(error.message_type(), message_type::ERROR);
    assert_eq!(error.in_reply_to(), Some(id.as_str()));
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_is_queued_first() {
    let mut site = Site::of(&[Serves]).await;
    site.associated().await;
    let outcomes: Vec<_> = (0..20)
        .map(|number| site.handle.send(message(&number.to_string())))
        .collect();
    site.handle.close().await;
    for outcome in outcomes {
        assert!(sent(&outcome.await));
    }
    assert_eq!(site.brokers[0].received().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_refuses_what_is_queued() {
    let site = Site::of(&[Refuses]).await;
    let outcome = site.handle.send(message("never"));
    drop(site.handle);
    assert_eq!(outcome.await, Outcome::Refused(Refusal::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_message_can_be_given_up_without_losing_it() {
    let mut site = Site::of(&[Serves]).await;
    let given_up = tokio::time::timeout(Duration::from_secs(1), site.handle.next()).await;
    assert!(given_up.is_err());
    site.echoes("still here").await;
}

/// Brokers die and come back all the while: what was acknowledged as sent was received, and nothing
/// is without an outcome.
#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_while_brokers_die() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    let mut outcomes = Vec::new();
    for number in 0..600 {
        let message = message(&number.to_string());
        outcomes.push((message.id().to_owned(), site.handle.send(message)));
        let pause = Duration::from_millis(fastrand::Rng::with_seed(number).u64(..400));
        tokio::time::sleep(pause).await;
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, site.handle.next()).await {}
        let at = usize::from(number % 2 == 0);
        match number % 20 {
            3 | 8 => site.brokers[at].dies().await,
            5 => site.brokers[at].closes_all(1011),
            10 | 15 => site.brokers[at].becomes(Serves).await,
            12 => site.brokers[1 - at].becomes(BreaksOnMessage).await,
            _ => {}
        }
    }
    for broker in &mut site.brokers {
        broker.becomes(Serves).await;
    }
    let received: HashSet<String> = loop {
        let status = site.handle.status();
        if (status.queued, status.unconfirmed) == (0, 0) {
            let received = site
                .brokers
                .iter()
                .flat_map(crate::broker::Broker::received);
            break received
                .map(|message| message["id"].as_str().unwrap().to_owned())
                .collect();
        }
        while let Ok(Some(_)) = tokio::time::timeout(Duration::ZERO, site.handle.next()).await {}
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let mut sent_count = 0;
    for (id, outcome) in outcomes {
        let outcome = outcome.await;
        if sent(&outcome) {
            sent_count += 1;
            assert!(received.contains(&id), "{id} was acknowledged and is lost");
        }
    }
    assert!(sent_count > 500, "{sent_count}");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_broker_while_something_is_queued_but_not_for_long() {
    let mut site = Site::of(&[Refuses]).await;
    site.pause().await;
    let outcome = site.handle.send(message("never"));
    let clock = standin_net::Clock::start();
    let began = clock.now();
    site.handle.close().await;
    assert_eq!(outcome.await, Outcome::Refused(Refusal::Closed));
    assert_about(clock.now().since(began), 5000);
}
