//! A broker on loopback: a real WebSocket over real TLS, and the ways in which it fails.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use standin_core::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::ca::Ca;

/// How a broker behaves towards those who come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manner {
    /// Associates, and answers each message with one of the type `echo` and the same data.
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
    /// Associates, and closes with this code after this time.
    Closes(u16, Duration),
    /// Associates and never reads.
    Freezes,
    /// Associates, and breaks the connection on the first message, which it has read.
    BreaksOnMessage,
    /// Answers each message with something that is no message.
    Babbles,
    /// Answers each message with bytes.
    SendsBinary,
    /// Answers each message with an error.
    Declines,
}

/// What a broker tells all who are associated.
#[derive(Clone, Copy, Debug)]
enum Order {
    Close(u16),
    Break,
    Freeze,
}

/// What a broker saw of one upgrade.
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) certificate: CertificateDer<'static>,
}

pub(crate) struct Broker {
    pub(crate) server: Server,
    pub(crate) address: IpAddr,
    at: SocketAddr,
    acceptor: TlsAcceptor,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

struct State {
    manner: Mutex<Manner>,
    visits: Mutex<Vec<Visit>>,
    received: Mutex<Vec<Value>>,
    /// Associations there are, and the most there were at once.
    live: Mutex<(usize, usize)>,
    orders: broadcast::Sender<Order>,
}

impl Broker {
    /// The `index`th broker, at an address of its own.
    pub(crate) async fn start(ca: &Ca, index: u8, manner: Manner) -> Self {
        let host = format!("broker{index}.test");
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 81, index + 1));
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut broker = Self {
            server: Server::new(&host, at.port()).unwrap(),
            address,
            at,
            acceptor: ca.acceptor(&host),
            state: Arc::new(State {
                manner: Mutex::new(manner),
                visits: Mutex::default(),
                received: Mutex::default(),
                live: Mutex::default(),
                orders: broadcast::Sender::new(4),
            }),
            listening: None,
        };
        if manner != Manner::Refuses {
            broker.listen(listener);
        }
        broker
    }

    /// Behaves otherwise towards those who come from now on. It listens.
    pub(crate) async fn becomes(&mut self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
        if self.listening.is_none() {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(self.at).unwrap();
            self.listen(socket.listen(64).unwrap());
        }
    }

    /// The process dies: nobody listens, and every connection breaks.
    pub(crate) async fn dies(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            let _ = listening.await;
        }
        let _ = self.state.orders.send(Order::Break);
    }

    /// Closes every association with this code.
    pub(crate) fn closes_all(&self, code: u16) {
        let _ = self.state.orders.send(Order::Close(code));
    }

    /// Reads and writes nothing more on any association, which stand.
    pub(crate) fn freezes_all(&self) {
        let _ = self.state.orders.send(Order::Freeze);
    }

    /// The associations so far, since this was last asked.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        std::mem::take(&mut self.state.visits.lock().unwrap())
    }

    /// How many associations there are now.
    pub(crate) fn live(&self) -> usize {
        self.state.live.lock().unwrap().0
    }

    /// The messages so far.
    pub(crate) fn received(&self) -> Vec<Value> {
        self.state.received.lock().unwrap().clone()
    }

    fn listen(&mut self, listener: TcpListener) {
        let (acceptor, state) = (self.acceptor.clone(), Arc::clone(&self.state));
        self.listening = Some(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // As Jetty. Else the kernel holds answers back for a while that a paused clock skips.
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&state)));
            }
        }));
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, state: Arc<State>) {
    let manner = *state.manner.lock().unwrap();
    let mut orders = state.orders.subscribe();
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
        _ => {
            let Some(socket) = upgrade(stream, &state).await else {
                return;
            };
            let _live = Live::new(&state);
            associate(socket, manner, &state, &mut orders).await;
        }
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

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn upgrade(stream: TlsStream<TcpStream>, state: &State) -> Option<Socket> {
    let (_, tls) = stream.get_ref();
    let certificate = tls.peer_certificates().unwrap()[0].clone().into_owned();
    #[expect(
        clippy::result_large_err,
        reason = "the callback's type is tungstenite's"
    )]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        state.visits.lock().unwrap().push(Visit {
            path: request.uri().path().to_owned(),
            certificate,
        });
        Ok(response)
    };
    let config = WebSocketConfig::default().max_frame_size(None);
    let accepted = accept_hdr_async_with_config(stream, note, Some(config)).await;
    accepted.ok()
}

/// Counts an association while it stands.
struct Live<'a>(&'a State);

impl<'a> Live<'a> {
    fn new(state: &'a State) -> Self {
        let mut live = state.live.lock().unwrap();
        live.0 += 1;
        live.1 = live.1.max(live.0);
        Self(state)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.live.lock().unwrap().0 -= 1;
    }
}

async fn associate(
    mut socket: Socket,
    manner: Manner,
    state: &State,
    orders: &mut broadcast::Receiver<Order>,
) {
    let closing = match manner {
        Manner::Closes(_, after) => after,
        _ => Duration::from_secs(1_000_000),
    };
    let closing = tokio::time::sleep(closing);
    tokio::pin!(closing);
    if manner == Manner::Freezes {
        return std::future::pending().await;
    }
    loop {
        let code = tokio::select! {
            () = &mut closing => match manner {
                Manner::Closes(code, _) => code,
                _ => continue,
            },
            Ok(order) = orders.recv() => match order {
                Order::Close(code) => code,
                Order::Break => return,
                Order::Freeze => return std::future::pending().await,
            },
            message = socket.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                state.received.lock().unwrap().push(message.clone());
                let Some(answer) = answer(manner, &message) else { return };
                if socket.send(answer).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let reason = "on cue".into();
        let frame = CloseFrame {
            code: code.into(),
            reason,
        };
        let _ = socket.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = socket.next().await {}
        return;
    }
}

fn answer(manner: Manner, message: &Value) -> Option<Message> {
    let answer = |message_type: &str, data: &Value| {
        let answer = json!({
            "id": "00000000-0000-4000-8000-000000000000", "message_type": message_type,
            "target": message["sender"], "in_reply_to": message["id"], "data": data,
        });
        Message::text(answer.to_string())
    };
    Some(match manner {
        Manner::BreaksOnMessage => return None,
        Manner::Babbles => Message::text("{}"),
        Manner::SendsBinary => Message::Binary(Bytes::from_static(b"\x01")),
        Manner::Declines => answer(
            "http://puppetlabs.com/error_message",
            &json!("not connected"),
        ),
        _ => answer("echo", &message["data"]),
    })
}
