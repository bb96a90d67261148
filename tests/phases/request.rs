//! Every byte of a request: once it was written it may have been processed, however little of it the
//! server has read.

use http::Request;
use standin::{Body, ErrorKind};

use crate::outcome::{Connection, Ending, Phase, ask, expected, play};
use crate::server::{Act, Script, Stop};
use crate::site::{Errand, Site};

async fn at_every_byte(acts: &[Act]) {
    let site = Site::start().await;
    for errand in Errand::ALL {
        site.plays(|_| Script::WELL);
        ask(&site.client(), errand.request()).await;
        let length = site.master.got()[0].len();
        for bytes in 0..=length {
            for (act, connection) in pairs(acts) {
                let script = Script {
                    well: 0,
                    stop: Stop::Request(bytes),
                    act,
                };
                let outcome = play(&site, script, errand, connection, errand.request()).await;
                let must = expected(errand, connection, Phase::Sent, act);
                assert_eq!(outcome, must, "{script:?} {errand:?} {connection:?}");
            }
        }
    }
}

fn pairs(acts: &[Act]) -> impl Iterator<Item = (Act, Connection)> {
    let both = |act| Connection::BOTH.map(|connection| (act, connection));
    acts.iter().copied().flat_map(both)
}

#[tokio::test]
async fn the_server_ends_the_connection() {
    at_every_byte(&Act::ENDS).await;
}

#[tokio::test(start_paused = true)]
async fn the_server_falls_silent() {
    at_every_byte(&[Act::FallSilent]).await;
}

/// More than the kernel takes at once, so that the client is still writing.
#[tokio::test]
async fn the_server_ends_the_connection_while_a_large_body_is_under_way() {
    let site = Site::start().await;
    let large = || {
        let body = Body::from(vec![b'x'; 8 << 20]);
        Request::post("/puppet/v3/unknown").body(body).unwrap()
    };
    for bytes in [1, 1000, 100_000, 1_000_000] {
        for act in [Act::BreakOff, Act::Reset] {
            let script = Script {
                well: 0,
                stop: Stop::Request(bytes),
                act,
            };
            let errand = Errand::Harmful;
            let outcome = play(&site, script, errand, Connection::New, large()).await;
            let lost = Ending::Failed(ErrorKind::MaybeProcessed);
            assert_eq!(outcome.end, lost, "{script:?}");
        }
    }
}
