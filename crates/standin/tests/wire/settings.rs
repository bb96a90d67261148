//! Clients that follow Puppet's settings.

use std::fs;
use std::path::Path;
use std::time::Duration;

use standin::config::{Account, Defaults, Overrides, Settings, Sources};
use standin::resolvers::{Fixed, Resolver, SettingsFiles};
use standin::trust::Trouble;
use standin::{Client, Installation, Names, Role, Server, ServerList, Service};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::site::{Ca, MASTER, NODE, Scripted, Site, ask, get, ok, put};

fn sources(confdir: &Path) -> Sources {
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: "agent.example.com".into(),
    };
    Sources::new(confdir, defaults)
}

fn confdir(puppet_conf: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(&dir.path().join("puppet.conf"), puppet_conf);
    dir
}

fn list_of(lists: &watch::Receiver<Installation>, service: Service) -> String {
    lists.borrow().list(service).unwrap().to_string()
}

/// Until lists are shown for which this holds. The files are looked at every five seconds.
async fn until(lists: &mut watch::Receiver<Installation>, shown: impl Fn(&Installation) -> bool) {
    let waiting = lists.wait_for(shown);
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect("the change is not shown").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_changed_server_list_is_taken_up() {
    let dir = confdir("[main]\nserver_list = a.example.com\n");
    let files = SettingsFiles::start(sources(dir.path())).unwrap();
    let mut lists = files.watch();
    assert_eq!(list_of(&lists, Service::PuppetServer), "a.example.com:8140");
    put(
        &dir.path().join("puppet.conf"),
        "[main]\nserver_list = b.example.com,a.example.com\n",
    );
    until(&mut lists, |lists| {
        let list = lists.list(Service::PuppetServer).unwrap();
        list.to_string() == "b.example.com:8140,a.example.com:8140"
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_enabled_is_taken_up() {
    let dir = confdir("[main]\nserver_list = m.example.com,r.example.com\n");
    let parameters = dir.path().join("pe.yaml");
    let enabled = |hosts: &str| format!("puppet_enterprise::ha_enabled_replicas: [{hosts}]\n");
    put(&parameters, &enabled(""));
    let sources = sources(dir.path()).with_parameters(&parameters);
    let files = SettingsFiles::start(sources).unwrap();
    let mut lists = files.watch();
    let is_replica = |lists: &Installation| {
        let entries = lists.list(Service::PuppetServer).unwrap().entries();
        let mut entries = entries.iter();
        entries.any(|entry| entry.server.host() == "r.example.com" && entry.role == Role::Replica)
    };
    assert!(!is_replica(&lists.borrow()));
    put(&parameters, &enabled("r.example.com"));
    until(&mut lists, is_replica).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_made_later_is_taken_up() {
    let dir = confdir("[main]\nserver = m.example.com\n");
    let files = SettingsFiles::start(sources(dir.path())).unwrap();
    let mut lists = files.watch();
    put(
        &dir.path().join("puppetdb.conf"),
        "[main]\nserver_urls = https://db.example.com:8081\n",
    );
    until(&mut lists, |lists| {
        let list = lists.list(Service::PuppetDb).unwrap();
        list.to_string() == "db.example.com:8081"
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_used_leave_the_lists_as_they_are() {
    let dir = confdir("[main]\nserver_list = a.example.com\n");
    let files = SettingsFiles::start(sources(dir.path())).unwrap();
    let mut lists = files.watch();
    put(
        &dir.path().join("puppet.conf"),
        "[main]\nserver_list = a b c\n",
    );
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(list_of(&lists, Service::PuppetServer), "a.example.com:8140");
    put(
        &dir.path().join("puppet.conf"),
        "[main]\nserver_list = c.example.com\n",
    );
    until(&mut lists, |lists| {
        let list = lists.list(Service::PuppetServer).unwrap();
        list.to_string() == "c.example.com:8140"
    })
    .await;
}

#[tokio::test]
async fn settings_that_cannot_be_used_at_first_are_an_error() {
    let dir = confdir("[main]\nserver_list = a b c\n");
    assert!(SettingsFiles::start(sources(dir.path())).is_err());
}

/// A resolver in the hands of the test.
#[derive(Debug)]
struct Shown(watch::Receiver<Installation>);

impl Resolver for Shown {
    fn watch(&self) -> watch::Receiver<Installation> {
        self.0.clone()
    }
}

#[tokio::test]
async fn a_client_goes_where_its_resolver_says() {
    let site = Site::start(|_| ok("master"), |_| ok("replica")).await;
    let only = |server: &Server| {
        let list = ServerList::new([server.clone()]).unwrap();
        Installation::new().with(Service::PuppetServer, list)
    };
    let (change, lists) = watch::channel(only(&site.master.server));
    let client = site.builder().resolver(Shown(lists)).build().unwrap();
    assert_eq!(ask(&client, get(NODE)).await.unwrap().body, "master");
    change.send_replace(only(&site.replica.server));
    let moved = async {
        while ask(&client, get(NODE)).await.unwrap().body != "replica" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), moved)
        .await
        .unwrap();
    drop(client);
    // The resolver goes with the last client.
    tokio::time::timeout(Duration::from_secs(60), change.closed())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_of_fixed_lists_needs_no_installation_of_its_own() {
    let site = Site::start(|_| ok("master"), |_| ok("replica")).await;
    let list = ServerList::new([site.replica.server.clone()]).unwrap();
    let fixed = Fixed::new(Installation::new().with(Service::PuppetServer, list));
    let client = site.builder().resolver(fixed).build().unwrap();
    assert_eq!(ask(&client, get(NODE)).await.unwrap().body, "replica");
}

#[test]
fn outside_a_runtime_a_resolver_is_refused() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let site = runtime.block_on(Site::start(|_| ok(""), |_| ok("")));
    let builder = site.builder().resolver(Fixed::new(Installation::new()));
    assert_eq!(
        builder.build().unwrap_err().kind(),
        standin::ErrorKind::Local
    );
}

/// Settings of an agent of the site's, whose names are not known to the system.
fn settings_of(site: &Site, more: &str, overrides: Overrides) -> (TempDir, Settings) {
    let dir = confdir(&format!(
        "[main]\ncertname = agent.example.com\nssldir = {}\ncertificate_revocation = false\n\
         server_list = {}\n{more}\n",
        site.files.ca.parent().unwrap().parent().unwrap().display(),
        site.master.server,
    ));
    let sources = sources(dir.path()).with_overrides(overrides);
    let settings = Settings::read(&sources).unwrap();
    (dir, settings)
}

#[tokio::test]
async fn a_trust_store_counts_for_servers_outside_the_installation_only() {
    let (site, other) = (
        Site::start(|_| ok(""), |_| ok("")).await,
        Ca::named("Public CA"),
    );
    let named = other.issue_for("www.example.net");
    let outside = Scripted::showing(named, &site.ca, "www.example.net", |_| ok("outside")).await;
    let inside = other.issue_for(MASTER);
    let master = Scripted::showing(inside, &site.ca, MASTER, |_| ok("inside")).await;
    let site = Site::of(site.ca, master, site.replica);
    let store = site.files.ca.with_file_name("store.pem");
    fs::write(&store, other.pem()).unwrap();
    let more = format!("ssl_trust_store = {}", store.display());
    let (_dir, settings) = settings_of(&site, &more, Overrides::new());
    let names = Names::new()
        .with("www.example.net", outside.address)
        .with(MASTER, site.master.address);
    let client = Client::from_settings(&settings)
        .unwrap()
        .names(names)
        .build()
        .unwrap();
    let uri = format!("https://{}/anything", outside.server.authority());
    assert_eq!(ask(&client, get(&uri)).await.unwrap().body, "outside");
    let error = ask(&client, get(NODE)).await.err().unwrap();
    let failure = error.common_distrust().expect("the master is trusted");
    assert_eq!(failure.trouble(), Trouble::UnknownIssuer);
}

/// A proxy that leads to this machine whatever it is asked for.
async fn relay() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    client.read_buf(&mut head).await.unwrap();
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap();
                assert!(
                    head.contains("Proxy-Authorization: Basic dTpw\r\n"),
                    "{head}"
                );
                let port: u16 = target.rsplit_once(':').unwrap().1.parse().unwrap();
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn the_proxy_of_the_settings_and_of_the_environment_is_used() {
    let site = Site::start(|_| ok("through"), |_| ok("")).await;
    let port = relay().await;
    let of_settings = format!(
        "http_proxy_host = 127.0.0.1\nhttp_proxy_port = {port}\nhttp_proxy_user = u\n\
         http_proxy_password = p"
    );
    let environment = Overrides::new().with_environment(|name| {
        (name == "http_proxy").then(|| format!("http://u:p@127.0.0.1:{port}"))
    });
    for (more, overrides) in [(of_settings.as_str(), Overrides::new()), ("", environment)] {
        // No address of the master is known here, only to the proxy.
        let (_dir, settings) = settings_of(&site, more, overrides);
        let client = Client::from_settings(&settings).unwrap().build().unwrap();
        assert_eq!(ask(&client, get(NODE)).await.unwrap().body, "through");
    }
}

#[tokio::test]
async fn who_is_left_out_of_the_proxy_is_reached_directly() {
    let site = Site::start(|_| ok("directly"), |_| ok("")).await;
    let more = "http_proxy_host = 127.0.0.1\nhttp_proxy_port = 1\nno_proxy = example.com";
    let (_dir, settings) = settings_of(&site, more, Overrides::new());
    let names = Names::new().with(MASTER, site.master.address);
    let client = Client::from_settings(&settings)
        .unwrap()
        .names(names)
        .build()
        .unwrap();
    assert_eq!(ask(&client, get(NODE)).await.unwrap().body, "directly");
}

#[cfg(feature = "srv")]
#[test]
fn srv_records_are_asked_for_when_the_settings_say_so() {
    use standin::resolvers::srv_options;
    let read = |text: &str| {
        let dir = confdir(text);
        srv_options(&Settings::read(&sources(dir.path())).unwrap())
    };
    assert_eq!(read("[main]\nsrv_domain = example.net\n"), None);
    let options = read("[main]\nuse_srv_records = true\nsrv_domain = example.net\n").unwrap();
    assert_eq!(
        (options.domain.as_str(), options.agent.as_str()),
        ("example.net", "agent.example.com")
    );
}
