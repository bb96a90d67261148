//! TLS servers on this machine, for the agents of a test to dial.

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivatePkcs8KeyDer};
use standin_core::Server;
use standin_net::{ConnectError, Connector, Names, SslFiles, Stream, Tls};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::pki::{Leaf, Pki, certificate};
use super::ssldir;

pub(crate) const MASTER: &str = "master.example.com";
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Long enough for anything that is to succeed, on however busy a machine.
pub(crate) const AMPLE: Duration = Duration::from_secs(60);

/// An agent with its files.
pub(crate) struct Agent {
    pub(crate) pki: Pki,
    pub(crate) files: SslFiles,
    pub(crate) tls: Tls,
    pub(crate) connector: Connector,
    _dir: TempDir,
}

impl Agent {
    pub(crate) fn of(pki: Pki) -> Self {
        Self::with(pki, |_| {})
    }

    /// An agent whose files are changed before they are read.
    pub(crate) fn with(pki: Pki, change: impl FnOnce(&mut SslFiles)) -> Self {
        let own = pki.issue(&certificate("agent.example.com"));
        let (dir, mut files) = ssldir(&pki, &own);
        change(&mut files);
        let tls = Tls::from_files(&files).unwrap();
        let names = Names::new().with(MASTER, LOOPBACK);
        let connector = Connector::new(tls.clone(), names);
        Self {
            pki,
            files,
            tls,
            connector,
            _dir: dir,
        }
    }

    pub(crate) async fn dial(&self, server: &Serving) -> Result<Stream, ConnectError> {
        let master = Server::new(MASTER, server.port).unwrap();
        self.connector.connect(&master, AMPLE).await
    }
}

/// What a client has shown in its handshake.
type Seen = (CertificateDer<'static>, HandshakeKind);

/// A TLS server that takes connections until it is dropped.
pub(crate) struct Serving {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// One that shows `leaf` and `more`, and takes clients of `clients_of`.
    pub(crate) async fn start(
        leaf: &Leaf,
        more: Vec<CertificateDer<'static>>,
        clients_of: &Pki,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        Self::with_lists(leaf, more, clients_of, vec![], versions).await
    }

    /// The same, which looks clients up in these lists.
    pub(crate) async fn with_lists(
        leaf: &Leaf,
        more: Vec<CertificateDer<'static>>,
        clients_of: &Pki,
        lists: Vec<CertificateRevocationListDer<'static>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let config = config(leaf, more, clients_of, lists, versions);
        let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
        Self::on(listener, config)
    }

    /// The same server with another certificate.
    pub(crate) async fn showing(self, leaf: &Leaf, clients_of: &Pki) -> Self {
        let port = self.port;
        drop(self);
        let config = config(leaf, vec![], clients_of, vec![], rustls::ALL_VERSIONS);
        // The port is free once the task of the one before is gone.
        let listener = loop {
            match TcpListener::bind((LOOPBACK, port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        Self::on(listener, config)
    }

    fn on(listener: TcpListener, config: ServerConfig) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = Arc::clone(&seen);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, all) = (acceptor.clone(), Arc::clone(&all));
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let session = tls.get_ref().1;
                    let shown = session.peer_certificates().unwrap()[0].clone();
                    let kind = session.handshake_kind().unwrap();
                    all.lock().unwrap().push((shown.into_owned(), kind));
                    // Until the client goes.
                    let _ = tls.read_u8().await;
                });
            }
        });
        Self { port, seen, task }
    }

    /// A master that is right in everything, for the agents of `pki`.
    pub(crate) async fn master(pki: &Pki) -> Self {
        let leaf = pki.issue(&certificate(MASTER));
        Self::start(&leaf, vec![], pki, rustls::ALL_VERSIONS).await
    }

    /// What the client whose handshake ended last has shown, once there are so many.
    pub(crate) async fn shown(&self, number: usize) -> CertificateDer<'static> {
        loop {
            {
                let seen = self.seen.lock().unwrap();
                if seen.len() >= number {
                    return seen[number - 1].0.clone();
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether this handshake resumed a session.
    pub(crate) fn was_resumed(&self, number: usize) -> bool {
        self.seen.lock().unwrap()[number - 1].1 == HandshakeKind::Resumed
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn config(
    leaf: &Leaf,
    more: Vec<CertificateDer<'static>>,
    clients_of: &Pki,
    lists: Vec<CertificateRevocationListDer<'static>>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(clients_of.ca());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .with_crls(lists);
    let mut chain = vec![leaf.der.clone()];
    chain.extend(more);
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            chain,
            PrivatePkcs8KeyDer::from(leaf.key.serialize_der()).into(),
        )
        .unwrap()
}
