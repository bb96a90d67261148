//! A server that does what it does after so many bytes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use standin::Server;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::wire::{End, Meter, Traffic, Wire};

/// What a server does on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// So many requests are answered well first.
    pub(crate) well: usize,
    pub(crate) stop: Stop,
    pub(crate) act: Act,
}

/// Where it stops.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// It answers whatever comes.
    Never,
    /// On the wire, beneath TLS.
    Wire(End),
    /// When the handshake is done, whatever may have come since.
    Idle,
    /// After so many bytes of a request that has begun to arrive.
    Request(usize),
    /// When a request came whole and so many bytes of the response to it are out.
    Response(&'static str, usize),
}

/// What it does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Says so in TLS, and closes.
    Close,
    /// Closes TCP alone.
    BreakOff,
    Reset,
    FallSilent,
}

impl Act {
    /// Those that end a connection.
    pub(crate) const ENDS: [Self; 3] = [Self::Close, Self::BreakOff, Self::Reset];
}

impl Script {
    pub(crate) const WELL: Self = Self {
        well: 0,
        stop: Stop::Never,
        act: Act::Close,
    };

    pub(crate) const SILENT: Self = Self {
        well: 0,
        stop: Stop::Wire(End::Out { bytes: 0 }),
        act: Act::FallSilent,
    };
}

type Play = Arc<dyn Fn(usize) -> Script + Send + Sync>;

/// A listening server. Ends when dropped.
pub(crate) struct Scripted {
    pub(crate) server: Server,
    pub(crate) address: IpAddr,
    now: Arc<Mutex<Now>>,
    _listening: JoinSet<()>,
}

/// One scenario.
struct Now {
    play: Play,
    connections: JoinSet<()>,
    made: Vec<Arc<Meter>>,
    /// Requests that came whole.
    got: Arc<Mutex<Vec<String>>>,
    /// Bytes of requests that came at all.
    heard: Arc<Mutex<usize>>,
}

impl Now {
    fn new(play: Play) -> Self {
        Self {
            play,
            connections: JoinSet::new(),
            made: Vec::new(),
            got: Arc::default(),
            heard: Arc::default(),
        }
    }
}

impl Scripted {
    pub(crate) async fn start(name: &str, tls: Arc<ServerConfig>) -> Self {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let now = Arc::new(Mutex::new(Now::new(Arc::new(|_| Script::WELL))));
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, TlsAcceptor::from(tls), Arc::clone(&now)));
        Self {
            server: Server::new(name, port).unwrap(),
            address,
            now,
            _listening: listening,
        }
    }

    /// Begins a new scenario: `play` tells what to do on each connection, which are counted from 0.
    pub(crate) fn plays(&self, play: impl Fn(usize) -> Script + Send + Sync + 'static) {
        *self.now.lock().unwrap() = Now::new(Arc::new(play));
    }

    /// The requests that came whole, questions for the status aside.
    pub(crate) fn got(&self) -> Vec<String> {
        let now = self.now.lock().unwrap();
        let mut got = now.got.lock().unwrap().clone();
        got.retain(|request| !request.starts_with("GET /status/"));
        got
    }

    /// How many bytes of requests came at all.
    pub(crate) fn heard(&self) -> usize {
        let now = self.now.lock().unwrap();
        *now.heard.lock().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.now.lock().unwrap().made.len()
    }

    /// What went over the first connection.
    pub(crate) fn traffic(&self) -> Traffic {
        self.now.lock().unwrap().made[0].traffic()
    }

    /// Waits until every connection is over, those that fell silent aside.
    pub(crate) async fn is_left(&self) {
        let mut connections = std::mem::take(&mut self.now.lock().unwrap().connections);
        while connections.join_next().await.is_some() {}
    }
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, now: Arc<Mutex<Now>>) {
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut now = now.lock().unwrap();
        let script = (now.play)(now.made.len());
        let meter = Arc::new(Meter::default());
        now.made.push(Arc::clone(&meter));
        let connection = Connection {
            script,
            meter,
            got: Arc::clone(&now.got),
            heard: Arc::clone(&now.heard),
        };
        now.connections
            .spawn(connection.serve(tcp, acceptor.clone()));
    }
}

