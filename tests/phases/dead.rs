//! Connections that died before the request was written, and faults of this machine's own.

use std::fs::File;
use std::io;
use std::process::Command;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use rustls::version::{TLS12, TLS13};
use standin::verdict::Unreached;
use standin::{Body, Client, ErrorKind, Installation, Server, ServerList, Service, Verdict};
use tokio::net::TcpSocket;

use crate::outcome::{Ending, RESET, UNSENT, ask};
use crate::server::{Act, Script, Stop};
use crate::site::{Errand, MASTER, REPLICA, Sessions, Site};

/// A client with a warm connection that the master has ended in the meantime.
async fn with_a_dead_connection(site: &Site, act: Act) -> Client {
    site.plays(move |number| match number {
        0 => Script {
            well: 1,
            stop: Stop::Idle,
            act,
        },
        _ => Script::WELL,
    });
    let client = site.client();
    ask(&client, Errand::Read.request()).await;
    // The client has hung up once the server saw it do so.
    site.master.is_left().await;
    client
}

#[tokio::test]
async fn a_kept_connection_that_died_is_made_anew_and_is_no_attempt() {
    let site = Site::start().await;
    for errand in Errand::ALL {
        for act in Act::ENDS {
            let client = with_a_dead_connection(&site, act).await;
            let outcome = ask(&client, errand.request()).await;
            let well = Ending::Answered(MASTER.to_owned(), "well".into());
            assert_eq!((outcome.end, outcome.failed), (well, vec![]), "{act:?}");
            assert_eq!(site.master.connections(), 2, "{errand:?} {act:?}");
            assert_eq!(site.master.got().len(), 1, "{errand:?} {act:?}");
        }
    }
}

/// Whoever ends a connection as a request goes out may or may not have got it, and only the client
/// knows whether it was written. What it says has to be true.
#[tokio::test]
async fn a_request_that_is_said_to_be_unsent_has_not_arrived() {
    // With 1.3 the request follows the client's end of the handshake at once; with 1.2 the server's end
    // of it and the close come together.
    let mut unsent = Vec::new();
    for version in [&TLS13, &TLS12] {
        let site = Site::speaking(version, Sessions::Full).await;
        for act in [Act::Close, Act::BreakOff].repeat(50) {
            site.plays(move |_| Script {
                well: 0,
                stop: Stop::Idle,
                act,
            });
            let outcome = ask(&site.client(), Errand::Harmful.request()).await;
            // Also what came after the server's end, to the client's.
            site.master.is_left().await;
            match (&outcome.end, &outcome.failed[..]) {
                (Ending::Answered(by, _), [(at, UNSENT)]) if by == REPLICA && at == MASTER => {
                    assert_eq!(site.master.heard(), 0, "{outcome:?}");
                    unsent.push((version.version, act));
                }
                (Ending::Failed(ErrorKind::MaybeProcessed), [(at, RESET)]) if at == MASTER => {
                    assert_eq!(site.replica.heard(), 0);
                }
                _ => panic!("{outcome:?}"),
            }
        }
    }
    assert!(!unsent.is_empty(), "it was never so");
}

#[tokio::test]
async fn a_refusal_moves_any_request() {
    let site = Site::start().await;
    // A port that nobody listens on, and nobody can take.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = Server::new(MASTER, socket.local_addr().unwrap().port()).unwrap();
    let list = ServerList::new([nobody, site.replica.server.clone()]).unwrap();
    let lists = Installation::new().with(Service::PuppetServer, list);
    for errand in Errand::ALL {
        let client = site.client();
        client.set_installation(&lists).unwrap();
        let outcome = ask(&client, errand.request()).await;
        let refused = Verdict::Unreached(Unreached::Refused);
        assert_eq!(outcome.failed, [(MASTER.to_owned(), refused)], "{errand:?}");
        assert!(matches!(outcome.end, Ending::Answered(by, _) if by == REPLICA));
    }
}

#[tokio::test]
async fn a_request_whose_own_body_fails_is_this_machines_fault() {
    let site = Site::start().await;
    let frames = [
        Ok(Frame::data(Bytes::from("on"))),
        Err(io::Error::other("the disk is gone")),
    ];
    let body = Body::stream(StreamBody::new(stream::iter(frames)));
    let request = Request::post("/puppet/v3/unknown").body(body).unwrap();
    let outcome = ask(&site.client(), request).await;
    assert_eq!(outcome.end, Ending::Failed(ErrorKind::Local));
    assert_eq!(outcome.failed, [(MASTER.to_owned(), Verdict::Local)]);
    assert_eq!(site.replica.connections(), 0);
}

const CHILD: &str = "STANDIN_PHASES_CHILD";
const PLAYED: &str = "played without descriptors";

/// Played by a process of its own, which the next test starts.
#[tokio::test]
async fn in_a_process_without_descriptors() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let site = Site::start().await;
    let client = site.client();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    for errand in Errand::ALL {
        let outcome = ask(&client, errand.request()).await;
        assert_eq!(outcome.end, Ending::Failed(ErrorKind::Local), "{errand:?}");
        let local = |(_, verdict): &(String, Verdict)| *verdict == Verdict::Local;
        assert!(outcome.failed.iter().all(local), "{outcome:?}");
    }
    drop(files);
    let outcome = ask(&client, Errand::Read.request()).await;
    assert!(matches!(outcome.end, Ending::Answered(by, _) if by == MASTER));
    println!("{PLAYED}");
}

#[test]
fn want_of_descriptors_is_this_machines_fault_and_no_servers() {
    let limited =
        r#"ulimit -n 64 && exec "$0" --exact dead::in_a_process_without_descriptors --nocapture"#;
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let why = String::from_utf8_lossy(&child.stderr);
    assert!(
        child.status.success() && said.contains(PLAYED),
        "{said}{why}"
    );
}
