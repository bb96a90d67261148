//! `puppet.conf`: what an agent is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use standin_core::{Server, ServerList};

mod grammar;
mod http;
mod reader;
mod search;

use grammar::Document;
use reader::Reader;
use search::Search;

use crate::origin::Readings;
use crate::value::{duration, entries, https_server, port, switch};
use crate::{Defaults, Origin, Overrides, SettingsError, SettingsFault};

pub(crate) use grammar::translated;
pub use http::{ExtraHeader, Http};

/// The settings of `puppet.conf` as an agent sees them, each with Puppet's default where it is not
/// set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PuppetConf {
    /// The agent's name, in certificates and elsewhere; `certname`.
    pub certname: String,
    /// The environment that the agent asks for; `environment`.
    pub environment: String,
    /// `server_list`, a port left out being `serverport`. None when it is not set or empty: then
    /// `server` stands alone. Roles are assumed as [`ServerList::new`] says.
    pub server_list: Option<ServerList>,
    /// `server` at `serverport` (or `masterport`). Not used beside a `server_list`.
    pub server: Server,
    /// `ca_server` at `ca_port`. Where a file or an override sets `ca_server`, requests to the
    /// certificate authority do not follow `server_list`.
    pub ca_server: Server,
    /// `report_server` at `report_port`. Where a file or an override sets `report_server`, reports
    /// do not follow `server_list`: see [`Settings::reports`](crate::Settings::reports).
    pub report_server: Server,
    /// Whether DNS is asked for servers before the list is; `use_srv_records` and `srv_domain`.
    pub srv_records: SrvRecords,
    /// Directories.
    pub dirs: Dirs,
    /// Certificates, key and revocations.
    pub ssl: SslPaths,
    /// How far revocation is checked; `certificate_revocation`.
    pub revocation: Revocation,
    /// Times.
    pub times: Times,
    /// Proxies and headers.
    pub http: Http,
    /// What a run does that gets no catalog; `usecacheonfailure`.
    pub without_catalog: WithoutCatalog,
    pub(crate) path: Arc<Path>,
    pub(crate) readings: Readings,
}

/// Whether DNS is asked for servers.
///
/// Exhaustive on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SrvRecords {
    /// It is not; `use_srv_records = false`, the default.
    NotAsked,
    /// It is, before `server_list` and `server`; `use_srv_records = true`.
    Of {
        /// Where `_x-puppet._tcp` and the like are; `srv_domain`, by default the machine's.
        domain: String,
    },
}

/// What a run does that gets no catalog.
///
/// Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutCatalog {
    /// It applies the last one; `usecacheonfailure = true`, the default.
    UsesTheLast,
    /// It fails; `usecacheonfailure = false`.
    Fails,
}

/// Where an agent's reports go.
///
/// Exhaustive on purpose: Puppet knows these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports<'a> {
    /// To the servers of Puppet Server, as every other request.
    WithTheRest,
    /// To this one alone, whatever `server_list` says.
    To(&'a Server),
}

/// The directories of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dirs {
    /// Settings; `confdir`.
    pub confdir: PathBuf,
    /// Certificates and keys; `ssldir`.
    pub ssldir: PathBuf,
    /// What changes while the agent works; `vardir`.
    pub vardir: PathBuf,
    /// What the agent remembers from run to run; `statedir`.
    pub statedir: PathBuf,
}

/// The files of an agent's TLS, all PEM. None is looked at here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SslPaths {
    /// The certificates of the authorities; `localcacert`.
    pub ca: PathBuf,
    /// The agent's certificate; `hostcert`.
    pub cert: PathBuf,
    /// The agent's private key; `hostprivkey`.
    pub key: PathBuf,
    /// The revocation lists; `hostcrl`.
    pub crl: PathBuf,
    /// The pass phrase of the key, if that has one; `passfile`. Not PEM, and it need not exist.
    pub passphrase: PathBuf,
    /// More authorities, for servers that are not Puppet's; `ssl_trust_store`. Puppet's own agents
    /// take it only for plain `https` sources.
    pub trust_store: Option<PathBuf>,
}

/// How far revocation is checked.
///
/// Exhaustive on purpose: Puppet knows these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate of the chain has to have a list that does not name it.
    Chain,
    /// Only the server's own.
    Leaf,
    /// Revocation is not checked.
    Off,
}

/// The times of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// The most that making a connection may take; `http_connect_timeout`, 2 minutes by default.
    pub connect: Duration,
    /// The longest silence while an answer is read; `http_read_timeout`, 10 minutes by default.
    pub read: Duration,
    /// How long a connection may idle and be used again; `http_keepalive_timeout`, 4 s by default.
    pub keepalive: Duration,
    /// The time between runs; `runinterval`, 30 minutes by default. Zero means without a pause.
    pub runinterval: Duration,
    /// The most that a run is put off by; `splaylimit`, by default as `runinterval`.
    pub splaylimit: Duration,
    /// The most that a run may take; `runtimeout`, an hour by default. None when it is 0, which
    /// bounds nothing.
    pub runtimeout: Option<Duration>,
}

