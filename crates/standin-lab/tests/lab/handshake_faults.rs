//! Faults of the TLS handshake, and a server that flaps.

use std::io::ErrorKind;
use std::time::Duration;

use http::Method;
use rustls::AlertDescription;
use standin_lab::Service::{PuppetDb, PuppetServer};
use standin_lab::{Fault, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, Failure, LONG, connects, lab, soon};

#[tokio::test]
async fn a_handshake_stalls_after_so_many_bytes_and_goes_on_once_it_is_lifted() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    for after in [0, 1, 100] {
        let fault = Fault::StallTls { after };
        let guard = lab.fault(Target::Host("master.test"), fault).await.unwrap();
        let tcp = TcpStream::connect(lab.master().server(PuppetServer)).await;
        let (seen, shaking) = tokio::join!(
            bytes_of_the_server(&client, tcp.unwrap()),
            soon(client.connect(lab.master(), PuppetServer)),
        );
        assert_eq!(seen, after);
        assert!(shaking.is_none(), "it went on");
        let mut shaking = Box::pin(client.connect(lab.master(), PuppetServer));
        assert!(soon(&mut shaking).await.is_none());
        guard.lift().await;
        timeout(LONG, shaking).await.expect("a handshake").unwrap();
    }
}

/// How many bytes come back for a client's hello.
async fn bytes_of_the_server(client: &Client, tcp: TcpStream) -> usize {
    let (mut reads, mut writes) = tcp.into_split();
    writes.write_all(&client.hello()).await.expect("a hello");
    let mut seen = Vec::new();
    while let Some(Ok(1..)) = soon(reads.read_buf(&mut seen)).await {}
    seen.len()
}

#[tokio::test]
async fn a_stalled_handshake_leaves_established_connections_alone() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let mut connection = client.connect(lab.master(), PuppetServer).await.unwrap();
    for fault in [Fault::StallTls { after: 0 }, Fault::AlertTls] {
        let _guard = lab.fault(Target::Host("master.test"), fault).await.unwrap();
        let status = connection.send(Method::GET, "/status/v1/simple", "").await;
        assert_eq!(status.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_handshake_ends_with_an_alert() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let target = Target::Service("master.test", PuppetDb);
    let guard = lab.fault(target, Fault::AlertTls).await.unwrap();
    let Err(Failure::Tls(error)) = client.connect(lab.master(), PuppetDb).await else {
        panic!("there was no alert");
    };
    let alert = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
    let failure = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
    assert_eq!(alert, Some(&failure));
    client.connect(lab.master(), PuppetServer).await.unwrap();
    guard.lift().await;
    client.connect(lab.master(), PuppetDb).await.unwrap();
}

#[tokio::test]
async fn a_flapping_server_refuses_and_listens_in_turn() {
    let lab = lab().await;
    let address = lab.master().server(PuppetServer);
    let flapping = Fault::Flapping {
        down: Duration::from_millis(50),
        up: Duration::from_millis(50),
    };
    let guard = lab
        .fault(Target::Host("master.test"), flapping)
        .await
        .unwrap();
    for _ in 0..3 {
        timeout(LONG, refused(address)).await.expect("it refuses");
        connects(address).await;
    }
    guard.lift().await;
    connects(address).await;
}

#[tokio::test]
async fn flapping_ends_with_its_guard_whosever_turn_it_was() {
    let lab = lab().await;
    let address = lab.master().server(PuppetServer);
    let flapping = Fault::Flapping {
        down: Duration::from_secs(3600),
        up: Duration::ZERO,
    };
    let guard = lab
        .fault(Target::Host("master.test"), flapping)
        .await
        .unwrap();
    timeout(LONG, refused(address)).await.expect("it refuses");
    guard.lift().await;
    TcpStream::connect(address).await.unwrap();
}

async fn refused(address: std::net::SocketAddr) {
    loop {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            _ => tokio::task::yield_now().await,
        }
    }
}
