//! Connections to real sockets on this machine, with a small TLS server behind them.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use standin_core::Server;
use standin_core::verdict::{Unreached, Verdict};
use standin_net::trust::{Refusal, Trouble};
use standin_net::{ConnectError, Connector, Names, Stream, Tls, TrustFailure};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use support::pki::{Leaf, Pki, authority, certificate};
use support::ssldir;

mod support;

const MASTER: &str = "master.example.com";
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Long enough for anything that is to succeed, on however busy a machine.
const AMPLE: Duration = Duration::from_secs(60);

/// An agent with a certificate of its CA.
struct Agent {
    pki: Pki,
    own: Leaf,
    tls: Tls,
}

impl Agent {
    fn new() -> Self {
        let pki = Pki::new();
        let own = pki.issue(&certificate("agent.example.com"));
        let (_dir, files) = ssldir(&pki, &own);
        let tls = Tls::from_files(&files).unwrap();
        Self { pki, own, tls }
    }

    /// Connects to the master at `port`, which has these addresses.
    async fn dial(
        &self,
        addresses: &[IpAddr],
        port: u16,
        limit: Duration,
    ) -> Result<Stream, ConnectError> {
        let known = |names: Names, address: &IpAddr| names.with(MASTER, *address);
        let names = addresses.iter().fold(Names::new(), known);
        let master = Server::new(MASTER, port).unwrap();
        Connector::new(self.tls.clone(), names)
            .connect(&master, limit)
            .await
    }
}

/// How a test's server does TLS: as which name, whose clients it takes, in which versions.
struct Serve<'a> {
    name: &'a str,
    clients_of: &'a Pki,
    versions: &'a [&'static SupportedProtocolVersion],
}

impl Serve<'_> {
    async fn start(
        self,
        agent: &Agent,
    ) -> (
        u16,
        tokio::task::JoinHandle<Option<CertificateDer<'static>>>,
    ) {
        self.start_at(agent, LOOPBACK).await
    }

    /// A server with a certificate of the agent's CA. Its task is awaited for what it saw: the
    /// client's certificate, or nothing when the handshake failed.
    async fn start_at(
        self,
        agent: &Agent,
        address: IpAddr,
    ) -> (
        u16,
        tokio::task::JoinHandle<Option<CertificateDer<'static>>>,
    ) {
        let own = agent.pki.issue(&certificate(self.name));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.clients_of.ca());
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(
                vec![own.der],
                PrivatePkcs8KeyDer::from(own.key.serialize_der()).into(),
            )
            .unwrap();
        let (listener, port) = listen_at(address).await;
        let seen = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let tls = TlsAcceptor::from(Arc::new(config)).accept(tcp).await.ok()?;
            let (_, session) = tls.get_ref();
            session
                .peer_certificates()?
                .first()
                .cloned()
                .map(CertificateDer::into_owned)
        });
        (port, seen)
    }
}

/// A server that is right in everything, for `agent`.
async fn master(
    agent: &Agent,
) -> (
    u16,
    tokio::task::JoinHandle<Option<CertificateDer<'static>>>,
) {
    master_at(agent, LOOPBACK).await
}

async fn master_at(
    agent: &Agent,
    address: IpAddr,
) -> (
    u16,
    tokio::task::JoinHandle<Option<CertificateDer<'static>>>,
) {
    let serve = Serve {
        name: MASTER,
        clients_of: &agent.pki,
        versions: rustls::ALL_VERSIONS,
    };
    serve.start_at(agent, address).await
}

async fn listen() -> (TcpListener, u16) {
    listen_at(LOOPBACK).await
}

async fn listen_at(address: IpAddr) -> (TcpListener, u16) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[track_caller]
fn verdict(result: Result<Stream, ConnectError>) -> Verdict {
    result.expect_err("it connected").verdict()
}

