//! The settings files of an agent and a Puppet Server, and the agent's certificates, as Puppet lays them out.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::host::{HostSpec, Role};
use crate::service::Service;
use crate::{Certificate, LabError};

/// A directory of settings, removed with the lab.
#[derive(Debug)]
pub(crate) struct ConfDir {
    // Kept for its drop, which removes the directory.
    _dir: TempDir,
    conf: PathBuf,
    ssl: PathBuf,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Everyone,
    Group,
}

impl ConfDir {
    pub(crate) fn write(
        hosts: &[HostSpec],
        agent: &Certificate,
        ca: &str,
        crl: &str,
    ) -> Result<Self, LabError> {
        let dir = tempfile::Builder::new()
            .prefix("standin-lab-")
            .tempdir()
            .map_err(|source| LabError::File {
                path: std::env::temp_dir(),
                source,
            })?;
        let conf = dir.path().to_path_buf();
        let ssl = conf.join("ssl");
        write(&ssl.join("certs/ca.pem"), ca, Access::Everyone)?;
        agent.save(&ssl)?;
        write(
            &conf.join("puppet.conf"),
            &puppet_conf(hosts, agent.certname(), &conf),
            Access::Everyone,
        )?;
        write(
            &conf.join("puppetdb.conf"),
            &puppetdb_conf(hosts),
            Access::Everyone,
        )?;
        write(
            &conf.join("classifier.yaml"),
            &classifier_yaml(hosts),
            Access::Everyone,
        )?;
        write(
            &conf.join("pxp-agent.conf"),
            &pxp_agent_conf(hosts, agent.certname(), &ssl),
            Access::Everyone,
        )?;
        for made in [conf.join("cache/state"), conf.join(MANAGED)] {
            fs::create_dir_all(&made).map_err(|source| LabError::File { path: made, source })?;
        }
        let this = Self {
            _dir: dir,
            conf,
            ssl,
        };
        this.set_crl(crl)?;
        Ok(this)
    }

    pub(crate) fn conf(&self) -> &Path {
        &self.conf
    }

    pub(crate) fn ssl(&self) -> &Path {
        &self.ssl
    }

    /// Where the files of the catalog go.
    pub(crate) fn managed(&self) -> PathBuf {
        self.conf.join(MANAGED)
    }

    /// Writes where the hosts are, as `/etc/hosts` has it.
    pub(crate) fn set_hosts(&self, hosts: &[(&str, IpAddr)]) -> Result<(), LabError> {
        let lines = hosts.iter().map(|(name, ip)| format!("{ip} {name}\n"));
        let text = lines.fold("127.0.0.1 localhost\n".to_owned(), |text, line| {
            text + &line
        });
        write(&self.conf.join("hosts"), &text, Access::Everyone)
    }

    pub(crate) fn set_crl(&self, crl: &str) -> Result<(), LabError> {
        write(&self.ssl.join("crl.pem"), crl, Access::Everyone)
    }
}

/// Writes a file so that a reader sees the old or the new one, never half of it.
pub(crate) fn write(path: &Path, text: &str, access: Access) -> Result<(), LabError> {
    let (dir_mode, file_mode) = match access {
        Access::Everyone => (0o755, 0o644),
        Access::Group => (0o750, 0o640),
    };
    let put = || {
        let parent = path.parent().unwrap_or_else(|| Path::new("/"));
        if !parent.is_dir() {
            fs::create_dir_all(parent)?;
            fs::set_permissions(parent, fs::Permissions::from_mode(dir_mode))?;
        }
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(file_mode))?;
        file.persist(path)?;
        Ok(())
    };
    put().map_err(|source| LabError::File {
        path: path.to_path_buf(),
        source,
    })
}

fn puppet_conf(hosts: &[HostSpec], certname: &str, conf: &Path) -> String {
    let pool = with_role(hosts, &[Role::Pool]);
    let pair = with_role(hosts, &[Role::Master, Role::Replica]);
    // Agents of an installation with compile masters are told of those alone, and of the one authority besides.
    let (listed, authority) = match (pool.is_empty(), pair.first()) {
        (true, _) | (false, None) => (pair, String::new()),
        (false, Some(master)) => {
            let line = format!("ca_server = {master}\n");
            (pool, line)
        }
    };
    let port = Service::PuppetServer.port();
    let list = listed
        .iter()
        .map(|name| format!("{name}:{port}"))
        .collect::<Vec<_>>()
        .join(",");
    let conf = conf.display();
    // Every directory that Puppet has elsewhere, so that an agent on the lab leaves the machine's own alone.
    format!(
        "[main]\ncertname = {certname}\ncodedir = {conf}/code\nvardir = {conf}/cache\nssldir = {conf}/ssl\n\
         logdir = {conf}/log\nrundir = {conf}/run\npublicdir = {conf}/cache/public\n{authority}\n\
         [agent]\nserver_list = {list}\n"
    )
}

