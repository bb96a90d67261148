//! Faults of the connection: refused, swallowed, silent. Each does what it says, to old and new connections.

use std::io::ErrorKind;
use std::time::Duration;

use http::Method;
use standin_lab::Service::{CodeManager, NodeClassifier, PuppetDb, PuppetServer, Rbac};
use standin_lab::{Fault, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, LONG, connects, lab, soon};

/// Less than the second after which a dropped SYN is sent again.
const AT_ONCE: Duration = Duration::from_millis(900);

#[tokio::test]
async fn refused_connects_fail_at_once_until_the_guard_is_dropped() {
    let lab = lab().await;
    let address = lab.master().server(PuppetServer);
    let fault = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    for service in [PuppetServer, PuppetDb, NodeClassifier] {
        let refused = TcpStream::connect(lab.master().server(service))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
    assert!(
        TcpStream::connect(lab.replica().server(PuppetServer))
            .await
            .is_ok()
    );
    drop(fault);
    connects(address).await;
}

#[tokio::test]
async fn refusal_resets_established_connections() {
    let lab = lab().await;
    let mut raw = TcpStream::connect(lab.master().server(PuppetServer))
        .await
        .unwrap();
    let mut connection = Client::agent(&lab)
        .connect(lab.master(), PuppetServer)
        .await
        .unwrap();
    assert_eq!(
        connection
            .send(Method::GET, "/status/v1/simple", "")
            .await
            .unwrap()
            .status,
        200
    );
    let fault = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    let read = timeout(LONG, raw.read(&mut [0; 16]))
        .await
        .expect("an end")
        .unwrap_err();
    assert_eq!(read.kind(), ErrorKind::ConnectionReset);
    connection.closed().await;
    fault.lift().await;
    assert!(
        TcpStream::connect(lab.master().server(PuppetServer))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_black_hole_lets_no_connect_through_until_it_is_lifted() {
    let lab = lab().await;
    let address = lab.master().server(PuppetServer);
    let fault = lab
        .fault(Target::Host("master.test"), Fault::BlackHole)
        .await
        .unwrap();
    for service in [PuppetServer, PuppetDb, NodeClassifier] {
        let connect = TcpStream::connect(lab.master().server(service));
        assert!(
            soon(connect).await.is_none(),
            "{service} let a connection through, or refused it"
        );
    }
    let hanging = tokio::spawn(TcpStream::connect(address));
    fault.lift().await;
    assert!(
        timeout(AT_ONCE, TcpStream::connect(address)).await.is_ok(),
        "it listens at once"
    );
    // The one whose SYN was dropped gets through with its next.
    timeout(LONG, hanging)
        .await
        .expect("an end")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_host_off_the_network_swallows_connects_to_ports_that_it_never_had() {
    let lab = lab().await;
    let address = lab.replica().server(CodeManager);
    let fault = lab
        .fault(Target::Host("replica.test"), Fault::BlackHole)
        .await
        .unwrap();
    assert!(soon(TcpStream::connect(address)).await.is_none());
    fault.lift().await;
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_black_hole_can_follow_a_refusal_and_be_followed_by_one() {
    let lab = lab().await;
    let address = lab.master().server(PuppetDb);
    let target = Target::Service("master.test", PuppetDb);
    let refuse = lab.fault(target, Fault::Refuse).await.unwrap();
    let hole = lab.fault(target, Fault::BlackHole).await.unwrap();
    assert!(soon(TcpStream::connect(address)).await.is_none());
    hole.lift().await;
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    refuse.lift().await;
    connects(address).await;
}

#[tokio::test]
async fn established_connections_go_silent_and_speak_again() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    for fault in [Fault::BlackHole, Fault::Silent] {
        let mut connection = client.connect(lab.master(), PuppetServer).await.unwrap();
        assert_eq!(
            connection
                .send(Method::GET, "/status/v1/simple", "")
                .await
                .unwrap()
                .status,
            200
        );
        lab.journal().clear();
        let guard = lab.fault(Target::Host("master.test"), fault).await.unwrap();
        let mut waiting = Box::pin(connection.send(Method::GET, "/status/v1/simple/server", ""));
        assert!(soon(&mut waiting).await.is_none());
        assert!(lab.journal().entries().is_empty(), "its bytes were read");
        guard.lift().await;
        assert_eq!(
            timeout(LONG, waiting)
                .await
                .expect("an answer")
                .unwrap()
                .status,
            200
        );
    }
}

#[tokio::test]
async fn silence_lets_tcp_connect_and_says_nothing() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let guard = lab
        .fault(Target::Service("master.test", PuppetDb), Fault::Silent)
        .await
        .unwrap();
    let mut raw = TcpStream::connect(lab.master().server(PuppetDb))
        .await
        .unwrap();
    raw.write_all(b"nonsense that TLS would answer with an alert")
        .await
        .unwrap();
    assert!(soon(raw.read(&mut [0; 16])).await.is_none());
    let mut shaking = Box::pin(client.connect(lab.master(), PuppetDb));
    assert!(soon(&mut shaking).await.is_none());
    guard.lift().await;
    timeout(LONG, shaking).await.expect("a handshake").unwrap();
}

#[tokio::test]
async fn a_fault_of_the_connection_takes_the_port_along_and_no_other() {
    let lab = lab().await;
    let _fault = lab
        .fault(Target::Service("master.test", Rbac), Fault::Refuse)
        .await
        .unwrap();
    let refused = TcpStream::connect(lab.master().server(NodeClassifier))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(
        TcpStream::connect(lab.master().server(PuppetServer))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_forgotten_guard_leaves_the_fault_on() {
    let lab = lab().await;
    lab.fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap()
        .forget();
    let refused = TcpStream::connect(lab.master().server(PuppetServer))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_unknown_host_cannot_fail() {
    let lab = lab().await;
    let error = lab
        .fault(Target::Host("nosuch.test"), Fault::Refuse)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no host of this lab is called nosuch.test"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_one_lab_leave_another_alone() {
    let (one, other) = tokio::join!(lab(), lab());
    assert_ne!(one.master().ip(), other.master().ip());
    let _fault = one
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    let client = Client::agent(&other);
    assert_eq!(
        client
            .simple(other.master(), PuppetServer, "server")
            .await
            .0,
        200
    );
    assert!(
        TcpStream::connect(one.master().server(PuppetServer))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn nothing_listens_once_the_lab_is_shut_down() {
    let lab = lab().await;
    let address = lab.master().server(PuppetServer);
    let mut connection = Client::agent(&lab)
        .connect(lab.master(), PuppetServer)
        .await
        .unwrap();
    lab.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
    connection.closed().await;
}
