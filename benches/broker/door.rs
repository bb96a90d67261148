//! A process that stands before the master's broker, and so can be killed or stop itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::PART;
use crate::site::Site;

/// Such a process, seen from outside.
pub(crate) struct Door {
    pub(crate) address: IpAddr,
    process: Child,
}

impl Door {
    /// Starts it, at the port of brokers and an address that `name` chooses.
    pub(crate) async fn open(site: &Site, name: &str) -> Self {
        let digits = standin_core::jitter::seed_of(name).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 200, digits[0], digits[1] | 1));
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(PART, "door")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let broker = site.lab.master().broker().server();
        let order = format!("{} {broker}\n", SocketAddr::new(address, broker.port()));
        let stdin = process.stdin.as_mut().unwrap();
        stdin.write_all(order.as_bytes()).await.unwrap();
        let mut door = Self { address, process };
        door.says("open").await;
        door
    }

    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// It stops itself: nobody handles what its kernel still acknowledges.
    pub(crate) async fn freeze(&mut self) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(b"freeze\n").await.unwrap();
        while !self.is_frozen() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        let id = self.process.id().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let state = stat.rsplit(')').next().unwrap_or_default();
        state.trim_start().starts_with('T')
    }

    async fn says(&mut self, word: &str) {
        let stdout = self.process.stdout.as_mut().unwrap();
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await.unwrap();
        assert_eq!(line.trim(), word);
    }
}

/// The process itself: told where to listen and whom to pass connections on to, then when to stop.
pub(crate) async fn be() {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let first = orders.next_line().await.unwrap().unwrap();
    let (listen, broker) = first.split_once(' ').unwrap();
    let listener = TcpListener::bind(listen).await.unwrap();
    let broker: SocketAddr = broker.parse().unwrap();
    println!("open");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut behind = TcpStream::connect(broker).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    while let Ok(Some(order)) = orders.next_line().await {
        assert_eq!(order, "freeze");
        let id = std::process::id().to_string();
        let _ = Command::new("kill").args(["-STOP", &id]).status().await;
    }
}
