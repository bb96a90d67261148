//! Nobody but the plan sends anything twice: neither hyper nor the pool.

use standin::ErrorKind;

use crate::outcome::{Ending, Outcome, RESET, ask};
use crate::server::{Act, Script, Stop};
use crate::site::{Errand, Site};

/// What comes of a request to a master without a replica that resets every connection once a request
/// came whole, after `well` requests on the first one.
async fn alone(site: &Site, well: usize, errand: Errand) -> Outcome {
    site.plays(move |number| Script {
        well: if number == 0 { well } else { 0 },
        stop: Stop::Response("", 0),
        act: Act::Reset,
    });
    let client = site.builder(&[&site.master]).build().unwrap();
    for _ in 0..well {
        ask(&client, Errand::Read.request()).await;
    }
    ask(&client, errand.request()).await
}

#[tokio::test]
async fn every_sending_is_an_attempt_that_is_told_of() {
    let site = Site::start().await;
    for errand in Errand::ALL {
        for well in [0, 1, 3] {
            let outcome = alone(&site, well, errand).await;
            assert!(outcome.failed.iter().all(|(_, verdict)| *verdict == RESET));
            let got = site.master.got().len();
            assert_eq!(got, outcome.failed.len(), "{errand:?} {well}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn what_may_not_be_repeated_is_sent_once_on_any_connection() {
    let site = Site::start().await;
    for well in [0, 1, 3] {
        let outcome = alone(&site, well, Errand::Harmful).await;
        assert_eq!(outcome.end, Ending::Failed(ErrorKind::MaybeProcessed));
        assert_eq!(site.master.got().len(), 1, "after {well} that went well");
        assert_eq!(site.master.connections(), 1);
    }
}
