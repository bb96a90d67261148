//! A master and a replica that answer by a script, and an agent with files.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, path::Path};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use standin::{
    Body, Client, ClientBuilder, Error, Installation, Names, Revocation, Server, ServerList,
    Service, SslFiles, Tls,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

pub(crate) const MASTER: &str = "master.example.com";
pub(crate) const REPLICA: &str = "replica.example.com";
pub(crate) const NODE: &str = "/puppet/v3/node/agent.example.com";

pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(crate) fn new() -> Self {
        Self::named("Puppet CA")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn issue(&self, name: &str) -> (CertificateDer<'static>, String, KeyPair) {
        self.issue_until(name, 2120)
    }

    pub(crate) fn issue_until(
        &self,
        name: &str,
        year: i32,
    ) -> (CertificateDer<'static>, String, KeyPair) {
        let mut params = params(name);
        params.not_after = date_time_ymd(year, 1, 1);
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), certificate.pem(), key)
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with the name among the alternative ones.
    pub(crate) fn issue_for(&self, name: &str) -> (CertificateDer<'static>, String, KeyPair) {
        let mut params = params("anything");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), certificate.pem(), key)
    }

    /// The files of an agent, revocation off.
    pub(crate) fn agent(&self) -> (TempDir, SslFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = SslFiles {
            revocation: Revocation::Off,
            ..SslFiles::in_dir(dir.path(), "agent.example.com")
        };
        let (_, cert, key) = self.issue("agent.example.com");
        for (path, text) in [
            (&files.ca, self.0.pem()),
            (&files.cert, cert),
            (&files.key, key.serialize_pem()),
        ] {
            put(path, &text);
        }
        (dir, files)
    }
}

/// Writes a file so that a reader sees the old or the new one.
pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

/// What a server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Writes this and goes on.
    Says(String),
    /// Writes this and closes.
    Closes(String),
    /// Writes the first, and the second for as long as anybody reads.
    GoesOn(String, String),
    /// Nothing, until the test lets it.
    Holds(Arc<tokio::sync::Semaphore>),
}

pub(crate) fn ok(body: &str) -> Reply {
    Reply::Says(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

type Script = dyn Fn(&str) -> Reply + Send + Sync;

/// A server that answers by a script.
pub(crate) struct Scripted {
    pub(crate) server: Server,
    pub(crate) address: IpAddr,
    /// The head of each request, and its body.
    got: Arc<Mutex<Vec<String>>>,
    clients: Arc<Mutex<Vec<CertificateDer<'static>>>>,
    connections: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) async fn start(
        ca: &Ca,
        clients_of: &Ca,
        name: &str,
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::showing(ca.issue(name), clients_of, name, script).await
    }

    pub(crate) async fn showing(
        (certificate, _, key): (CertificateDer<'static>, String, KeyPair),
        clients_of: &Ca,
        name: &str,
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(clients_of.0.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(
                vec![certificate],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = Self {
            server: Server::new(name, port).unwrap(),
            address,
            got: Arc::default(),
            clients: Arc::default(),
            connections: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let script: Arc<Script> = Arc::new(script);
        let (got, seen) = (Arc::clone(&this.got), Arc::clone(&this.clients));
        let connections = Arc::clone(&this.connections);
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
                let (got, seen) = (Arc::clone(&got), Arc::clone(&seen));
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        let shown = tls.get_ref().1.peer_certificates().unwrap()[0].clone();
                        seen.lock().unwrap().push(shown.into_owned());
                        serve(tls, script.as_ref(), &got).await;
                    }
                });
            }
        });
        this
    }

    pub(crate) fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    /// The certificates that clients have shown, one for each connection.
    pub(crate) fn clients(&self) -> Vec<CertificateDer<'static>> {
        self.clients.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut tls: TlsStream<TcpStream>, script: &Script, got: &Mutex<Vec<String>>) {
    let mut read = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match tls.read_buf(&mut read).await {
                Ok(1..) => {}
                _ => return,
            }
        };
        let head = String::from_utf8(read[..head_end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().unwrap())
        });
        let is_chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        let mut end = head_end + length.unwrap_or(0);
        // The client sends nothing after the last chunk before it has an answer.
        while read.len() < end || is_chunked && !read[head_end..].ends_with(b"\r\n\r\n") {
            if !matches!(tls.read_buf(&mut read).await, Ok(1..)) {
                return;
            }
        }
        if is_chunked {
            end = read.len();
        }
        let request = String::from_utf8(read.drain(..end).collect()).unwrap();
        got.lock().unwrap().push(request.clone());
        match script(&request) {
            Reply::Says(text) => {
                if tls.write_all(text.as_bytes()).await.is_err() || tls.flush().await.is_err() {
                    return;
                }
            }
            Reply::Closes(text) => {
                let _ = tls.write_all(text.as_bytes()).await;
                let _ = tls.shutdown().await;
                return;
            }
            Reply::GoesOn(first, then) => {
                let mut next = first;
                while tls.write_all(next.as_bytes()).await.is_ok() && tls.flush().await.is_ok() {
                    next.clone_from(&then);
                }
                return;
            }
            Reply::Holds(until) => {
                until.acquire().await.unwrap().forget();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                if tls.write_all(answer).await.is_err() || tls.flush().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A master and a replica, and an agent of theirs.
pub(crate) struct Site {
    pub(crate) ca: Ca,
    pub(crate) master: Scripted,
    pub(crate) replica: Scripted,
    pub(crate) files: SslFiles,
    _dir: TempDir,
}

impl Site {
    pub(crate) async fn start(
        master: impl Fn(&str) -> Reply + Send + Sync + 'static,
        replica: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let ca = Ca::new();
        let master = Scripted::start(&ca, &ca, MASTER, master).await;
        let replica = Scripted::start(&ca, &ca, REPLICA, replica).await;
        Self::of(ca, master, replica)
    }

    pub(crate) fn of(ca: Ca, master: Scripted, replica: Scripted) -> Self {
        let (dir, files) = ca.agent();
        Self {
            ca,
            master,
            replica,
            files,
            _dir: dir,
        }
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let servers = [&self.master, &self.replica];
        let list = ServerList::new(servers.map(|of| of.server.clone())).unwrap();
        let installation = Installation::new().with(Service::PuppetServer, list);
        let names = servers.iter().fold(Names::new(), |names, of| {
            names.with(of.server.host(), of.address)
        });
        Client::builder(installation, Tls::from_files(&self.files).unwrap()).names(names)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) served: Option<standin::Served>,
}

pub(crate) async fn read(response: Response<standin::https::ResponseBody>) -> Answer {
    let (head, body) = response.into_parts();
    Answer {
        status: head.status,
        served: head.extensions.get().cloned(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

pub(crate) async fn ask(client: &Client, request: Request<Body>) -> Result<Answer, Error> {
    Ok(read(client.request(request).await?).await)
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}
