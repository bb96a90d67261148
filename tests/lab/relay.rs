//! A wire between the client and one server, which counts connections and ends idle ones.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use standin::{Names, Policy};
use standin_lab::{Lab, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::{MASTER, Stage, client};

/// Stands where the client looks for the master's Puppet Server. Ends when dropped.
pub(crate) struct Relay {
    ip: IpAddr,
    connections: watch::Sender<Connections>,
    hang_up: watch::Sender<HangUp>,
    _server: JoinSet<()>,
}

#[derive(Clone, Copy, Default)]
struct Connections {
    made: usize,
    open: usize,
}

/// When the connections that stand are ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HangUp {
    No,
    Now,
    /// With the next bytes of the client, which go no further.
    OnRequest,
}

impl Relay {
    /// A stage whose client reaches the master's Puppet Server, and nothing else of the master,
    /// through a relay.
    pub(crate) async fn on_stage(policy: Policy) -> (Self, Stage) {
        let lab = Lab::builder().start().await.expect("a lab");
        let relay = Self::to(lab.master().server(Service::PuppetServer)).await;
        let names = Names::new()
            .with(MASTER, relay.ip)
            .with(lab.replica().name(), lab.replica().ip());
        let client = client(&lab, policy, names);
        (relay, Stage { lab, client })
    }

    async fn to(server: SocketAddr) -> Self {
        let (ip, listener) = listen(server.port()).await;
        let connections = watch::Sender::new(Connections::default());
        let hang_up = watch::Sender::new(HangUp::No);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(
            listener,
            server,
            connections.clone(),
            hang_up.clone(),
        ));
        Self {
            ip,
            connections,
            hang_up,
            _server: tasks,
        }
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.borrow().made
    }

    /// Ends every connection from the server's side, and returns once the client has hung up too.
    pub(crate) async fn hang_up(&self) {
        self.hang_up.send_replace(HangUp::Now);
        let mut connections = self.connections.subscribe();
        let all_gone = connections.wait_for(|connections| connections.open == 0);
        all_gone.await.expect("a relay that runs");
    }

    /// Ends every connection that stands now as soon as a request comes on it: the server closed it
    /// a moment before, and the client could not know.
    pub(crate) fn hang_up_on_request(&self) {
        self.hang_up.send_replace(HangUp::OnRequest);
    }
}

/// Takes a random loopback address, as the lab does for its hosts.
async fn listen(port: u16) -> (IpAddr, TcpListener) {
    loop {
        let [_, a, b, c] = rand_bytes();
        let ip = IpAddr::V4(Ipv4Addr::new(127, a.max(1), b, c.clamp(1, 254)));
        match TcpListener::bind((ip, port)).await {
            Ok(listener) => return (ip, listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => panic!("no address for the relay: {error}"),
        }
    }
}

/// Random enough for an address, from what the standard library seeds its maps with.
fn rand_bytes() -> [u8; 4] {
    use std::hash::{BuildHasher, RandomState};
    let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_le_bytes();
    [a, b, c, d]
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    connections: watch::Sender<Connections>,
    hang_up: watch::Sender<HangUp>,
) {
    let mut running = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.send_modify(|connections| {
            connections.made += 1;
            connections.open += 1;
        });
        let (connections, hang_up) = (connections.clone(), hang_up.subscribe());
        running.spawn(async move {
            // An end of any kind is an end.
            let _ = pass_on(client, server, hang_up).await;
            connections.send_modify(|connections| connections.open -= 1);
        });
    }
}

async fn pass_on(
    mut client: TcpStream,
    server: SocketAddr,
    mut hang_up: watch::Receiver<HangUp>,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    tokio::select! {
        passed = copy_bidirectional(&mut client, &mut server) => return passed.map(drop),
        _ = hang_up.changed() => {}
    }
    if *hang_up.borrow() == HangUp::OnRequest {
        client.readable().await?;
    }
    client.shutdown().await?;
    while client.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