fn puppetdb_conf(hosts: &[HostSpec]) -> String {
    let port = Service::PuppetDb.port();
    let urls = with_role(hosts, &[Role::Master, Role::Replica])
        .iter()
        .map(|name| format!("https://{name}:{port}"))
        .collect::<Vec<_>>()
        .join(",");
    format!("[main]\nserver_urls = {urls}\n")
}

fn classifier_yaml(hosts: &[HostSpec]) -> String {
    let port = Service::NodeClassifier.port();
    with_role(hosts, &[Role::Master, Role::Replica])
        .iter()
        .map(|name| format!("- server: {name}\n  port: {port}\n  prefix: /classifier-api\n"))
        .fold("---\n".to_owned(), |yaml, item| yaml + &item)
}

fn pxp_agent_conf(hosts: &[HostSpec], certname: &str, ssl: &Path) -> String {
    let pair = with_role(hosts, &[Role::Master, Role::Replica]);
    let pool = with_role(hosts, &[Role::Pool]);
    let port = Service::PcpBroker.port();
    let brokers: Vec<_> = if pool.is_empty() { &pair } else { &pool }
        .iter()
        .map(|name| format!("wss://{name}:{port}/pcp2/"))
        .collect();
    let masters: Vec<_> = pair
        .iter()
        .map(|name| format!("https://{name}:{}", Service::PuppetServer.port()))
        .collect();
    let settings = json!({
        "broker-ws-uris": brokers,
        "master-uris": masters,
        "pcp-version": "2",
        "ping-interval": 120,
        "ssl-ca-cert": ssl.join("certs/ca.pem"),
        "ssl-crl": ssl.join("crl.pem"),
        "ssl-cert": ssl.join("certs").join(format!("{certname}.pem")),
        "ssl-key": ssl.join("private_keys").join(format!("{certname}.pem")),
        "loglevel": "info",
    });
    format!("{settings:#}\n")
}

/// The names of the hosts in these roles: in the order of the roles, and in their own within one.
fn with_role<'a>(hosts: &'a [HostSpec], roles: &[Role]) -> Vec<&'a str> {
    roles
        .iter()
        .flat_map(|role| hosts.iter().filter(move |host| host.role == *role))
        .map(|host| host.name.as_str())
        .collect()
}

/// Below the configuration directory.
const MANAGED: &str = "managed";

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Vec<HostSpec> {
        vec![HostSpec::replica("r.test"), HostSpec::master("m.test")]
    }

    #[test]
    fn the_master_comes_first_in_every_list() {
        let conf = puppet_conf(&hosts(), "agent.test", Path::new("/conf"));
        assert!(
            conf.contains("server_list = m.test:8140,r.test:8140\n"),
            "{conf}"
        );
        assert_eq!(
            puppetdb_conf(&hosts()),
            "[main]\nserver_urls = https://m.test:8081,https://r.test:8081\n"
        );
    }

    #[test]
    fn agents_are_told_of_compile_masters_alone() {
        let mut hosts = hosts();
        hosts.push(HostSpec::pool("c.test"));
        let conf = puppet_conf(&hosts, "agent.test", Path::new("/conf"));
        assert!(conf.contains("server_list = c.test:8140\n"), "{conf}");
        assert!(conf.contains("ca_server = m.test\n"), "{conf}");
        let pxp = pxp_agent_conf(&hosts, "agent.test", Path::new("/conf/ssl"));
        assert!(pxp.contains("wss://c.test:8142/pcp2/"), "{pxp}");
        assert!(!pxp.contains("wss://m.test"), "{pxp}");
    }

    #[test]
    fn the_classifier_settings_are_a_list() {
        assert!(classifier_yaml(&hosts()).starts_with("---\n- server: m.test\n  port: 4433\n"));
    }
}
