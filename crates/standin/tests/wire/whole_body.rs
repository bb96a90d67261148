//! Answers that are asked for whole.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use standin::verdict::Loss;
use standin::{Body, Error, ErrorKind, Operation, Repeat, TooLarge, Verdict, WholeBody};

use crate::site::{Answer, MASTER, NODE, REPLICA, Reply, Site, ask, get, ok};

const WHOLE: WholeBody = WholeBody::at_most(1000);

/// Says that ten bytes come, sends four and closes.
fn half() -> Reply {
    Reply::Closes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned())
}

/// A request that asks for its answer whole.
fn whole(path: &str) -> Request<Body> {
    let mut request = get(path);
    request.extensions_mut().insert(WHOLE);
    request
}

/// The same, and it may not be repeated.
fn once(path: &str) -> Request<Body> {
    let mut request = whole(path);
    *request.method_mut() = http::Method::POST;
    request.extensions_mut().insert(Operation {
        repeat: Repeat::Harmful,
        ..Operation::of("GET", NODE).unwrap()
    });
    request
}

#[track_caller]
fn assert_too_large(error: &Error) {
    assert_eq!(
        error.kind(),
        ErrorKind::AnswerTooLarge,
        "{}",
        error.report()
    );
    let [attempt] = error.attempts() else {
        panic!("{}", error.report());
    };
    let cause = attempt.error.as_ref().unwrap();
    let cause = cause.downcast_ref::<TooLarge>().unwrap();
    assert_eq!(cause.most, 1000);
}

#[tokio::test]
async fn one_within_the_bound_is_handed_out_and_its_connection_used_again() {
    let body = "x".repeat(1000);
    let site = Site::start(move |_| ok(&body), |_| ok("")).await;
    let client = site.client();
    for _ in 0..2 {
        let answer = ask(&client, whole(NODE)).await.unwrap();
        assert_eq!(answer.body.len(), 1000);
        assert_eq!(answer.served.unwrap().server.host(), MASTER);
    }
    assert_eq!(site.master.connections(), 1);
}

#[tokio::test]
async fn its_trailers_are_handed_out_too() {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
                  4\r\nbody\r\n0\r\nx-sum: 7\r\n\r\n";
    let site = Site::start(|_| Reply::Says(chunks.to_owned()), |_| ok("")).await;
    let response = site.client().request(whole(NODE)).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
    assert_eq!(collected.to_bytes(), "body");
}

#[tokio::test]
async fn one_that_says_it_is_too_large_is_not_read() {
    // There is nothing after the head to be read.
    let large = Reply::Says("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".to_owned());
    let site = Site::start(move |_| large.clone(), |_| ok("good")).await;
    let asking = ask(&site.client(), whole(NODE)).await;
    assert_too_large(&asking.err().unwrap());
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn one_that_grows_too_large_is_given_up() {
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let endless = Reply::GoesOn(head, chunk);
    let site = Site::start(move |_| endless.clone(), |_| ok("good")).await;
    let error = ask(&site.client(), whole(NODE)).await.err().unwrap();
    assert_too_large(&error);
    assert!(
        error.report().contains("has more than 1000 bytes"),
        "{}",
        error.report()
    );
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn too_large_an_answer_to_a_write_does_not_say_that_it_may_have_been_processed() {
    let body = "x".repeat(1001);
    let site = Site::start(move |_| ok(&body), |_| ok("good")).await;
    assert_too_large(&ask(&site.client(), once(NODE)).await.err().unwrap());
    assert_eq!(site.master.got().len(), 1);
}

#[tokio::test]
async fn a_server_whose_answers_are_too_large_is_well() {
    let body = "x".repeat(1001);
    let site = Site::start(move |_| ok(&body), |_| ok("good")).await;
    let client = site.client();
    for _ in 0..8 {
        assert_too_large(&ask(&client, whole(NODE)).await.err().unwrap());
    }
    let answer = ask(&client, get(NODE)).await.unwrap();
    assert_eq!(answer.served.unwrap().server.host(), MASTER);
}

#[tokio::test]
async fn one_that_breaks_off_is_asked_of_the_replica() {
    let site = Site::start(|_| half(), |_| ok("good")).await;
    let answer = ask(&site.client(), whole(NODE)).await.unwrap();
    let served = answer.served.unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert_eq!(served.failed[0].verdict, Verdict::Lost(Loss::Reset));
}

#[tokio::test]
async fn one_that_breaks_off_after_a_write_may_have_been_processed() {
    let site = Site::start(|_| half(), |_| ok("good")).await;
    let error = ask(&site.client(), once(NODE)).await.err().unwrap();
    assert_eq!(
        error.kind(),
        ErrorKind::MaybeProcessed,
        "{}",
        error.report()
    );
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn one_that_falls_silent_is_asked_of_the_replica() {
    let silent = Reply::Says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned());
    let site = Site::start(move |_| silent.clone(), |_| ok("good")).await;
    let mut policy = standin::Policy::default();
    policy.deadline.body_idle = Duration::from_millis(200);
    let client = site.builder().policy(policy).build().unwrap();
    let answer = ask(&client, whole(NODE)).await.unwrap();
    let served = answer.served.unwrap();
    assert_eq!(served.server.host(), REPLICA);
    assert_eq!(served.failed[0].verdict, Verdict::Lost(Loss::TimedOut));
    assert!(served.failed[0].report().contains("nothing came for 0.2 s"));
}

#[tokio::test]
async fn what_a_client_asks_for_holds_unless_a_request_says_otherwise() {
    let site = Site::start(|_| half(), |_| ok("good")).await;
    let client = site.builder().whole_bodies(WHOLE).build().unwrap();
    let answer: Answer = ask(&client, get(NODE)).await.unwrap();
    assert_eq!(answer.body, "good");

    let site = Site::start(|_| half(), |_| ok("good")).await;
    let client = site.builder().whole_bodies(WHOLE).build().unwrap();
    let mut request = get(NODE);
    request.extensions_mut().insert(WholeBody::as_it_comes());
    let response = client.request(request).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("broke off"), "{error}");
    assert!(site.replica.got().is_empty());
}

#[tokio::test]
async fn one_that_is_not_asked_for_whole_has_no_bound() {
    let body = "x".repeat(100_000);
    let site = Site::start(move |_| ok(&body), |_| ok("")).await;
    let answer = ask(&site.client(), get(NODE)).await.unwrap();
    assert_eq!(answer.body.len(), 100_000);
}

#[tokio::test]
async fn a_server_that_a_request_names_itself_is_held_to_it_too() {
    let body = "x".repeat(1001);
    let site = Site::start(move |_| ok(&body), |_| ok("")).await;
    let uri = format!(
        "https://{}/status/v1/services",
        site.master.server.authority()
    );
    let error = ask(&site.client(), whole(&uri)).await.err().unwrap();
    assert_eq!(
        error.kind(),
        ErrorKind::AnswerTooLarge,
        "{}",
        error.report()
    );
}
