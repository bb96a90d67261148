//! Servers that send more than is taken.

use http_body_util::BodyExt;
use standin::verdict::Loss;
use standin::{Bounds, Error, ErrorKind, Verdict, WholeBody};

use crate::site::{Answer, MASTER, NODE, REPLICA, Reply, Site, ask, get, ok};

fn bounds() -> Bounds {
    Bounds {
        head: 16 << 10,
        headers: 20,
        informational: 3,
        whole_body: 1000,
    }
}

/// What becomes of a request that may be repeated when the master answers so and the replica well.
async fn left_for_the_replica(reply: Reply, whole: bool) -> Answer {
    let site = Site::start(move |_| reply.clone(), |_| ok("good")).await;
    let client = site.builder().bounds(bounds()).build().unwrap();
    let mut request = get(NODE);
    if whole {
        request.extensions_mut().insert(WholeBody);
    }
    let answer = ask(&client, request).await.unwrap();
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
    let answer = left_for_the_replica(endless, false).await;
    assert_excess(&answer, "more than 16384 bytes");
}

#[tokio::test]
async fn a_header_field_without_end_is_given_up() {
    let endless = Reply::GoesOn("HTTP/1.1 200 OK\r\nX: ".to_owned(), "x".repeat(1000));
    let answer = left_for_the_replica(endless, false).await;
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
    let answer = left_for_the_replica(head(20), false).await;
    assert_excess(&answer, "or 20 fields");
    let answer = left_for_the_replica(head(19), false).await;
    assert_eq!(answer.served.unwrap().server.host(), MASTER);
}

#[tokio::test]
async fn informational_answers_without_end_are_given_up() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_owned();
    let endless = Reply::GoesOn(hint.clone(), hint);
    let answer = left_for_the_replica(endless, false).await;
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
    let answer = left_for_the_replica(reply(3), false).await;
    assert_eq!(answer.served.unwrap().server.host(), MASTER);
}

#[tokio::test]
async fn a_whole_body_that_says_it_is_too_large_is_given_up() {
    let large = Reply::Says("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".to_owned());
    let answer = left_for_the_replica(large, true).await;
    assert_excess(&answer, "more than 1000 bytes");
}

#[tokio::test]
async fn a_whole_body_that_grows_too_large_is_given_up() {
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let answer = left_for_the_replica(Reply::GoesOn(head, chunk), true).await;
    assert_excess(&answer, "more than 1000 bytes");
}

#[tokio::test]
async fn a_whole_body_within_the_bound_is_handed_out() {
    let body = "x".repeat(1000);
    let site = Site::start(move |_| ok(&body), |_| ok("")).await;
    let client = site.builder().bounds(bounds()).build().unwrap();
    for _ in 0..2 {
        let mut request = get(NODE);
        request.extensions_mut().insert(WholeBody);
        let answer = ask(&client, request).await.unwrap();
        assert_eq!(answer.body.len(), 1000);
        assert_eq!(answer.served.unwrap().server.host(), MASTER);
    }
    assert_eq!(site.master.connections(), 1, "it is given back");
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_to_the_replica_when_it_was_asked_for_whole() {
    let half = Reply::Closes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned());
    let answer = left_for_the_replica(half, true).await;
    let served = answer.served.unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert_eq!(served.failed[0].verdict, Verdict::Lost(Loss::Reset));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_handed_out_as_far_as_it_came_otherwise() {
    let half = Reply::Closes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned());
    let site = Site::start(move |_| half.clone(), |_| ok("good")).await;
    let response = site.client().request(get(NODE)).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("broke off"), "{error}");
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_asked_for_whole_has_no_bound() {
    let body = "x".repeat(100_000);
    let site = Site::start(move |_| ok(&body), |_| ok("")).await;
    let client = site.builder().bounds(bounds()).build().unwrap();
    let answer = ask(&client, get(NODE)).await.unwrap();
    assert_eq!(answer.body.len(), 100_000);
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
