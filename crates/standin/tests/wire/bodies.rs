//! Request bodies on the wire: what is announced of them, and what is sent again.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use standin::{Body, ErrorKind, RequestBodyError};

use crate::site::{MASTER, NODE, REPLICA, Reply, Site, ask, get, ok};

const FACTS: &str = "/puppet/v3/facts/agent.example.com";

/// Facts may arrive twice.
fn facts(body: Body) -> Request<Body> {
    Request::put(FACTS).body(body).unwrap()
}

/// A master that takes a request and hangs up, and a replica that answers.
async fn lost_at_the_master() -> Site {
    Site::start(|_| Reply::Closes(String::new()), |_| ok("good")).await
}

fn pieces(count: usize) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static {
    let piece = |_| Ok(Frame::data(Bytes::from_static(b"0123456789")));
    StreamBody::new(stream::iter((0..count).map(piece)))
}

/// A body that is made anew, and how often that was done.
fn counted<B>(make: impl Fn() -> B + Send + Sync + 'static) -> (Body, Arc<AtomicUsize>)
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let made = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&made);
    let body = Body::rebuilt_by(move || {
        counting.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(make())
    });
    (body, made)
}

#[tokio::test]
async fn a_body_is_made_anew_for_each_sending_and_its_length_announced() {
    let site = lost_at_the_master().await;
    let (body, made) = counted(|| Full::new(Bytes::from_static(b"facts")));
    let answer = ask(&site.client(), facts(body)).await.unwrap();
    assert_eq!(answer.served.unwrap().server.host(), REPLICA);
    assert_eq!(made.load(Ordering::SeqCst), 2);
    for got in [site.master.got(), site.replica.got()] {
        assert!(got[0].contains("content-length: 5\r\n"), "{got:?}");
        assert!(got[0].ends_with("\r\n\r\nfacts"), "{got:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_made_without_a_known_length_is_sent_in_chunks() {
    let site = lost_at_the_master().await;
    let (body, _) = counted(|| pieces(2));
    ask(&site.client(), facts(body)).await.unwrap();
    for got in [site.master.got(), site.replica.got()] {
        assert!(got[0].contains("transfer-encoding: chunked\r\n"), "{got:?}");
        assert_eq!(got[0].matches("0123456789").count(), 2, "{got:?}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_made_is_this_machines_fault_and_nothing_is_sent() {
    let site = Site::start(|_| ok(""), |_| ok("")).await;
    let body = Body::rebuilt_by(|| Err::<Full<Bytes>, _>(std::io::Error::other("no such file")));
    let error = ask(&site.client(), facts(body)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Local, "{}", error.report());
    let source = error.source().unwrap();
    assert!(matches!(
        source.downcast_ref(),
        Some(RequestBodyError::NotMade(_))
    ));
    assert!(
        error.report().ends_with("because no such file"),
        "{}",
        error.report()
    );
    assert!(site.master.got().is_empty() && site.replica.got().is_empty());
}

#[tokio::test]
async fn a_body_is_made_anew_for_a_redirect() {
    let site = Site::start(
        |got| match got.contains("/moved") {
            true => ok("there"),
            false => Reply::Says(
                "HTTP/1.1 307 x\r\nLocation: /moved\r\nContent-Length: 0\r\n\r\n".to_owned(),
            ),
        },
        |_| ok(""),
    )
    .await;
    let (body, made) = counted(|| Full::new(Bytes::from_static(b"facts")));
    let answer = ask(&site.client(), facts(body)).await.unwrap();
    assert_eq!(answer.body, "there");
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn trailers_are_sent_and_sent_again() {
    let site = lost_at_the_master().await;
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "7".parse().unwrap())]);
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"facts"))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut request = facts(Body::stream(StreamBody::new(stream::iter(frames))));
    let named = http::HeaderValue::from_static("x-sum");
    request.headers_mut().insert("trailer", named);
    ask(&site.client(), request).await.unwrap();
    for got in [site.master.got(), site.replica.got()] {
        assert!(
            got[0].ends_with("5\r\nfacts\r\n0\r\nx-sum: 7\r\n\r\n"),
            "{got:?}"
        );
    }
}

#[tokio::test]
async fn as_much_of_a_stream_is_kept_as_the_client_is_told() {
    for (most, kept) in [(99, false), (100, true)] {
        let site = lost_at_the_master().await;
        let client = site.builder().kept_most(most).build().unwrap();
        let answer = ask(&client, facts(Body::stream(pieces(10)))).await;
        match (answer, kept) {
            (Ok(answer), true) => assert_eq!(answer.served.unwrap().server.host(), REPLICA),
            (Err(error), false) => assert_eq!(error.kind(), ErrorKind::MaybeProcessed),
            (answer, _) => panic!("{most}: {:?}", answer.map(|answer| answer.status)),
        }
    }
}

#[tokio::test]
async fn what_a_stream_says_itself_comes_before_what_the_client_is_told() {
    let site = lost_at_the_master().await;
    let client = site.builder().kept_most(0).build().unwrap();
    let body = Body::stream_keeping(pieces(10), 100);
    assert!(ask(&client, facts(body)).await.is_ok());
}

#[tokio::test]
async fn an_operation_that_a_client_was_told_comes_before_the_table() {
    let operations = standin::Operations::new();
    let once = standin::Operation {
        repeat: standin::Repeat::Harmful,
        ..standin::Operation::of("GET", NODE).unwrap()
    };
    let operations = operations.with("GET", "/puppet/v3/node/*", once).unwrap();
    let site = lost_at_the_master().await;
    let client = site.builder().operations(operations).build().unwrap();
    let error = ask(&client, get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert_eq!(error.attempts()[0].server.host(), MASTER);
    let mut request = get(NODE);
    let table = standin::Operation::of("GET", NODE).unwrap();
    request.extensions_mut().insert(table);
    let answer = ask(&client, request).await.unwrap();
    assert_eq!(answer.served.unwrap().server.host(), REPLICA);
}
