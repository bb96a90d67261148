//! Servers that send more than is taken.

use standin::verdict::Loss;
use standin::{Bounds, Error, ErrorKind, Verdict};

use crate::site::{Answer, MASTER, NODE, REPLICA, Reply, Site, ask, get, ok};

fn bounds() -> Bounds {
    Bounds {
        head: 16 << 10,
        headers: 20,
        informational: 3,
    }
}

/// What becomes of a request that may be repeated when the master answers so and the replica well.
async fn left_for_the_replica(reply: Reply) -> Answer {
    let site = Site::start(move |_| reply.clone(), |_| ok("good")).await;
    let client = site.builder().bounds(bounds()).build().unwrap();
    let answer = ask(&client, get(NODE)).await.unwrap();
    assert_eq!(answer.body, "good");
    answer
}

#[track_caller]
fn assert_excess(answer: &Answer, says: &str) {
    let served = answer.served.as_ref().unwrap();
    assert_eq!(served.server.host(), REPLICA);
    let [failed] = &served.failed[..] else {
        panic!("{:?}", served.failed);
    };
    assert_eq!(failed.server.host(), MASTER);
    assert_eq!(failed.verdict, Verdict::Lost(Loss::Excess));
    assert!(failed.report().contains(says), "{}", failed.report());
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let line = format!("X: {}\r\n", "x".repeat(1000));
    let endless = Reply::GoesOn("HTTP/1.1 200 OK\r\n".to_owned(), line);
    let answer = left_for_the_replica(endless).await;
    assert_excess(&answer, "more than 16384 bytes");
}

#[tokio::test]
async fn a_header_field_without_end_is_given_up() {
    let endless = Reply::GoesOn("HTTP/1.1 200 OK\r\nX: ".to_owned(), "x".repeat(1000));
    let answer = left_for_the_replica(endless).await;
    assert_excess(&answer, "more than 16384 bytes");
}

#[tokio::test]
async fn too_many_header_fields_are_given_up() {
    let head = |fields: usize| {
        let fields: String = (0..fields)
            .map(|field| format!("X-{field}: x\r\n"))
            .collect();
        Reply::Says(format!(
            "HTTP/1.1 200 OK\r\n{fields}Content-Length: 4\r\n\r\ngood"
        ))
    };
    let answer = left_for_the_replica(head(20)).await;
    assert_excess(&answer, "or 20 fields");
    let answer = left_for_the_replica(head(19)).await;
    assert_eq!(answer.served.unwrap().server.host(), MASTER);
}

#[tokio::test]
async fn informational_answers_without_end_are_given_up() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_owned();
    let endless = Reply::GoesOn(hint.clone(), hint);
    let answer = left_for_the_replica(endless).await;
    assert_excess(&answer, "more than 3 informational answers");
}

#[tokio::test]
async fn a_few_informational_answers_are_nothing() {
    let reply = |hints: usize| {
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(hints);
        Reply::Says(format!(
            "{hints}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
        ))
    };
    let answer = left_for_the_replica(reply(3)).await;
    assert_eq!(answer.served.unwrap().server.host(), MASTER);
}

/// An excess that comes from a server to which a write was sent says so, and is not repeated.
#[tokio::test]
async fn a_write_that_was_answered_with_too_much_may_have_been_processed() {
    let line = format!("X: {}\r\n", "x".repeat(1000));
    let endless = Reply::GoesOn("HTTP/1.1 200 OK\r\n".to_owned(), line);
    let site = Site::start(move |_| endless.clone(), |_| ok("good")).await;
    let client = site.builder().bounds(bounds()).build().unwrap();
    let mut request = get(NODE);
    *request.method_mut() = http::Method::POST;
    request.extensions_mut().insert(standin::Operation {
        repeat: standin::Repeat::Harmful,
        ..standin::Operation::of("GET", NODE).unwrap()
    });
    let error: Error = ask(&client, request).await.err().unwrap();
    assert_eq!(
        error.kind(),
        ErrorKind::MaybeProcessed,
        "{}",
        error.report()
    );
    assert!(site.replica.got().is_empty());
}
