//! Servers that send a request elsewhere.

use http::Request;
use standin::{Body, ErrorKind, RedirectError};

use crate::site::{Ca, MASTER, NODE, REPLICA, Reply, Scripted, Site, ask, get, ok};

fn moved(status: u16, to: &str) -> Reply {
    Reply::Says(format!(
        "HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// A site whose master sends every request to its replica.
async fn site(status: u16) -> Site {
    let ca = Ca::new();
    let replica = Scripted::start(&ca, &ca, REPLICA, |_| ok("moved here")).await;
    let to = format!("https://{}/elsewhere?x=y", replica.server.authority());
    let master = Scripted::start(&ca, &ca, MASTER, move |_| moved(status, &to)).await;
    Site::of(ca, master, replica)
}

#[tokio::test]
async fn four_statuses_are_followed_with_method_and_body() {
    for status in [301, 302, 307, 308] {
        let site = site(status).await;
        let request = Request::put("/puppet/v3/report/agent.example.com?environment=production")
            .header("authorization", "secret")
            .header("x-authentication", "secret")
            .header("cookie", "secret")
            .header("accept", "text/plain")
            .body(Body::from("a report"))
            .unwrap();
        let answer = ask(&site.client(), request).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), &answer.body[..]),
            (200, &b"moved here"[..])
        );
        let served = answer.served.unwrap();
        assert_eq!(served.server, site.replica.server);
        assert_eq!(served.role, standin::Role::Replica);
        let [first] = &site.master.got()[..] else {
            panic!("asked more than once");
        };
        assert_eq!(first.matches("secret").count(), 3);
        let [second] = &site.replica.got()[..] else {
            panic!("asked more than once");
        };
        assert!(
            second.starts_with("PUT /elsewhere?x=y HTTP/1.1\r\n"),
            "{second}"
        );
        assert!(second.ends_with("\r\n\r\na report"), "{second}");
        let host = format!("host: {}\r\n", site.replica.server.authority());
        assert!(second.contains(&host), "{second}");
        assert!(second.contains("accept: text/plain"), "{second}");
        assert!(!second.contains("secret"), "{second}");
    }
}

#[tokio::test]
async fn credentials_stay_on_the_way_to_the_same_server() {
    let site = Site::start(
        |request| match request.contains("/there") {
            true => ok("found"),
            false => moved(302, "/there"),
        },
        |_| ok(""),
    )
    .await;
    let mut request = get(NODE);
    request
        .headers_mut()
        .insert("authorization", "secret".parse().unwrap());
    let answer = ask(&site.client(), request).await.unwrap();
    assert_eq!(answer.body, "found");
    assert!(site.master.got()[1].contains("secret"));
    assert_eq!(site.master.connections(), 1);
}

#[tokio::test]
async fn a_circle_is_left_after_ten() {
    let site = Site::start(|_| moved(302, "/round"), |_| ok("")).await;
    let error = ask(&site.client(), get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Redirected);
    assert_eq!(site.master.got().len(), 11);
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<RedirectError>();
    assert!(
        matches!(source, Some(RedirectError::TooMany { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_place_without_tls_is_not_gone_to() {
    let site = Site::start(|_| moved(301, "http://plain.example.com/"), |_| ok("")).await;
    let error = ask(&site.client(), get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Redirected);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains(MASTER) && source.contains("http://plain"),
        "{source}"
    );
}

#[tokio::test]
async fn other_answers_that_look_alike_are_handed_out() {
    for status in [300, 303, 304] {
        let site = Site::start(move |_| moved(status, "/x"), |_| ok("")).await;
        let answer = ask(&site.client(), get(NODE)).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.headers["location"], "/x");
        assert_eq!(site.master.got().len(), 1);
    }
}

#[tokio::test]
async fn a_server_outside_the_lists_may_redirect_too() {
    let site = site(307).await;
    let uri = format!("https://{}/anywhere", site.master.server.authority());
    let answer = ask(&site.client(), get(&uri)).await.unwrap();
    assert_eq!(answer.body, "moved here");
}

#[tokio::test]
async fn a_body_that_was_not_kept_is_not_sent_elsewhere() {
    let site = site(307).await;
    let large = http_body_util::Full::new(bytes::Bytes::from(vec![b'x'; 1000]));
    let request = Request::put(NODE)
        .body(Body::stream_keeping(large, 10))
        .unwrap();
    let error = ask(&site.client(), request).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::BodyNotKept, "{}", error.report());
    assert!(site.replica.got().is_empty());
}