impl PuppetConf {
    /// The name of the file in the confdir.
    pub const FILE: &'static str = "puppet.conf";

    /// Reads `text`, which stands in `puppet.conf` of the directory `confdir`. A file that does
    /// not exist has no text.
    ///
    /// # Errors
    /// When Puppet's grammar does not allow the text, or a setting that is read has a value that
    /// cannot be used.
    pub fn parse(
        text: &str,
        confdir: &Path,
        defaults: &Defaults,
        overrides: &Overrides,
    ) -> Result<Self, SettingsError> {
        let path: Arc<Path> = confdir.join(Self::FILE).into();
        let document = Document::parse(text, &path)?;
        let search = Search::new(&document, overrides, defaults, confdir)?;
        let mut reader = Reader::new(&search);
        let read = &mut reader;
        // First, so that it is named itself when it is wrong and serverport only follows it.
        read.setting("masterport", port)?;
        let default_port = read.setting("serverport", port)?;
        let ca_port = read.setting("ca_port", port)?;
        let report_port = read.setting("report_port", port)?;
        Ok(Self {
            certname: read.setting("certname", certname)?,
            environment: read.setting("environment", not_empty)?,
            server_list: read.setting("server_list", |text| servers(text, default_port))?,
            server: read.setting("server", |text| https_server(text, default_port))?,
            ca_server: read.setting("ca_server", |text| https_server(text, ca_port))?,
            report_server: read.setting("report_server", |text| https_server(text, report_port))?,
            srv_records: srv_records(read)?,
            dirs: Dirs {
                confdir: read.path("confdir")?,
                ssldir: read.path("ssldir")?,
                vardir: read.path("vardir")?,
                statedir: read.path("statedir")?,
            },
            ssl: SslPaths {
                ca: read.path("localcacert")?,
                cert: read.path("hostcert")?,
                key: read.path("hostprivkey")?,
                crl: read.path("hostcrl")?,
                passphrase: read.path("passfile")?,
                trust_store: read.path_if_any("ssl_trust_store")?,
            },
            revocation: read.setting("certificate_revocation", revocation)?,
            times: Times {
                connect: read.setting("http_connect_timeout", duration)?,
                read: read.setting("http_read_timeout", duration)?,
                keepalive: read.setting("http_keepalive_timeout", duration)?,
                runinterval: read.setting("runinterval", duration)?,
                splaylimit: read.setting("splaylimit", duration)?,
                runtimeout: Some(read.setting("runtimeout", duration)?)
                    .filter(|time| !time.is_zero()),
            },
            http: Http::read(read, overrides)?,
            without_catalog: read.setting("usecacheonfailure", |text| {
                switch(text, WithoutCatalog::UsesTheLast, WithoutCatalog::Fails)
            })?,
            path,
            readings: reader.readings,
        })
    }

    /// Where the value of the setting `name` was found; None for a setting that is not read.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.readings.origin(name)
    }

    /// Whether a file or an override sets `name`.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.origin(name).is_some_and(Origin::is_set)
    }
}

fn srv_records(read: &mut Reader<'_>) -> Result<SrvRecords, SettingsError> {
    let domain = read.setting("srv_domain", |text| Ok(text.to_owned()))?;
    read.setting("use_srv_records", |text| {
        let asked = SrvRecords::Of {
            domain: domain.clone(),
        };
        match switch(text, asked, SrvRecords::NotAsked)? {
            SrvRecords::Of { domain } if domain.is_empty() => Err(SettingsFault::NoSrvDomain),
            records => Ok(records),
        }
    })
}

/// An empty list is none, as in Puppet.
fn servers(text: &str, default_port: u16) -> Result<Option<ServerList>, SettingsFault> {
    let servers = entries(text)
        .map(|entry| https_server(entry, default_port))
        .collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() {
        return Ok(None);
    }
    Ok(Some(ServerList::new(servers)?))
}

fn not_empty(text: &str) -> Result<String, SettingsFault> {
    if text.is_empty() {
        return Err(SettingsFault::Empty);
    }
    Ok(text.to_owned())
}

/// `VALID_CERTNAME` of Puppet's `x509/cert_provider.rb`, which keeps a name from leaving the
/// directory of certificates, and the rule of lower case in `defaults.rb`.
fn certname(text: &str) -> Result<String, SettingsFault> {
    let allowed =
        |byte: u8| matches!(byte, b' '..=b'~') && byte != b'/' && !byte.is_ascii_uppercase();
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(SettingsFault::Certname { text: text.into() });
    }
    Ok(text.to_owned())
}

fn revocation(text: &str) -> Result<Revocation, SettingsFault> {
    match text {
        "chain" | "true" => Ok(Revocation::Chain),
        "leaf" => Ok(Revocation::Leaf),
        "false" => Ok(Revocation::Off),
        _ => Err(SettingsFault::Word {
            text: text.into(),
            known: "chain, leaf or false",
        }),
    }
}

#[cfg(test)]
mod tests;
