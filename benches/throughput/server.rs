//! A plain hyper server over TLS, in a thread of its own, and an agent's files for it.

use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response, request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use standin::{Revocation, SslFiles};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What resolves to this machine on every machine.
pub(crate) const HOST: &str = "localhost";
pub(crate) const AGENT: &str = "agent.test";

/// As much as a node's answer.
const ANSWER: &[u8] = &[b'y'; 1024];

/// A server that runs, and how it is reached.
pub(crate) struct Site {
    pub(crate) port: u16,
    pub(crate) files: SslFiles,
    _dir: TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let ca = authority();
        let dir = tempfile::tempdir().unwrap();
        let files = files(&ca, &dir);
        let config = config(&ca);
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || serve(listener, config));
        Self {
            port,
            files,
            _dir: dir,
        }
    }
}

/// What Puppet's agent sends with every request.
pub(crate) fn with_headers(request: request::Builder) -> request::Builder {
    request
        .header(ACCEPT, HeaderValue::from_static("application/json"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(USER_AGENT, HeaderValue::from_static("agent/1.0"))
        .header("x-puppet-version", HeaderValue::from_static("8.10.0"))
}

fn serve(listener: std::net::TcpListener, config: ServerConfig) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let tls = acceptor.accept(tcp).await.unwrap();
                let serving = http1::Builder::new();
                // It ends when the client is done with it.
                let _ = serving
                    .serve_connection(TokioIo::new(tls), service_fn(answer))
                    .await;
            });
        }
    });
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A request that breaks off is its client's to tell of.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER))))
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params("Puppet CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn files(ca: &CertifiedIssuer<'static, KeyPair>, dir: &TempDir) -> SslFiles {
    let files = SslFiles {
        revocation: Revocation::Off,
        ..SslFiles::in_dir(dir.path(), AGENT)
    };
    let key = KeyPair::generate().unwrap();
    let certificate = params(AGENT).signed_by(&key, ca).unwrap();
    for (path, text) in [
        (&files.ca, ca.pem()),
        (&files.cert, certificate.pem()),
        (&files.key, key.serialize_pem()),
    ] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    files
}

fn config(ca: &CertifiedIssuer<'static, KeyPair>) -> ServerConfig {
    let mut params = params(HOST);
    params.subject_alt_names = vec![rcgen::SanType::DnsName(HOST.try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap()
}
