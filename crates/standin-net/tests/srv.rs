//! Lists from SRV records of a real DNS server on this machine.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::proto::rr::rdata::{SOA, SRV};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use standin_core::{Installation, Role, ServerList, Service};
use standin_net::Resolver;
use standin_net::resolvers::{Fixed, InvalidSrv, Srv, SrvOptions};
use tokio::net::UdpSocket;

const DOMAIN: &str = "example.com";

/// A record of `_NAME._tcp.example.com`.
#[derive(Clone, Copy)]
struct At {
    name: &'static str,
    ttl: u32,
    priority: u16,
    host: &'static str,
}

const fn puppet(host: &'static str, priority: u16) -> At {
    At {
        name: "x-puppet",
        ttl: 5,
        priority,
        host,
    }
}

/// A name server that has the zone `example.com` with these records.
struct NameServer {
    address: SocketAddr,
    server: Server<Catalog>,
}

impl NameServer {
    async fn start(records: &[At]) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), records).await
    }

    async fn start_at(address: SocketAddr, records: &[At]) -> Self {
        let origin = Name::from_ascii("example.com.").unwrap();
        let mut zone =
            InMemoryZoneHandler::<hickory_server::net::runtime::TokioRuntimeProvider>::empty(
                origin.clone(),
                ZoneType::Primary,
                AxfrPolicy::Deny,
            );
        let soa = SOA::new(origin.clone(), origin.clone(), 1, 60, 60, 60, 60);
        zone.upsert_mut(Record::from_rdata(origin.clone(), 60, RData::SOA(soa)), 0);
        for record in records {
            let name = Name::from_ascii(format!("_{}._tcp.{DOMAIN}.", record.name)).unwrap();
            let target = Name::from_ascii(record.host).unwrap();
            let srv = SRV::new(record.priority, 10, 8140, target);
            let record = Record::from_rdata(name, record.ttl, RData::SRV(srv));
            assert!(zone.upsert_mut(record, 0));
        }
        let mut catalog = Catalog::new();
        let zone: Arc<dyn ZoneHandler> = Arc::new(zone);
        catalog.upsert(origin.into(), vec![zone]);
        let socket = UdpSocket::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut server = Server::new(catalog);
        server.register_socket(socket);
        Self { address, server }
    }

    /// Ends it, and gives its address to another.
    async fn stop(mut self) -> SocketAddr {
        self.server.shutdown_gracefully().await.unwrap();
        self.address
    }
}

fn base() -> Installation {
    Installation::of_hosts("master.example.com", Some("replica.example.com")).unwrap()
}

async fn srv(name_server: SocketAddr) -> Srv {
    let options = SrvOptions {
        domain: DOMAIN.to_owned(),
        agent: "agent.example.com".to_owned(),
        name_server: Some(name_server),
    };
    Srv::start(Fixed::new(base()), &options).await.unwrap()
}

fn list(resolver: &Srv, service: Service) -> String {
    resolver.watch().borrow().list(service).unwrap().to_string()
}

fn servers(resolver: &Srv) -> String {
    list(resolver, Service::PuppetServer)
}

#[tokio::test(start_paused = true)]
async fn servers_come_by_priority_and_other_services_keep_their_lists() {
    let records = [
        puppet("b.example.com.", 20),
        puppet("a.example.com.", 10),
        At {
            name: "x-puppet-ca",
            ..puppet("ca.example.com.", 0)
        },
    ];
    let name_server = NameServer::start(&records).await;
    let srv = srv(name_server.address).await;
    assert_eq!(servers(&srv), "a.example.com:8140,b.example.com:8140");
    assert_eq!(
        list(&srv, Service::CertificateAuthority),
        "ca.example.com:8140"
    );
    let query = base().list(Service::PuppetDb).unwrap().to_string();
    assert_eq!(list(&srv, Service::PuppetDb), query);
}

#[tokio::test(start_paused = true)]
async fn the_certificate_authority_is_among_the_servers_unless_it_has_records() {
    let name_server = NameServer::start(&[puppet("a.example.com.", 0)]).await;
    let srv = srv(name_server.address).await;
    assert_eq!(
        list(&srv, Service::CertificateAuthority),
        "a.example.com:8140"
    );
}

