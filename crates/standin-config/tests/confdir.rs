//! Whole directories of settings, as installations have them.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use standin_config::{
    Account, Defaults, Note, Overrides, Place, Settings, SettingsError, SettingsFault, Sources,
};
use standin_core::{Installation, Service};
use tempfile::TempDir;

const PUPPET_CONF: &str = "\
[main]
certname = agent1.example.com
[agent]
server_list = primary.example.com:8140, replica.example.com:8140
";
const PUPPETDB_CONF: &str = "\
[main]
server_urls = https://primary.example.com:8081,https://replica.example.com:8081
";
const CLASSIFIER_YAML: &str = "\
---
- server: primary.example.com
  port: 4433
  prefix: /classifier-api
- server: replica.example.com
  port: 4433
  prefix: /classifier-api
";
const PXP_AGENT_CONF: &str = r#"{
  "broker-ws-uris": ["wss://primary.example.com:8142/pcp2/", "wss://replica.example.com:8142/pcp2/"]
}
"#;

/// A directory as the packages lay it out: `puppet` and `pxp-agent` side by side.
struct Etc(TempDir);

impl Etc {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("puppet")).unwrap();
        fs::create_dir(dir.path().join("pxp-agent")).unwrap();
        Self(dir)
    }

    fn of_a_pair() -> Self {
        Self::new()
            .with("puppet/puppet.conf", PUPPET_CONF)
            .with("puppet/puppetdb.conf", PUPPETDB_CONF)
            .with("puppet/classifier.yaml", CLASSIFIER_YAML)
            .with("pxp-agent/pxp-agent.conf", PXP_AGENT_CONF)
    }

    fn with(self, path: &str, text: &str) -> Self {
        fs::write(self.path(path), text).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn sources(&self) -> Sources {
        Sources::new(self.path("puppet"), defaults())
    }

    fn read(&self) -> Result<Settings, SettingsError> {
        Settings::read(&self.sources())
    }
}

fn defaults() -> Defaults {
    Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: "localhost".into(),
    }
}

fn brokers(settings: &Settings) -> String {
    let installation = settings.installation().unwrap();
    installation.list(Service::PcpBroker).unwrap().to_string()
}

#[test]
fn the_files_of_a_pair_build_its_installation() {
    let etc = Etc::of_a_pair();
    let settings = etc.read().unwrap();
    let pair = Installation::of_hosts("primary.example.com", Some("replica.example.com")).unwrap();
    assert_eq!(settings.installation().unwrap(), pair);
    assert_eq!(settings.puppet_conf, Some(etc.path("puppet/puppet.conf")));
    let key = etc.path("puppet/ssl/private_keys/agent1.example.com.pem");
    assert_eq!(settings.puppet.ssl.key, key);
}

#[test]
fn a_directory_without_files_is_puppets_defaults_and_says_so() {
    let etc = Etc::new();
    let settings = etc.read().unwrap();
    assert_eq!(settings.puppet.certname, "localhost");
    assert_eq!(settings.puppet.server.to_string(), "puppet:8140");
    assert!(settings.puppetdb.is_none() && settings.classifier.is_none());
    let path = etc.path("puppet/puppet.conf");
    assert_eq!(settings.notes(), [Note::NoPuppetConf { path }]);
}

#[test]
fn a_directory_that_is_not_there_is_refused() {
    let error = Settings::read(&Sources::new("/nowhere/puppet", defaults())).unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::NoConfDir));
    assert_eq!(error.path(), Some(Path::new("/nowhere/puppet")));
    let etc = Etc::of_a_pair();
    let file = Sources::new(etc.path("puppet/puppet.conf"), defaults());
    let error = Settings::read(&file).unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::NoConfDir));
}

#[test]
fn overrides_beat_the_file() {
    let overrides = Overrides::from_iter([
        ("--server_list", "only.example.com"),
        ("--certname", "other"),
        ("--ssldir", "/srv/ssl"),
    ]);
    let etc = Etc::of_a_pair();
    let settings = Settings::read(&etc.sources().with_overrides(overrides)).unwrap();
    let list = settings.puppet.server_list.as_ref().unwrap();
    assert_eq!(list.to_string(), "only.example.com:8140");
    assert_eq!(
        settings.puppet.ssl.cert,
        Path::new("/srv/ssl/certs/other.pem")
    );
}

