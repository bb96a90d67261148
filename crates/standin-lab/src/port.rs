//! One listening socket: open, closed, silent or a black hole, as the scene wants it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection;
use crate::scene::{Door, Scene};
use crate::service::Port;
use crate::shared::Shared;

/// The server of one port of one host.
#[derive(Debug)]
pub(crate) struct PortServer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: usize,
    pub(crate) port: Port,
    pub(crate) address: SocketAddr,
    pub(crate) applied: watch::Sender<Applied>,
}

/// How far a server has caught up with the scene.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// `None` before it has looked at the scene at all.
    pub(crate) version: Option<u64>,
    /// What kept it from doing all of it.
    pub(crate) trouble: Option<Arc<io::Error>>,
}

impl Applied {
    pub(crate) const NOTHING: Self = Self {
        version: None,
        trouble: None,
    };
}

impl PortServer {
    /// Serves until the task is aborted, which closes the socket and every connection.
    pub(crate) async fn run(self, socket: Option<TcpListener>) {
        let mut scene = self.shared.subscribe();
        let doors = watch::Sender::new(Door::Open);
        let mut gate = Gate::new(self.address, socket);
        let mut connections = JoinSet::new();
        let (mut before, mut trouble) = (None, None);
        loop {
            let (version, door) = self.wanted(&mut scene);
            if before != Some(door) {
                doors.send_replace(door);
                let result = gate.enter(door).await;
                if door == Door::Closed {
                    // They see the door and end at once; afterwards nobody is served any more.
                    while connections.join_next().await.is_some() {}
                }
                // What did not work is tried again.
                before = result.is_ok().then_some(door);
                trouble = result.err().map(Arc::new);
            }
            let applied = Applied {
                version: Some(version),
                trouble: trouble.clone(),
            };
            self.applied.send_replace(applied);
            loop {
                tokio::select! {
                    changed = scene.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    stream = gate.accept(), if door == Door::HangUp => drop(stream),
                    stream = gate.accept(), if matches!(door, Door::Open | Door::Silent) => {
                        let (shared, doors) = (Arc::clone(&self.shared), doors.subscribe());
                        connections.spawn(connection::serve(shared, self.host, self.port, stream, doors));
                    }
                    Some(_) = connections.join_next() => {}
                    () = sleep(RETRY), if trouble.is_some() => break,
                }
            }
        }
    }

    fn wanted(&self, scene: &mut watch::Receiver<Arc<Scene>>) -> (u64, Door) {
        let scene = scene.borrow_and_update();
        (scene.version, scene.door(self.host, self.port))
    }
}

/// The socket itself, and what keeps its accept queue full.
pub(crate) struct Gate {
    address: SocketAddr,
    socket: Option<TcpListener>,
    plug: Vec<TcpStream>,
}

impl Gate {
    pub(crate) fn new(address: SocketAddr, socket: Option<TcpListener>) -> Self {
        Self {
            address,
            socket,
            plug: Vec::new(),
        }
    }

    /// The addresses of the connections that keep the queue full.
    pub(crate) fn plugged(&self) -> impl Iterator<Item = SocketAddr> {
        self.plug.iter().filter_map(|plug| plug.local_addr().ok())
    }

    pub(crate) async fn enter(&mut self, door: Door) -> io::Result<()> {
        match door {
            Door::Closed => {
                self.socket = None;
                self.plug.clear();
                Ok(())
            }
            Door::Open | Door::Silent | Door::HangUp => {
                self.listen(BACKLOG).await?;
                self.plug.clear();
                Ok(())
            }
            Door::BlackHole => {
                self.listen(0).await?;
                self.fill().await
            }
        }
    }

    /// Listens with that backlog. On a socket that listens already this only changes the backlog, so that no SYN meets
    /// a closed port in between.
    async fn listen(&mut self, backlog: i32) -> io::Result<()> {
        if let Some(socket) = &self.socket {
            return SockRef::from(socket).listen(backlog);
        }
        let mut tries = 0;
        loop {
            match listen(self.address, backlog) {
                Ok(socket) => {
                    self.socket = Some(socket);
                    return Ok(());
                }
                Err(error) if tries >= LISTEN_TRIES => return Err(error),
                Err(_) => tries += 1,
            }
            sleep(RETRY).await;
        }
    }

    /// Connects to itself until no further connection gets through: from then on the kernel drops every SYN.
    async fn fill(&mut self) -> io::Result<()> {
        for _ in 0..MAX_PLUG {
            let socket = match self.address {
                SocketAddr::V4(_) => TcpSocket::new_v4(),
                SocketAddr::V6(_) => TcpSocket::new_v6(),
            };
            let connect = socket?.connect(self.address);
            match timeout(HANGS, connect).await {
                Ok(stream) => self.plug.push(stream?),
                Err(_) => return Ok(()),
            }
        }
        Err(io::ErrorKind::QuotaExceeded.into())
    }

    /// The next connection. Cancel safe.
    pub(crate) async fn accept(&self) -> TcpStream {
        let Some(socket) = &self.socket else {
            return std::future::pending().await;
        };
        loop {
            match socket.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    // Out of descriptors, as a rule: wait rather than spin.
                    tracing::warn!(address = %self.address, %error, "a connection was not accepted");
                    sleep(RETRY).await;
                }
            }
        }
    }
}

/// A listening socket on an address that may have been in use a moment ago.
pub(crate) fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

/// The backlog of an open server.
pub(crate) const BACKLOG: i32 = 1024;

const RETRY: Duration = Duration::from_millis(20);
const LISTEN_TRIES: u32 = 100;

/// A connect over loopback takes microseconds; one that takes this long will not get through.
const HANGS: Duration = Duration::from_millis(100);

/// With a backlog of 0 the first connection fills the queue; connections of clients that nobody accepted count too.
const MAX_PLUG: usize = 8;