#[tokio::test]
async fn a_name_that_was_given_an_address_is_reached_there() {
    let agent = Agent::new();
    let (port, _master) = master(&agent).await;
    agent.dial(&[LOOPBACK], port, AMPLE).await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_agents() {
    let agent = Agent::new();
    let (port, master) = master(&agent).await;
    let _stream = agent.dial(&[LOOPBACK], port, AMPLE).await.unwrap();
    assert_eq!(master.await.unwrap().as_ref(), Some(&agent.own.der));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused() {
    let (listener, port) = listen().await;
    drop(listener);
    let result = Agent::new().dial(&[LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::Refused));
}

/// The clock is paused: it goes on to the limit as soon as both ends wait for each other.
#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_says_nothing_is_given_up_at_the_limit() {
    let (_listener, port) = listen().await;
    let begun = tokio::time::Instant::now();
    let limit = Duration::from_millis(3100);
    let result = Agent::new().dial(&[LOOPBACK], port, limit).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::TimedOut));
    // Tokio's timers are of whole milliseconds.
    let took = begun.elapsed();
    assert!(
        took >= limit && took <= limit + Duration::from_millis(1),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_server_of_another_name_is_not_trusted() {
    let agent = Agent::new();
    let serve = Serve {
        name: "other.example.com",
        clients_of: &agent.pki,
        versions: rustls::ALL_VERSIONS,
    };
    let (port, _server) = serve.start(&agent).await;
    let error = agent.dial(&[LOOPBACK], port, AMPLE).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Untrusted);
    let failure = TrustFailure::find(&error).unwrap();
    assert_eq!(failure.trouble(), Trouble::WrongName);
    let text = failure.to_string();
    assert!(
        text.contains("other.example.com") && text.contains(MASTER),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_of_another_ca_is_not_trusted() {
    let (stranger, agent) = (Agent::new(), Agent::new());
    let (port, _server) = master(&stranger).await;
    let result = agent.dial(&[LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Untrusted);
}

#[tokio::test]
async fn a_server_that_closes_in_the_handshake_has_broken_it() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        // Read first: what is left unread would make it a reset.
        tcp.read_buf(&mut Vec::with_capacity(16 * 1024))
            .await
            .unwrap();
    });
    let result = Agent::new().dial(&[LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::Reset));
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_resets_in_the_handshake_has_broken_it() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.readable().await.unwrap();
    });
    let result = Agent::new().dial(&[LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::Reset));
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_has_broken_the_handshake() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.writable().await.unwrap();
        tcp.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        tcp
    });
    let result = Agent::new().dial(&[LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::Reset));
    server.await.unwrap();
}

#[tokio::test]
async fn a_name_that_does_not_exist_has_no_address() {
    let nowhere = Server::new("master.invalid", 8140).unwrap();
    let connector = Connector::new(Agent::new().tls, Names::new());
    let error = connector.connect(&nowhere, AMPLE).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Unreached(Unreached::Name));
}

#[tokio::test]
async fn the_second_address_of_a_name_is_used_when_the_first_refuses() {
    let agent = Agent::new();
    let (port, _master) = master(&agent).await;
    let nobody = Ipv4Addr::new(127, 0, 0, 2).into();
    agent.dial(&[nobody, LOOPBACK], port, AMPLE).await.unwrap();
}

/// Linux leaves a SYN unanswered when the queue of its listener is full, as a dead host would.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_second_address_of_a_name_is_used_when_the_first_is_silent() {
    let agent = Agent::new();
    let (port, _master) = master(&agent).await;
    let silent = Ipv4Addr::new(127, 0, 0, 2);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((silent, port).into()).unwrap();
    let _listener = socket.listen(0).unwrap();
    let _fills_the_queue = TcpStream::connect((silent, port)).await.unwrap();
    let addresses = [silent.into(), LOOPBACK];
    agent.dial(&addresses, port, AMPLE).await.unwrap();
}

const LOOPBACK_6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

#[tokio::test]
async fn a_server_is_reached_over_ipv6() {
    let agent = Agent::new();
    let (port, master) = master_at(&agent, LOOPBACK_6).await;
    agent.dial(&[LOOPBACK_6], port, AMPLE).await.unwrap();
    assert!(master.await.unwrap().is_some());
}

