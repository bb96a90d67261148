//! Certificates renewed while requests are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::site::{NODE, Site, ask, get, ok, put};

/// Each renewal replaces two files one after the other, so that between them they do not fit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_under_load_fail_no_request() {
    let site = Site::start(|_| ok("good"), |_| ok("good")).await;
    let client = site.client();
    let (done, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let answer = ask(&client, get(NODE)).await.unwrap();
                    assert!(answer.served.unwrap().failed.is_empty());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let (renewed, cert, key) = site.ca.issue("agent.example.com");
        put(&site.files.cert, &cert);
        tokio::task::yield_now().await;
        put(&site.files.key, &key.serialize_pem());
        let before = answered.load(Ordering::Relaxed);
        let shown = || site.master.clients().contains(&renewed);
        // The files are looked at once a second.
        tokio::time::timeout(Duration::from_secs(60), async {
            while !shown() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the renewed certificate is never shown");
        assert!(answered.load(Ordering::Relaxed) > before);
    }
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn a_kept_connection_of_before_a_renewal_is_not_used_again() {
    let site = Site::start(|_| ok(""), |_| ok("")).await;
    let client = site.client();
    ask(&client, get(NODE)).await.unwrap();
    let (renewed, cert, key) = site.ca.issue("agent.example.com");
    put(&site.files.cert, &cert);
    put(&site.files.key, &key.serialize_pem());
    // Every second request is more than a second after the last look.
    tokio::time::timeout(Duration::from_secs(60), async {
        while !site.master.clients().contains(&renewed) {
            ask(&client, get(NODE)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("the kept connection is used for ever");
    assert_eq!(site.master.connections(), 2);
}
