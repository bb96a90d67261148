//! Every byte of a response: before the end of its head there is no answer, then it is cut, and only
//! its end makes it whole.

use standin::verdict::Loss;
use standin::{Verdict, WholeBody};

use crate::outcome::{Connection, Ending, Phase, ask, expected, play};
use crate::server::{Act, Script, Stop};
use crate::site::{Errand, MASTER, REPLICA, Site};

const SIZED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhalf and all";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n7\r\nand all\r\n0\r\n\r\n";
const UNTIL_CLOSED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf and all";

const BODY: &str = "half and all";

/// Whether the caller asks for the body whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    AsItComes,
    Whole,
}

/// What is known when `bytes` of `response` came and the server did this.
fn phase(response: &'static str, bytes: usize, act: Act) -> Phase {
    let head = response.find("\r\n\r\n").unwrap() + 4;
    if bytes < head {
        return Phase::Sent;
    }
    match (response, act) {
        // Where nothing else marks the end, a proper close is the end.
        (UNTIL_CLOSED, Act::Close) => Phase::Whole(&response[head..bytes]),
        (UNTIL_CLOSED, _) => Phase::Head,
        _ if bytes == response.len() => Phase::Whole(BODY),
        _ => Phase::Head,
    }
}

async fn at_every_byte(response: &'static str, acts: &[Act]) {
    let site = Site::start().await;
    for bytes in 0..=response.len() {
        for &act in acts {
            for errand in Errand::ALL {
                for connection in Connection::BOTH {
                    meets(
                        &site,
                        response,
                        bytes,
                        act,
                        errand,
                        connection,
                        Wanted::AsItComes,
                    )
                    .await;
                }
                meets(
                    &site,
                    response,
                    bytes,
                    act,
                    errand,
                    Connection::New,
                    Wanted::Whole,
                )
                .await;
            }
        }
    }
}

async fn meets(
    site: &Site,
    response: &'static str,
    bytes: usize,
    act: Act,
    errand: Errand,
    connection: Connection,
    wanted: Wanted,
) {
    let script = Script {
        well: 0,
        stop: Stop::Response(response, bytes),
        act,
    };
    let mut request = errand.request();
    let mut phase = phase(response, bytes, act);
    if wanted == Wanted::Whole {
        request.extensions_mut().insert(WholeBody::at_most(1 << 20));
        // Half an answer is none.
        if matches!(phase, Phase::Head) {
            phase = Phase::Sent;
        }
    }
    let outcome = play(site, script, errand, connection, request).await;
    let must = expected(errand, connection, phase, act);
    assert_eq!(
        outcome, must,
        "{script:?} {errand:?} {connection:?} {wanted:?}"
    );
}

#[tokio::test]
async fn of_a_stated_length_ends_anywhere() {
    at_every_byte(SIZED, &Act::ENDS).await;
}

#[tokio::test]
async fn in_chunks_ends_anywhere() {
    at_every_byte(CHUNKED, &Act::ENDS).await;
}

#[tokio::test]
async fn until_the_close_ends_anywhere() {
    at_every_byte(UNTIL_CLOSED, &Act::ENDS).await;
}

#[tokio::test(start_paused = true)]
async fn falls_silent_anywhere() {
    for response in [SIZED, CHUNKED, UNTIL_CLOSED] {
        at_every_byte(response, &[Act::FallSilent]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_that_falls_silent_while_the_status_is_good_is_out_of_time() {
    let site = Site::start().await;
    site.plays(|number| match number {
        0 => Script {
            well: 0,
            stop: Stop::Response(SIZED, SIZED.len() - 1),
            act: Act::FallSilent,
        },
        _ => Script::WELL,
    });
    let mut request = Errand::Read.request();
    request.extensions_mut().insert(WholeBody::at_most(1 << 20));
    let outcome = ask(&site.client(), request).await;
    let late = Verdict::Lost(Loss::TimedOut);
    assert_eq!(outcome.failed, [(MASTER.to_owned(), late)]);
    let well = Ending::Answered(REPLICA.to_owned(), "well".into());
    assert_eq!(outcome.end, well);
}