#[test]
fn an_override_of_confdir_says_which_files_are_read() {
    let etc = Etc::of_a_pair();
    let confdir = etc.path("puppet");
    let overrides = Overrides::new().with("confdir", confdir.to_str().unwrap());
    let sources = Sources::new("/nowhere", defaults()).with_overrides(overrides);
    let settings = Settings::read(&sources).unwrap();
    assert_eq!(settings.puppet.dirs.confdir, confdir);
    assert!(settings.puppetdb.is_some() && settings.pxp_agent.is_some());
}

#[test]
fn a_confdir_in_the_file_says_where_the_others_are() {
    let etc = Etc::new().with("pxp-agent/puppetdb.conf", PUPPETDB_CONF);
    let elsewhere = format!("confdir = {}\n", etc.path("pxp-agent").display());
    let etc = etc.with("puppet/puppet.conf", &elsewhere);
    assert!(etc.read().unwrap().puppetdb.is_some());
}

#[test]
fn pxp_agent_conf_in_the_confdir_comes_before_the_one_beside_it() {
    let own = r#"{"broker-ws-uri": "wss://own.example.com/pcp2/"}"#;
    let etc = Etc::of_a_pair().with("puppet/pxp-agent.conf", own);
    assert_eq!(brokers(&etc.read().unwrap()), "own.example.com:8142");
}

#[test]
fn nothing_is_looked_for_beside_a_directory_of_another_name() {
    let etc = Etc::of_a_pair();
    fs::rename(etc.path("puppet"), etc.path("conf")).unwrap();
    let settings = Settings::read(&Sources::new(etc.path("conf"), defaults())).unwrap();
    assert!(settings.pxp_agent.is_none());
}

#[test]
fn a_pxp_agent_conf_that_is_named_has_to_exist() {
    let etc = Etc::of_a_pair();
    let own = r#"{"broker-ws-uri": "wss://own.example.com/pcp2/"}"#;
    let etc = etc.with("own.conf", own);
    let named = etc.sources().with_pxp_agent(etc.path("own.conf"));
    assert_eq!(
        brokers(&Settings::read(&named).unwrap()),
        "own.example.com:8142"
    );
    let missing = etc.sources().with_pxp_agent(etc.path("missing.conf"));
    let error = Settings::read(&missing).unwrap_err();
    assert_eq!(*error.place(), Place::Whole(etc.path("missing.conf")));
    assert!(error.source().is_some());
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let etc = Etc::of_a_pair();
    fs::write(etc.path("puppet/classifier.yaml"), [0xff, 0xfe]).unwrap();
    let error = etc.read().unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::Unreadable(_)));
    assert_eq!(
        error.path(),
        Some(etc.path("puppet/classifier.yaml").as_path())
    );
}

#[test]
fn an_error_names_the_file_the_line_and_the_setting() {
    let text = "[agent]\nserver_list = a,2001:db8::1\n";
    let etc = Etc::of_a_pair().with("puppet/puppet.conf", text);
    let error = etc.read().unwrap_err();
    let path = etc.path("puppet/puppet.conf");
    assert_eq!(
        error.to_string(),
        format!(
            "{}:2: server_list: the value names no server",
            path.display()
        )
    );
}

/// Three hosts, of which the agents know two compile masters and the authority.
#[test]
fn agents_of_compile_masters_are_told_of_the_authority_besides() {
    let text =
        "ca_server = primary.example.com\n[agent]\nserver_list = c1.example.com,c2.example.com\n";
    let etc = Etc::of_a_pair().with("puppet/puppet.conf", text);
    let installation = etc.read().unwrap().installation().unwrap();
    let list = |service| installation.list(service).unwrap().to_string();
    assert_eq!(
        list(Service::FileSync),
        "c1.example.com:8140,c2.example.com:8140"
    );
    assert_eq!(
        list(Service::CertificateAuthority),
        "primary.example.com:8140"
    );
    assert_eq!(
        list(Service::Orchestrator),
        "primary.example.com:8143,replica.example.com:8143"
    );
}
