//! A master and a replica that stop on cue, and an agent's clients.

use std::sync::Arc;

use http::Request;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ED25519,
    date_time_ymd,
};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use standin::{Body, Client, ClientBuilder, Installation, Names, ServerList, Service, Tls};

use crate::server::{Script, Scripted};

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";

/// A request of each kind; all may go to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Read,
    /// A write that may be repeated.
    Report,
    /// A write that may not.
    Harmful,
}

impl Errand {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Report, Self::Harmful];

    pub(crate) fn request(self) -> Request<Body> {
        let (method, path, body) = match self {
            Self::Read => ("GET", "/puppet/v3/node/agent.test", Body::empty()),
            Self::Report => ("PUT", "/puppet/v3/report/agent.test", "{\"a\":1}".into()),
            Self::Harmful => ("POST", "/puppet/v3/unknown", "once".into()),
        };
        let request = Request::builder().method(method).uri(path);
        request.body(body).unwrap()
    }
}

pub(crate) struct Site {
    pub(crate) master: Scripted,
    pub(crate) replica: Scripted,
    tls: Tls,
}

/// Whether clients resume the sessions of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// A handshake is short.
    Resumed,
    /// Every handshake is a full one and has as many bytes as any other: signatures are Ed25519's, which
    /// are all of one size, and no tickets are sent.
    Full,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::speaking(&rustls::version::TLS13, Sessions::Resumed).await
    }

    pub(crate) async fn speaking(
        version: &'static SupportedProtocolVersion,
        sessions: Sessions,
    ) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, key()).unwrap();
        let server = |name| server_config(&ca, name, version, sessions);
        Self {
            master: Scripted::start(MASTER, server(MASTER)).await,
            replica: Scripted::start(REPLICA, server(REPLICA)).await,
            tls: Tls::from_config(client_config(&ca, version, sessions)),
        }
    }

    /// Begins a scenario in which the master plays this on each connection; the replica is well.
    pub(crate) fn plays(&self, master: impl Fn(usize) -> Script + Send + Sync + 'static) {
        self.master.plays(master);
        self.replica.plays(|_| Script::WELL);
    }

    /// A client that knows nothing yet.
    pub(crate) fn client(&self) -> Client {
        self.builder(&[&self.master, &self.replica])
            .build()
            .unwrap()
    }

    pub(crate) fn builder(&self, servers: &[&Scripted]) -> ClientBuilder {
        let list = ServerList::new(servers.iter().map(|of| of.server.clone())).unwrap();
        let installation = Installation::new().with(Service::PuppetServer, list);
        let names = servers.iter().fold(Names::new(), |names, of| {
            names.with(of.server.host(), of.address)
        });
        Client::builder(installation, self.tls.clone()).names(names)
    }
}

type Ca = CertifiedIssuer<'static, KeyPair>;
type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).unwrap()
}

fn issue(ca: &Ca, name: &str) -> Pair {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    let key = key();
    let certificate = params.signed_by(&key, ca).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (vec![certificate.der().clone()], key.into())
}

fn roots(ca: &Ca) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    roots.into()
}

fn server_config(
    ca: &Ca,
    name: &str,
    version: &'static SupportedProtocolVersion,
    sessions: Sessions,
) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots(ca), provider.clone());
    let (chain, key) = issue(ca, name);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    if sessions == Sessions::Full {
        config.send_tls13_tickets = 0;
    }
    Arc::new(config)
}

fn client_config(
    ca: &Ca,
    version: &'static SupportedProtocolVersion,
    sessions: Sessions,
) -> Arc<ClientConfig> {
    let (chain, key) = issue(ca, "agent.test");
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(ca))
        .with_client_auth_cert(chain, key)
        .unwrap();
    if sessions == Sessions::Full {
        config.resumption = Resumption::disabled();
    }
    Arc::new(config)
}
