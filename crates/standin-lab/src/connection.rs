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
use crate::scene::Door;
use crate::service::Port;
use crate::shared::Shared;
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

async fn converse(shared: Arc<Shared>, host: usize, port: Port, wire: Wire, cut: Arc<Cut>) {
    let flaw = shared.scene().flaw(host, port);
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
    let exchange = Arc::new(Exchange {
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
        .serve_connection(TokioIo::new(tls), service)
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
