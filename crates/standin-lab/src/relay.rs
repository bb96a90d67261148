//! A faulty wire before any real server: a TCP relay that understands nothing of what passes through it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::LabError;
use crate::port;

pub use fault::{Direction, WireFault, WireGuard};
pub use journal::{Passage, PassageEnd, RelayJournal};

use rules::Board;

mod fault;
mod journal;
mod passage;
mod rules;
mod server;

/// A TCP relay in front of a server, whatever that server speaks: its faults are those that need no understanding of TLS.
///
/// A client is given the relay's address for the server's. What is sent either way is passed on unchanged, until a
/// [`WireFault`] is switched on; the [`RelayJournal`] counts connections and bytes. It runs on the caller's runtime and ends
/// when dropped.
///
/// ```
/// use standin_lab::{Lab, Relay, Service, WireFault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), standin_lab::LabError> {
/// let lab = Lab::builder().start().await?;
/// let server = lab.master().server(Service::PuppetDb); // or any other, of any make
/// let relay = Relay::before(server).start().await?;
///
/// let fault = relay.fault(WireFault::Refuse).await?;
/// assert!(tokio::net::TcpStream::connect(relay.address()).await.is_err());
///
/// fault.lift().await;
/// assert!(tokio::net::TcpStream::connect(relay.address()).await.is_ok());
/// # Ok(())
/// # }
/// ```
///
/// A server that cannot be reached shows as a reset after the connect, since the relay has accepted by then. The relay's
/// kernel acknowledges what arrives even while the relay is silent, which a dead network would not.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    board: Arc<Board>,
    server: JoinSet<()>,
}

/// What a relay is to be like; made by [`Relay::before`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct RelayBuilder {
    target: SocketAddr,
    address: Option<SocketAddr>,
}

impl Relay {
    /// A relay in front of that server.
    pub fn before(target: SocketAddr) -> RelayBuilder {
        RelayBuilder {
            target,
            address: None,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections that came so far.
    #[must_use]
    pub fn journal(&self) -> RelayJournal {
        self.board.journal().clone()
    }

    /// Switches a fault on, and returns once the relay acts accordingly.
    ///
    /// # Errors
    ///
    /// If the relay's socket cannot be brought into the state; then nothing stays switched on.
    pub async fn fault(&self, fault: WireFault) -> Result<WireGuard, LabError> {
        let (rule, version) = self.board.add(fault);
        let guard = WireGuard::new(Arc::clone(&self.board), rule);
        self.board.settled(version).await?;
        Ok(guard)
    }

    /// Ends every connection, and returns once they have ended. Dropping the relay does the same without waiting.
    pub async fn shutdown(mut self) {
        self.server.shutdown().await;
    }
}

impl RelayBuilder {
    /// Where to listen. Unless said, on the target's port of a random loopback address.
    pub fn listen_on(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Listens. When it returns clients may connect.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn start(self) -> Result<Relay, LabError> {
        let socket = match self.address {
            Some(address) => listen(address).map_err(|source| LabError::Socket {
                address,
                source: Arc::new(source),
            })?,
            None => anywhere(self.target.port())?,
        };
        let address = socket.local_addr().map_err(|source| LabError::Socket {
            address: self.target,
            source: Arc::new(source),
        })?;
        let board = Arc::new(Board::new(address));
        let mut server = JoinSet::new();
        server.spawn(server::run(
            Arc::clone(&board),
            self.target,
            address,
            socket,
        ));
        board.settled(0).await?;
        Ok(Relay {
            address,
            board,
            server,
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    port::listen(address, port::BACKLOG)
}

/// That port of a random loopback address, as the hosts of a lab have them.
fn anywhere(port: u16) -> Result<TcpListener, LabError> {
    let mut tries = 1;
    loop {
        let ip = Ipv4Addr::new(
            127,
            fastrand::u8(1..=254),
            fastrand::u8(..),
            fastrand::u8(1..=254),
        );
        match listen(SocketAddr::new(IpAddr::V4(ip), port)) {
            Ok(socket) => return Ok(socket),
            Err(error) if tries < MAX_TRIES && error.kind() == io::ErrorKind::AddrInUse => {
                tries += 1
            }
            Err(source) => return Err(LabError::Addresses { tries, source }),
        }
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").finish_non_exhaustive()
    }
}

const MAX_TRIES: usize = 64;
