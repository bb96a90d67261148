//! A client that hides nothing: one connection, one request, and the failure as it came.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use rustls::{
    ALL_VERSIONS, CertificateError, ClientConfig, DigitallySignedStruct, HandshakeKind,
    RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use serde_json::Value;
use standin_lab::{Certificate, Host, Lab, Service};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Long enough for anything that is to happen at all.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Long enough to say that nothing happens: a loopback exchange takes a few milliseconds.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) async fn lab() -> Lab {
    Lab::builder().start().await.expect("a lab")
}

type Versions = &'static [&'static SupportedProtocolVersion];

/// A client with or without a certificate.
#[derive(Clone)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

/// Where a request failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Connect(io::Error),
    Tls(io::Error),
    Http(hyper::Error),
    Body(hyper::Error, Bytes),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) struct Connection {
    pub(crate) handshake: Option<HandshakeKind>,
    sender: SendRequest<Full<Bytes>>,
    name: String,
}

/// Whether the name in a server's certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Checked,
    Ignored,
}

impl Client {
    /// The agent.
    pub(crate) fn agent(lab: &Lab) -> Self {
        Self::agent_speaking(lab, ALL_VERSIONS)
    }

    /// The agent, with these versions of TLS.
    pub(crate) fn agent_speaking(lab: &Lab, versions: Versions) -> Self {
        let ssl = lab.ssl_dir();
        let certs =
            CertificateDer::pem_file_iter(ssl.join("certs/agent.test.pem")).expect("a file");
        let certs = certs.collect::<Result<Vec<_>, _>>().expect("PEM");
        let key =
            PrivateKeyDer::from_pem_file(ssl.join("private_keys/agent.test.pem")).expect("a key");
        Self::new(ssl, Some((certs, key)), Names::Ignored, versions)
    }

    pub(crate) fn with(lab: &Lab, certificate: &Certificate) -> Self {
        let certs = CertificateDer::pem_slice_iter(certificate.pem().as_bytes());
        let certs = certs.collect::<Result<Vec<_>, _>>().expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem().as_bytes()).expect("a key");
        Self::new(
            lab.ssl_dir(),
            Some((certs, key)),
            Names::Ignored,
            ALL_VERSIONS,
        )
    }

    pub(crate) fn anonymous(lab: &Lab, names: Names) -> Self {
        Self::new(lab.ssl_dir(), None, names, ALL_VERSIONS)
    }

    fn new(
        ssl: &Path,
        identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
        names: Names,
        versions: Versions,
    ) -> Self {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(ssl.join("certs/ca.pem")).expect("ca.pem") {
            roots.add(root.expect("PEM")).expect("a root");
        }
        let crls =
            CertificateRevocationListDer::pem_file_iter(ssl.join("crl.pem")).expect("crl.pem");
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .with_crls(crls.map(|crl| crl.expect("PEM")))
                .enforce_revocation_expiration()
                .build()
                .expect("a verifier");
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { chain, names }));
        let config = match identity {
            Some((certs, key)) => config
                .with_client_auth_cert(certs, key)
                .expect("an identity"),
            None => config.with_no_client_auth(),
        };
        Self {
            config: Arc::new(config),
        }
    }

    /// What a handshake begins with.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let name = ServerName::try_from("master.test").expect("a name");
        let tls = rustls::ClientConnection::new(Arc::clone(&self.config), name);
        let mut hello = Vec::new();
        tls.expect("a session")
            .write_tls(&mut hello)
            .expect("bytes");
        hello
    }

    /// A connection with TLS and no HTTP yet.
    pub(crate) async fn tls(
        &self,
        host: &Host,
        service: Service,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let tcp = TcpStream::connect(host.server(service))
            .await
            .map_err(Failure::Connect)?;
        let name = ServerName::try_from(host.name().to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(name, tcp).await.map_err(Failure::Tls)
    }

    pub(crate) async fn connect(
        &self,
        host: &Host,
        service: Service,
    ) -> Result<Connection, Failure> {
        let tls = self.tls(host, service).await?;
        let shaken = tls.get_ref().1.handshake_kind();
        let (sender, connection) = handshake(TokioIo::new(tls)).await.map_err(Failure::Http)?;
        tokio::spawn(connection);
        Ok(Connection {
            handshake: shaken,
            sender,
            name: host.name().to_owned(),
        })
    }

    pub(crate) async fn send(
        &self,
        host: &Host,
        service: Service,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        self.connect(host, service)
            .await?
            .send(method, path, body)
            .await
    }

    pub(crate) async fn get(
        &self,
        host: &Host,
        service: Service,
        path: &str,
    ) -> Result<Reply, Failure> {
        self.send(host, service, Method::GET, path, "").await
    }

    /// The text of `/status/v1/simple/NAME`, and whether it was 200.
    pub(crate) async fn simple(&self, host: &Host, service: Service, name: &str) -> (u16, String) {
        let path = format!("/status/v1/simple/{name}");
        let reply = self.get(host, service, &path).await.expect("a status");
        (reply.status.as_u16(), reply.text())
    }
}

impl Connection {
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.name)
            .header("x-puppet-version", "7.23.0")
            .header("accept", "application/json, application/octet-stream")
            .body(Full::new(body.into()))
            .expect("a request");
        self.raw(request).await
    }

    pub(crate) async fn raw(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let (head, mut body) = self
            .sender
            .send_request(request)
            .await
            .map_err(Failure::Http)?
            .into_parts();
        let mut seen = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => seen.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(error) => return Err(Failure::Body(error, seen.into())),
            }
        }
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: seen.into(),
        })
    }

    /// Waits until the other side has ended it.
    pub(crate) async fn closed(&mut self) {
        let closed = std::future::poll_fn(|cx| match self.sender.poll_ready(cx) {
            std::task::Poll::Ready(Err(_)) => std::task::Poll::Ready(()),
            _ if self.sender.is_closed() => std::task::Poll::Ready(()),
            _ => {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        });
        timeout(LONG, closed).await.expect("the connection to end");
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Failure {
    /// What the system said, wherever in the causes it is.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = match self {
            Self::Connect(error) | Self::Tls(error) => Some(error),
            Self::Http(error) | Self::Body(error, _) => Some(error),
        };
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                return Some(io.kind());
            }
            cause = error.source();
        }
        None
    }
}

/// `None` if `what` does not end soon.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> Option<T> {
    timeout(SHORT, what).await.ok()
}

/// Connects, however often it takes, as a client does whose SYNs were dropped.
pub(crate) async fn connects(address: SocketAddr) -> TcpStream {
    let trying = async {
        loop {
            if let Some(Ok(stream)) = soon(TcpStream::connect(address)).await {
                return stream;
            }
        }
    };
    timeout(LONG, trying).await.expect("a connection")
}

/// The chain is always checked; names, which rustls seeks in the SAN alone, only if asked for.
#[derive(Debug)]
struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
    names: Names,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self
            .chain
            .verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
        {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.names == Names::Ignored => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