struct Connection {
    script: Script,
    meter: Arc<Meter>,
    got: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<usize>>,
}

type Tls = BufReader<TlsStream<Wire>>;

impl Connection {
    async fn serve(self, tcp: TcpStream, acceptor: TlsAcceptor) {
        let tcp = tcp.into_std().unwrap();
        // A second handle on the same connection, to act on it whoever holds the first.
        let mut handle = TcpStream::from_std(tcp.try_clone().unwrap()).unwrap();
        let tcp = TcpStream::from_std(tcp).unwrap();
        let end = match self.script.stop {
            Stop::Wire(end) => end,
            _ => End::Nowhere,
        };
        let wire = Wire::new(tcp, end, Arc::clone(&self.meter));
        let tls = tokio::select! {
            biased;
            () = self.meter.reached() => None,
            tls = self.converse(wire, acceptor) => match tls {
                Some(tls) => Some(tls),
                None => return,
            },
        };
        match (self.script.act, tls) {
            (Act::FallSilent, tls) => {
                std::future::pending::<()>().await;
                drop((tls, handle));
            }
            (Act::Reset, tls) => {
                handle.set_zero_linger().unwrap();
                drop((tls, handle));
            }
            (Act::Close, Some(mut tls)) => {
                // The client may be gone already.
                let _ = tls.shutdown().await;
                drain(&mut tls, &self.heard).await;
            }
            (Act::Close | Act::BreakOff, tls) => {
                let _ = handle.shutdown().await;
                match tls {
                    Some(mut tls) => drain(&mut tls, &self.heard).await,
                    None => while matches!(handle.read(&mut [0; 4096]).await, Ok(1..)) {},
                }
            }
        }
    }

    /// Speaks until the script stops it; `None` if the client went away before.
    async fn converse(&self, wire: Wire, acceptor: TlsAcceptor) -> Option<Tls> {
        let mut tls = BufReader::new(acceptor.accept(wire).await.ok()?);
        for _ in 0..self.script.well {
            read_request(&mut tls).await?;
            say(&mut tls, WELL.as_bytes()).await?;
        }
        match self.script.stop {
            Stop::Never | Stop::Wire(_) => loop {
                let request = read_request(&mut tls).await?;
                *self.heard.lock().unwrap() += request.len();
                self.got.lock().unwrap().push(request);
                say(&mut tls, WELL.as_bytes()).await?;
            },
            Stop::Idle => {}
            Stop::Request(bytes) => {
                tls.fill_buf().await.ok()?;
                let mut read = vec![0; bytes];
                tls.read_exact(&mut read).await.ok()?;
                *self.heard.lock().unwrap() += bytes;
            }
            Stop::Response(response, bytes) => {
                let request = read_request(&mut tls).await?;
                *self.heard.lock().unwrap() += request.len();
                self.got.lock().unwrap().push(request);
                say(&mut tls, &response.as_bytes()[..bytes]).await?;
            }
        }
        Some(tls)
    }
}

/// Reads on to the client's end.
async fn drain(tls: &mut Tls, heard: &Mutex<usize>) {
    while let Ok(read) = tls.read(&mut [0; 4096]).await {
        *heard.lock().unwrap() += read;
        if read == 0 {
            break;
        }
    }
}

async fn say(tls: &mut Tls, text: &[u8]) -> Option<()> {
    tls.write_all(text).await.ok()?;
    tls.flush().await.ok()
}

async fn read_request(tls: &mut Tls) -> Option<String> {
    let mut request = String::new();
    let mut length = 0;
    loop {
        let at = request.len();
        if tls.read_line(&mut request).await.ok()? == 0 {
            return None;
        }
        let line = &request[at..];
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    tls.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).unwrap());
    Some(request)
}

pub(crate) const WELL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
