//! Servers behind a proxy: mutual TLS with the server, through a tunnel.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standin_core::Server;
use standin_core::verdict::{Unreached, Verdict};
use standin_net::{ConnectError, Connector, Names, Proxies, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use support::pki::Pki;
use support::server::{AMPLE, Agent, LOOPBACK, MASTER, Serving};

mod support;

/// A proxy that leads to this machine whatever it is asked for, or answers what it is told to.
struct Relay {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy)]
enum Answer {
    Leads,
    Says(&'static str),
    Silent,
    /// Headers without end.
    Endless,
}

impl Relay {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio::spawn(lead(tcp, answer, Arc::clone(&all)));
            }
        });
        Self {
            server: Server::new("127.0.0.1", port).unwrap(),
            asked,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn lead(mut client: TcpStream, answer: Answer, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(head);
    match answer {
        Answer::Leads => {
            let port: u16 = target.rsplit_once(':').unwrap().1.parse().unwrap();
            let mut server = TcpStream::connect((LOOPBACK, port)).await.unwrap();
            let open = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 relay\r\n\r\n";
            client.write_all(open).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Answer::Says(text) => client.write_all(text.as_bytes()).await.unwrap(),
        Answer::Silent => drop(client.read_u8().await),
        Answer::Endless => {
            client.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
            let line = [b"X: ".as_slice(), &[b'x'; 8000], b"\r\n"].concat();
            while client.write_all(&line).await.is_ok() {}
        }
    }
}

/// A connector that knows no address of the master.
fn through(agent: &Agent, proxies: Proxies) -> Connector {
    Connector::new(agent.tls.clone(), Names::new()).proxies(proxies)
}

async fn dial(connector: &Connector, port: u16) -> Result<(), ConnectError> {
    let master = Server::new(MASTER, port).unwrap();
    connector.connect(&master, AMPLE).await.map(drop)
}

/// What is told when the proxy answers so.
async fn told(answer: Answer) -> ConnectError {
    let agent = Agent::of(Pki::new());
    let relay = Relay::start(answer).await;
    let connector = through(&agent, Proxies::through(Proxy::new(relay.server)));
    dial(&connector, 8140).await.unwrap_err()
}

fn chain(error: &ConnectError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}

#[tokio::test]
async fn a_server_is_reached_through_a_proxy_with_our_certificate_inside() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let relay = Relay::start(Answer::Leads).await;
    let connector = through(&agent, Proxies::through(Proxy::new(relay.server.clone())));
    dial(&connector, master.port).await.unwrap();
    master.shown(1).await;
    let [asked] = &relay.asked()[..] else {
        panic!("asked more than once");
    };
    let target = format!("{MASTER}:{}", master.port);
    assert!(
        asked.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
        "{asked}"
    );
    assert!(
        asked.contains(&format!("\r\nHost: {target}\r\n")),
        "{asked}"
    );
    assert!(!asked.contains("Authorization"), "{asked}");
}

#[tokio::test]
async fn an_account_is_sent_to_the_proxy() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let relay = Relay::start(Answer::Leads).await;
    let proxy = Proxy::new(relay.server.clone()).with_account("Aladdin", "open sesame");
    dial(&through(&agent, Proxies::through(proxy)), master.port)
        .await
        .unwrap();
    // The example of RFC 7617.
    let sent = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
    assert!(relay.asked()[0].contains(sent));
}

#[tokio::test]
async fn the_proxy_is_not_trusted_in_place_of_the_server() {
    let agent = Agent::of(Pki::new());
    let stranger = Serving::master(&Pki::new()).await;
    let relay = Relay::start(Answer::Leads).await;
    let connector = through(&agent, Proxies::through(Proxy::new(relay.server.clone())));
    let error = dial(&connector, stranger.port).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Untrusted);
}

#[tokio::test]
async fn a_server_that_is_left_out_is_reached_directly() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let relay = Relay::start(Answer::Leads).await;
    let proxies =
        Proxies::through_unless(Proxy::new(relay.server.clone()), |host, _| host == MASTER);
    let names = Names::new().with(MASTER, LOOPBACK);
    let connector = Connector::new(agent.tls.clone(), names).proxies(proxies);
    dial(&connector, master.port).await.unwrap();
    assert!(relay.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_asks_for_an_account_is_no_fault_of_the_server() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "HTTP/1.0 401 Unauthorized\r\n\r\n",
    ] {
        let error = told(Answer::Says(answer)).await;
        assert_eq!(error.verdict(), Verdict::Local);
        let text = chain(&error);
        assert!(text.contains("set http_proxy_user"), "{text}");
    }
}

#[tokio::test]
async fn what_a_proxy_answers_is_told() {
    for (answer, unreached) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Unreached::NoRoute),
        ("HTTP/1.0 502 Bad Gateway\r\n\r\n", Unreached::NoRoute),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", Unreached::TimedOut),
    ] {
        let error = told(Answer::Says(answer)).await;
        assert_eq!(error.verdict(), Verdict::Unreached(unreached));
        let status = answer.split(' ').nth(1).unwrap();
        assert!(chain(&error).contains(&format!("it answered {status}")));
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_told() {
    for answer in [
        "220 mail.example.com ESMTP\r\n",
        "HTTP/1.1 200 OK\r\n\r\nand something else",
    ] {
        let error = told(Answer::Says(answer)).await;
        assert_eq!(error.verdict(), Verdict::Unreached(Unreached::Reset));
        assert!(chain(&error).contains("no HTTP proxy"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_proxy_whose_answer_has_no_end_is_given_up() {
    let error = told(Answer::Endless).await;
    assert!(chain(&error).contains("no HTTP proxy"), "{}", chain(&error));
}

#[tokio::test]
async fn a_proxy_that_hangs_up_is_told() {
    let error = told(Answer::Says("HTTP/1.1 200 OK\r\n")).await;
    assert_eq!(error.verdict(), Verdict::Unreached(Unreached::Reset));
    assert!(chain(&error).contains("broke the connection off"));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let agent = Agent::of(Pki::new());
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let proxy = Proxy::new(Server::new("127.0.0.1", port).unwrap());
    let connector = through(&agent, Proxies::through(proxy));
    let error = dial(&connector, 8140).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Unreached(Unreached::Refused));
    assert!(chain(&error).contains(&format!("proxy 127.0.0.1:{port}")));
}

#[tokio::test(start_paused = true)]
async fn a_silent_proxy_takes_no_more_than_the_servers_limit() {
    let agent = Agent::of(Pki::new());
    let relay = Relay::start(Answer::Silent).await;
    let connector = through(&agent, Proxies::through(Proxy::new(relay.server)));
    let limit = Duration::from_millis(3100);
    let master = Server::new(MASTER, 8140).unwrap();
    let error = connector.connect(&master, limit).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Unreached(Unreached::TimedOut));
}
