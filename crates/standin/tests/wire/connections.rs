//! How many connections there are, and how long they are kept.

use std::sync::Arc;
use std::time::Duration;

use standin::ErrorKind;
use tokio::sync::Semaphore;

use crate::site::{NODE, Reply, Site, ask, get, ok};

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// A site whose master holds every request until the test lets it.
async fn held() -> (Site, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let site = Site::start(move |_| Reply::Holds(Arc::clone(&held)), |_| ok("")).await;
    (site, gate)
}

#[tokio::test]
async fn no_server_gets_more_connections_than_it_may_and_that_is_no_reason_to_fail_over() {
    let (site, gate) = held().await;
    let client = site.builder().connections(2).build().unwrap();
    let asking: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client, get(NODE)).await.unwrap().status })
        })
        .collect();
    until(|| site.master.got().len() == 2).await;
    let error = ask(&client, get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Local, "{}", error.report());
    assert!(
        error.report().contains("all 2 connections"),
        "{}",
        error.report()
    );
    gate.add_permits(2);
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 200);
    }
    gate.add_permits(1);
    let answer = ask(&client, get(NODE)).await.unwrap();
    assert_eq!(answer.served.unwrap().server, site.master.server);
    assert_eq!(site.master.connections(), 2);
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn a_connection_that_is_given_back_soon_serves_who_waits_for_it() {
    let (site, gate) = held().await;
    let client = site.builder().connections(1).build().unwrap();
    let ask = |client: standin::Client| async move { ask(&client, get(NODE)).await };
    let first = tokio::spawn(ask(client.clone()));
    until(|| site.master.got().len() == 1).await;
    let second = tokio::spawn(ask(client));
    tokio::task::yield_now().await;
    gate.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap().status, 200);
    assert_eq!(second.await.unwrap().unwrap().status, 200);
    assert_eq!(site.master.connections(), 1);
}

#[tokio::test]
async fn a_connection_is_kept_for_four_seconds() {
    let site = Site::start(|_| ok(""), |_| ok("")).await;
    let client = site.client();
    ask(&client, get(NODE)).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(3500)).await;
    tokio::time::resume();
    ask(&client, get(NODE)).await.unwrap();
    assert_eq!(site.master.connections(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(4500)).await;
    tokio::time::resume();
    ask(&client, get(NODE)).await.unwrap();
    assert_eq!(site.master.connections(), 2);
}
