use super::*;
use crate::Account;
use standin_core::{InvalidServerList, Role, ServerFault};

fn parse(text: &str) -> Result<PuppetConf, SettingsError> {
    let defaults = Defaults {
        account: Account::Root,
        home: "/home/agent".into(),
        hostname: "Agent1.Example.com".into(),
    };
    PuppetConf::parse(text, Path::new("/c"), &defaults, &Overrides::new())
}

fn read(text: &str) -> PuppetConf {
    parse(text).unwrap()
}

fn refused(text: &str) -> SettingsError {
    parse(text).unwrap_err()
}

fn listed(conf: &PuppetConf) -> String {
    conf.server_list.as_ref().unwrap().to_string()
}

#[test]
fn without_text_everything_is_puppets_default() {
    let conf = read("");
    assert_eq!(conf.certname, "agent1.example.com");
    assert_eq!(conf.environment, "production");
    assert_eq!(conf.server_list, None);
    assert_eq!(conf.server.to_string(), "puppet:8140");
    assert_eq!(conf.ca_server, conf.server);
    assert_eq!(conf.report_server, conf.server);
    assert_eq!(conf.dirs.confdir, Path::new("/c"));
    assert_eq!(conf.dirs.ssldir, Path::new("/c/ssl"));
    assert_eq!(conf.dirs.vardir, Path::new("/opt/puppetlabs/puppet/cache"));
    assert_eq!(
        conf.dirs.statedir,
        Path::new("/opt/puppetlabs/puppet/cache/state")
    );
    assert_eq!(conf.ssl.ca, Path::new("/c/ssl/certs/ca.pem"));
    assert_eq!(
        conf.ssl.cert,
        Path::new("/c/ssl/certs/agent1.example.com.pem")
    );
    assert_eq!(
        conf.ssl.key,
        Path::new("/c/ssl/private_keys/agent1.example.com.pem")
    );
    assert_eq!(conf.ssl.crl, Path::new("/c/ssl/crl.pem"));
    assert_eq!(conf.revocation, Revocation::Chain);
    assert_eq!(conf.times.connect, Duration::from_secs(120));
    assert_eq!(conf.times.read, Duration::from_secs(600));
    assert_eq!(conf.times.keepalive, Duration::from_secs(4));
    assert_eq!(conf.times.runinterval, Duration::from_secs(1800));
    assert_eq!(conf.times.splaylimit, Duration::from_secs(1800));
}

/// Facts 5.1.
const IN_THE_WILD: &str = "\
[main]
certname    = agent1.example.com
server_list = primary.example.com:8140,replica.example.com:8140

[agent]
# profile::agent writes server_list HERE (joined with ',')
server_list          = primary.example.com:8140, replica.example.com
http_connect_timeout = 2m
http_read_timeout    = 10m
http_keepalive_timeout = 4s
runinterval          = 1800
usecacheonfailure    = true
certificate_revocation = leaf
";

#[test]
fn a_file_in_the_wild_is_read() {
    let conf = read(IN_THE_WILD);
    assert_eq!(
        listed(&conf),
        "primary.example.com:8140,replica.example.com:8140"
    );
    assert_eq!(
        conf.origin("server_list").unwrap().to_string(),
        "/c/puppet.conf:7"
    );
    assert_eq!(conf.revocation, Revocation::Leaf);
    assert_eq!(conf.times.splaylimit, Duration::from_secs(1800));
}

#[test]
fn a_port_left_out_of_the_list_is_serverport() {
    assert_eq!(
        listed(&read("serverport = 8141\nserver_list = a, b:1")),
        "a:8141,b:1"
    );
    assert_eq!(
        listed(&read("masterport = 8142\nserver_list = a")),
        "a:8142"
    );
}

#[test]
fn two_servers_are_a_master_and_its_replica_and_others_a_pool() {
    let roles = |text| {
        let list = read(text).server_list.unwrap();
        list.entries()
            .iter()
            .map(|entry| entry.role)
            .collect::<Vec<_>>()
    };
    assert_eq!(roles("server_list = a,b"), [Role::Master, Role::Replica]);
    assert_eq!(roles("server_list = a"), [Role::Pool]);
    assert_eq!(roles("server_list = a,b,c"), [Role::Pool; 3]);
}

#[test]
fn a_comma_at_the_end_of_the_list_does_not_count() {
    assert_eq!(listed(&read("server_list = a,b,")), "a:8140,b:8140");
}

#[test]
fn an_ipv6_address_in_the_list_needs_brackets() {
    assert_eq!(
        listed(&read("server_list = [2001:db8::1]:8141,[::2]")),
        "[2001:db8::1]:8141,[::2]:8140"
    );
    let error = refused("[main]\nserver_list = a,2001:db8::1");
    let SettingsFault::Server(cause) = error.fault() else {
        panic!("{error}");
    };
    assert_eq!(cause.fault(), ServerFault::BareIpv6);
    assert_eq!(
        error.to_string(),
        "/c/puppet.conf:2: server_list: the value names no server"
    );
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("write [ADDRESS]"), "{source}");
}

#[test]
fn an_empty_list_is_none() {
    for text in ["server_list =", "server_list = ,", "server_list = ''"] {
        let conf = read(&format!("{text}\nserver = a"));
        assert_eq!(conf.server_list, None, "{text}");
    }
}