#[tokio::test(start_paused = true)]
async fn hosts_that_are_known_keep_their_roles_and_others_are_compile_masters() {
    let records = [
        puppet("replica.example.com.", 1),
        puppet("c.example.com.", 2),
    ];
    let name_server = NameServer::start(&records).await;
    let srv = srv(name_server.address).await;
    let watch = srv.watch();
    let lists: ServerList = watch.borrow().list(Service::PuppetServer).unwrap().clone();
    let roles: Vec<Role> = lists.entries().iter().map(|entry| entry.role).collect();
    assert_eq!(roles, [Role::Replica, Role::Pool]);
}

#[tokio::test(start_paused = true)]
async fn records_are_asked_for_again_after_a_minute_however_short_their_ttl() {
    let name_server = NameServer::start(&[puppet("a.example.com.", 0)]).await;
    let srv = srv(name_server.address).await;
    let mut watch = srv.watch();
    watch.mark_unchanged();
    let address = name_server.stop().await;
    let _changed = NameServer::start_at(address, &[puppet("b.example.com.", 0)]).await;
    let begun = tokio::time::Instant::now();
    watch.changed().await.unwrap();
    assert_eq!(servers(&srv), "b.example.com:8140");
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(58) && took < Duration::from_secs(62),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn records_are_not_asked_for_before_they_are_over() {
    let long = At {
        ttl: 600,
        ..puppet("a.example.com.", 0)
    };
    let name_server = NameServer::start(&[long]).await;
    let srv = srv(name_server.address).await;
    let mut watch = srv.watch();
    watch.mark_unchanged();
    let address = name_server.stop().await;
    let _changed = NameServer::start_at(address, &[puppet("b.example.com.", 0)]).await;
    let begun = tokio::time::Instant::now();
    watch.changed().await.unwrap();
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(598) && took < Duration::from_secs(602),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_lists_stay_while_the_name_server_is_away_or_has_forgotten_them() {
    let name_server = NameServer::start(&[puppet("a.example.com.", 0)]).await;
    let srv = srv(name_server.address).await;
    let mut watch = srv.watch();
    watch.mark_unchanged();
    let address = name_server.stop().await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(servers(&srv), "a.example.com:8140");
    let name_server = NameServer::start_at(address, &[]).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(servers(&srv), "a.example.com:8140");
    name_server.stop().await;
    let _back = NameServer::start_at(address, &[puppet("b.example.com.", 0)]).await;
    watch.changed().await.unwrap();
    assert_eq!(servers(&srv), "b.example.com:8140");
}

#[tokio::test(start_paused = true)]
async fn the_base_stands_in_while_there_are_no_records() {
    let name_server = NameServer::start(&[puppet(".", 0)]).await;
    let srv = srv(name_server.address).await;
    let expected = base().list(Service::PuppetServer).unwrap().to_string();
    assert_eq!(servers(&srv), expected);
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_is_silent_is_waited_for_five_seconds() {
    let silent = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    let srv = srv(silent.local_addr().unwrap()).await;
    assert!(
        begun.elapsed() <= Duration::from_millis(5010),
        "{:?}",
        begun.elapsed()
    );
    let expected = base().list(Service::PuppetServer).unwrap().to_string();
    assert_eq!(servers(&srv), expected);
}

/// A base that the test changes.
#[derive(Debug)]
struct Changing(tokio::sync::watch::Receiver<Installation>);

impl Resolver for Changing {
    fn watch(&self) -> tokio::sync::watch::Receiver<Installation> {
        self.0.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_base_is_shown_at_once_and_the_records_stay() {
    let name_server = NameServer::start(&[puppet("a.example.com.", 0)]).await;
    let (change, lists) = tokio::sync::watch::channel(base());
    let options = SrvOptions {
        domain: DOMAIN.to_owned(),
        agent: String::new(),
        name_server: Some(name_server.address),
    };
    let srv = Srv::start(Changing(lists), &options).await.unwrap();
    let mut watch = srv.watch();
    watch.mark_unchanged();
    let begun = tokio::time::Instant::now();
    change.send_replace(Installation::of_hosts("other.example.com", None).unwrap());
    watch.changed().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(list(&srv, Service::PuppetDb), "other.example.com:8081");
    assert_eq!(servers(&srv), "a.example.com:8140");
}

#[tokio::test]
async fn a_domain_that_is_none_is_told() {
    let options = SrvOptions {
        domain: "a..b".to_owned(),
        agent: String::new(),
        name_server: None,
    };
    let error = Srv::start(Fixed::new(base()), &options).await.unwrap_err();
    assert!(matches!(error, InvalidSrv::Domain { .. }), "{error:?}");
    assert!(error.to_string().contains("srv_domain \"a..b\""), "{error}");
}