#[tokio::test]
async fn a_name_of_both_families_is_reached_though_nobody_listens_in_one() {
    let agent = Agent::new();
    for (alive, dead) in [(LOOPBACK, LOOPBACK_6), (LOOPBACK_6, LOOPBACK)] {
        let (port, _master) = master_at(&agent, alive).await;
        agent.dial(&[dead, alive], port, AMPLE).await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_of_both_families_is_reached_though_one_is_silent() {
    let agent = Agent::new();
    let (port, _master) = master(&agent).await;
    let socket = TcpSocket::new_v6().unwrap();
    socket.bind((LOOPBACK_6, port).into()).unwrap();
    let _listener = socket.listen(0).unwrap();
    let _fills_the_queue = TcpStream::connect((LOOPBACK_6, port)).await.unwrap();
    agent
        .dial(&[LOOPBACK_6, LOOPBACK], port, AMPLE)
        .await
        .unwrap();
}

/// Neither the families nor the addresses share the time of a server out among them.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_silent_server_of_many_addresses_is_given_up_at_its_one_limit() {
    let (_listener, port) = listen().await;
    let silent: Vec<IpAddr> = (1..=8)
        .map(|last| Ipv4Addr::new(127, 0, 0, last).into())
        .collect();
    let mut queues = Vec::new();
    for address in &silent[1..] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((*address, port).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        queues.push((
            listener,
            TcpStream::connect((*address, port)).await.unwrap(),
        ));
    }
    let begun = tokio::time::Instant::now();
    let limit = Duration::from_millis(3100);
    let result = Agent::new().dial(&silent, port, limit).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::TimedOut));
    assert!(begun.elapsed() >= limit && begun.elapsed() <= limit + Duration::from_millis(1));
}

#[tokio::test]
async fn refusals_of_all_addresses_are_a_refusal() {
    let (listener, port) = listen().await;
    drop(listener);
    let also = Ipv4Addr::new(127, 0, 0, 2).into();
    let result = Agent::new().dial(&[also, LOOPBACK], port, AMPLE).await;
    assert_eq!(verdict(result), Verdict::Unreached(Unreached::Refused));
}

/// What is told of a server that takes clients of `clients_of` only: while connecting in TLS 1.2, and
/// at the first read in TLS 1.3.
async fn refusal(version: &'static SupportedProtocolVersion, clients_of: &Pki) -> Option<Trouble> {
    let agent = Agent::new();
    let serve = Serve {
        name: MASTER,
        clients_of,
        versions: &[version],
    };
    let (port, _server) = serve.start(&agent).await;
    let connected = agent.dial(&[LOOPBACK], port, AMPLE).await;
    let failure = if version == &version::TLS12 {
        let error = connected.unwrap_err();
        assert_eq!(error.verdict(), Verdict::Untrusted);
        TrustFailure::find(&error)
    } else {
        let mut stream = TokioIo::new(connected.unwrap());
        TrustFailure::find(&stream.read_u8().await.unwrap_err())
    };
    Some(failure?.trouble())
}

fn strangers() -> Pki {
    Pki::from_params(authority("Root", 1), authority("Somebody's CA", 2))
}

#[tokio::test]
async fn in_tls_1_2_the_handshake_fails_when_the_server_does_not_know_our_ca() {
    let refusal = refusal(&version::TLS12, &strangers()).await;
    assert_eq!(refusal, Some(Trouble::Refused(Refusal::UnknownIssuer)));
}

#[tokio::test]
async fn in_tls_1_3_the_first_read_fails_when_the_server_does_not_know_our_ca() {
    let refusal = refusal(&version::TLS13, &strangers()).await;
    assert_eq!(refusal, Some(Trouble::RefusedLate(Refusal::UnknownIssuer)));
}

#[tokio::test]
async fn a_ca_made_anew_under_the_same_name_is_a_want_of_trust() {
    let refusal = refusal(&version::TLS13, &Pki::new()).await;
    assert_eq!(refusal, Some(Trouble::RefusedLate(Refusal::UnknownIssuer)));
}

#[tokio::test]
async fn a_configuration_with_application_protocols_is_taken() {
    let agent = Agent::new();
    let (port, _master) = master(&agent).await;
    let mut config = agent.tls.config().as_ref().clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tls = Tls::from_config(Arc::new(config));
    let connector = Connector::new(tls, Names::new().with(MASTER, LOOPBACK));
    let master = Server::new(MASTER, port).unwrap();
    connector.connect(&master, AMPLE).await.unwrap();
}