#[test]
fn a_repeat_in_the_list_is_refused_however_it_is_written() {
    for text in [
        "a,b,a",
        "a, A.:8140",
        "b\u{fc}cher.test,xn--bcher-kva.test",
        "[::1],[0:0::1]:8140",
    ] {
        let error = refused(&format!("server_list = {text}"));
        assert!(
            matches!(
                error.fault(),
                SettingsFault::Servers(InvalidServerList::Repeated { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn every_form_of_a_host_is_one_form() {
    let text = "server_list = https://A.Example.com.:8140/, B\u{dc}cher.test, [2001:DB8::1]:8141";
    assert_eq!(
        listed(&read(text)),
        "a.example.com:8140,xn--bcher-kva.test:8140,[2001:db8::1]:8141"
    );
}

#[test]
fn a_port_out_of_range_is_refused_with_its_line() {
    for name in ["masterport", "serverport", "ca_port", "report_port"] {
        for value in ["0", "010", "65536", "x", ""] {
            let error = refused(&format!("\n{name} = {value}"));
            assert!(
                matches!(error.fault(), SettingsFault::Port { .. }),
                "{name} = {value}"
            );
            assert_eq!((error.line(), error.setting()), (Some(2), Some(name)));
        }
    }
    assert!(parse("server_list = a:65536").is_err());
}

#[test]
fn servers_of_their_own_stand_at_ports_of_their_own() {
    let conf =
        read("server = s\nserverport = 1\nca_server = c\nreport_server = r\nreport_port = 2");
    assert_eq!(conf.server.to_string(), "s:1");
    assert_eq!(conf.ca_server.to_string(), "c:1");
    assert_eq!(conf.report_server.to_string(), "r:2");
    assert!(conf.sets("ca_server"));
    assert!(!read("server = s").sets("ca_server"));
}

#[test]
fn a_bad_time_is_refused_with_its_line() {
    let error = refused("[agent]\nhttp_connect_timeout = 2 minutes");
    assert_eq!(
        error.to_string(),
        "/c/puppet.conf:2: http_connect_timeout: \"2 minutes\" is no time; \
         write a whole number and y, d, h, m or s, like 30m"
    );
}

#[test]
fn every_word_for_revocation_is_known() {
    let revocation = |word| read(&format!("certificate_revocation = {word}")).revocation;
    assert_eq!(revocation("chain"), Revocation::Chain);
    assert_eq!(revocation("true"), Revocation::Chain);
    assert_eq!(revocation("leaf"), Revocation::Leaf);
    assert_eq!(revocation("False"), Revocation::Off);
    assert!(parse("certificate_revocation = yes").is_err());
}

#[test]
fn a_certname_cannot_leave_the_directory_of_certificates() {
    for name in ["../../etc/passwd", "Agent1", "agent\u{e9}", ""] {
        let error = refused(&format!("certname = {name}"));
        assert!(
            matches!(error.fault(), SettingsFault::Certname { .. }),
            "{name}"
        );
    }
}

#[test]
fn paths_follow_the_directories_that_are_set() {
    let conf = read("confdir = /x\ncertname = b\nprivatekeydir = $ssldir/k\nhostcrl = ~/crl.pem");
    assert_eq!(conf.dirs.ssldir, Path::new("/x/ssl"));
    assert_eq!(conf.ssl.key, Path::new("/x/ssl/k/b.pem"));
    assert_eq!(conf.ssl.crl, Path::new("/home/agent/crl.pem"));
}

#[test]
fn an_empty_path_is_refused() {
    assert!(matches!(
        refused("ssldir =\nlocalcacert = $ssldir").fault(),
        SettingsFault::Empty
    ));
}

#[test]
fn the_origin_of_a_setting_that_is_not_read_is_unknown() {
    assert_eq!(read("noop = true").origin("noop"), None);
}

#[test]
fn srv_records_need_a_domain() {
    let domain = |text| match read(text).srv_records {
        SrvRecords::NotAsked => None,
        SrvRecords::Of { domain } => Some(domain),
    };
    assert_eq!(domain("srv_domain = d.test"), None);
    assert_eq!(domain("use_srv_records = true").unwrap(), "Example.com");
    assert_eq!(
        domain("use_srv_records = TRUE\nsrv_domain = d.test").unwrap(),
        "d.test"
    );
    let error = refused("use_srv_records = true\nsrv_domain =");
    assert!(matches!(error.fault(), SettingsFault::NoSrvDomain));
}

#[test]
fn a_run_without_a_catalog_uses_the_last_unless_it_may_not() {
    let of = |text| read(text).without_catalog;
    assert_eq!(of(""), WithoutCatalog::UsesTheLast);
    assert_eq!(of("usecacheonfailure = false"), WithoutCatalog::Fails);
    assert!(matches!(
        refused("usecacheonfailure = no").fault(),
        SettingsFault::Word { .. }
    ));
}

#[test]
fn a_run_is_bounded_unless_by_0() {
    let of = |text| read(text).times.runtimeout.map(|time| time.as_secs());
    assert_eq!(of(""), Some(3600));
    assert_eq!(of("runtimeout = 0"), None);
}

#[test]
fn more_authorities_and_a_pass_phrase_have_files() {
    let ssl = read("").ssl;
    assert_eq!(ssl.passphrase, Path::new("/c/ssl/private/password"));
    assert_eq!(ssl.trust_store, None);
    let ssl = read("ssl_trust_store = /t.pem\npassfile = /p").ssl;
    assert_eq!(ssl.trust_store.as_deref(), Some(Path::new("/t.pem")));
    assert_eq!(ssl.passphrase, Path::new("/p"));
}
