//! One connection: TLS, then HTTP/1.1 and perhaps WebSocket, until it ends or is cut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::broker::Session;
use crate::exchange::Exchange;
use crate::scene::{Door, Handshake, Scene};
use crate::service::Port;
use crate::shared::Shared;
use crate::tap::{Tap, Tapped};
use crate::wire::{Cut, Wire};

/// Serves one connection to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    host: usize,
    port: Port,
    tcp: TcpStream,
    door: watch::Receiver<Door>,
) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    let cut = Arc::new(Cut::default());
    let mut closing = door.clone();
    let wire = Wire::new(tcp, door, Arc::clone(&cut));
    tokio::select! {
        biased;
        // Dropping the wire resets it, by its own look at the door and the cut.
        _ = closing.wait_for(|door| *door == Door::Closed) => {}
        () = cut.due() => {}
        () = converse(shared, host, port, wire, Arc::clone(&cut)) => {}
    }
}

async fn converse(shared: Arc<Shared>, host: usize, port: Port, mut wire: Wire, cut: Arc<Cut>) {
    let flaw = match shared.scene().handshake(host, port) {
        Handshake::Shows(flaw) => flaw,
        Handshake::Stalls(after) => {
            wire.stall(after, stalled(shared.subscribe(), host, port));
            None
        }
        Handshake::Alerts => return alert(wire).await,
    };
    let config = shared.trust().identity(host).showing(flaw);
    let tls = match TlsAcceptor::from(config).accept(wire).into_fallible().await {
        Ok(tls) => tls,
        Err((error, wire)) => {
            tracing::debug!(%error, host = %shared.machine(host).name, port = port.number(), "TLS failed");
            return part(wire).await;
        }
    };
    let shown = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certname = shown.and_then(|certificate| shared.trust().authority.owner(certificate));
    let tap = Arc::new(Tap::new(Arc::clone(&cut), shared.subscribe(), host));
    let exchange = Arc::new(Exchange {
        tap: Arc::clone(&tap),
        shared: Arc::clone(&shared),
        host,
        port,
        certname: certname.clone(),
        cut: Arc::clone(&cut),
        upgrade: Mutex::default(),
    });
    let service = service_fn(|request| Arc::clone(&exchange).answer(request));
    let served = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(Tapped::new(tls, tap)), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
    let Some(upgrade) = exchange.upgrade() else {
        return;
    };
    match upgrade.on_upgrade.await {
        Ok(upgraded) => {
            let session = Session {
                shared,
                host,
                certname,
                client_type: upgrade.client_type,
                cut,
            };
            session.run(TokioIo::new(upgraded)).await;
        }
        Err(error) => tracing::debug!(%error, "a connection did not switch to WebSocket"),
    }
}

/// Waits until handshakes at the port do not stall any more.
async fn stalled(mut scene: watch::Receiver<Arc<Scene>>, host: usize, port: Port) {
    let goes_on = |scene: &Arc<Scene>| !matches!(scene.handshake(host, port), Handshake::Stalls(_));
    if scene.wait_for(goes_on).await.is_err() {
        // The lab is gone, and the connection with it.
        std::future::pending::<()>().await;
    }
}

/// Answers whatever the client said first with a fatal alert.
async fn alert(mut wire: Wire) {
    let hello = wire.read(&mut [0; 1024]).await;
    if matches!(hello, Ok(1..)) && wire.write_all(&HANDSHAKE_FAILURE).await.is_ok() {
        part(wire).await;
    }
}

/// A record of TLS 1.2 (RFC 5246, section 6.2.1) with the alert `handshake_failure`, fatal (section 7.2).
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// Ends a connection whose handshake failed. Closing with bytes unread would be an RST that can overtake the alert
/// which tells the client why.
async fn part(mut wire: Wire) {
    if wire.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 1024];
    let drained = async { while matches!(wire.read(&mut rest).await, Ok(read) if read > 0) {} };
    if timeout(PATIENCE, drained).await.is_err() {
        tracing::debug!("a client did not hang up after a failed handshake");
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
