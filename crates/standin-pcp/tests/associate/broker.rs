//! A broker on loopback: a real WebSocket over real TLS, and the ways in which it fails.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use standin_core::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::ca::Ca;

/// How a broker behaves.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Associates and echoes. `close CODE` makes it close with that code, `binary` send bytes
    /// and `huge` more than 64 MiB.
    Serves,
    /// Nobody listens.
    Refuses,
    /// Accepts the connection and says nothing, as a hung host does.
    SilentBeforeTls,
    /// Finishes TLS and does not answer the upgrade.
    SilentInUpgrade,
    /// Finishes TLS, reads the upgrade and closes.
    BreaksInUpgrade,
    /// Answers the upgrade with these bytes.
    Answers(&'static str),
}

/// What a broker saw of one upgrade.
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) certificate: CertificateDer<'static>,
}

pub(crate) struct Broker {
    pub(crate) server: Server,
    pub(crate) address: IpAddr,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Broker {
    /// The `index`th broker, at an address of its own.
    pub(crate) async fn start(ca: &Ca, index: u8, manner: Manner) -> Self {
        let host = format!("broker{index}.test");
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 81, index + 1));
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::default();
        match manner {
            Manner::Refuses => drop(listener),
            _ => {
                let acceptor = ca.acceptor(&host);
                tokio::spawn(listen(listener, acceptor, manner, Arc::clone(&visits)));
            }
        }
        Self {
            server: Server::new(&host, port).unwrap(),
            address,
            visits,
        }
    }

    /// The associations so far.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        std::mem::take(&mut self.visits.lock().unwrap())
    }
}

type Visits = Arc<Mutex<Vec<Visit>>>;

async fn listen(listener: TcpListener, tls: TlsAcceptor, manner: Manner, visits: Visits) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // As Jetty. Else the kernel holds answers back for a while that a paused clock skips.
        stream.set_nodelay(true).unwrap();
        tokio::spawn(serve(stream, tls.clone(), manner, Arc::clone(&visits)));
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, manner: Manner, visits: Visits) {
    if let Manner::SilentBeforeTls = manner {
        let _held = stream;
        return std::future::pending().await;
    }
    // The connections of those who lost a race, or do not trust each other, end here.
    let Ok(mut stream) = tls.accept(stream).await else {
        return;
    };
    match manner {
        Manner::SilentInUpgrade => std::future::pending().await,
        Manner::BreaksInUpgrade => read_head(&mut stream).await,
        Manner::Answers(bytes) => {
            read_head(&mut stream).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        _ => associate(stream, visits).await,
    }
}

async fn read_head(stream: &mut TlsStream<TcpStream>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

async fn associate(stream: TlsStream<TcpStream>, visits: Visits) {
    let (_, tls) = stream.get_ref();
    let certificate = tls.peer_certificates().unwrap()[0].clone().into_owned();
    #[expect(
        clippy::result_large_err,
        reason = "the callback's type is tungstenite's"
    )]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        visits.lock().unwrap().push(Visit {
            path: request.uri().path().to_owned(),
            certificate,
        });
        Ok(response)
    };
    let config = WebSocketConfig::default().max_frame_size(None);
    if let Ok(socket) = accept_hdr_async_with_config(stream, note, Some(config)).await {
        echo(socket).await;
    }
}

async fn echo(mut socket: WebSocketStream<TlsStream<TcpStream>>) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { return };
        let close = text.strip_prefix("close ").map(|code| CloseFrame {
            code: code.parse::<u16>().unwrap().into(),
            reason: "on cue".into(),
        });
        let answer = match (close, text) {
            (Some(frame), _) => Message::Close(Some(frame)),
            (None, "binary") => Message::Binary(Bytes::from_static(b"\x01")),
            (None, "huge") => Message::text("x".repeat((64 << 20) + 1)),
            (None, text) => Message::text(format!("echo {text}")),
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}
