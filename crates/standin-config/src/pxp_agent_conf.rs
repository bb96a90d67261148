//! `pxp-agent.conf`: where the PCP brokers are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use standin_core::{Server, ServerList};

mod read;

use read::File;

use crate::origin::Readings;
use crate::{Defaults, Origin, Proxy, SettingsError};

/// The settings of `pxp-agent.conf`, each with pxp-agent's default where it is not set.
///
/// Source: `lib/src/configuration.cc` of pxp-agent, the defaults too.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PxpAgentConf {
    /// The brokers; `broker-ws-uris`, or `broker-ws-uri` for one. None when the file sets neither,
    /// since pxp-agent may be told of one on its command line. Roles are assumed as
    /// [`ServerList::new`] says.
    pub brokers: Option<ServerList>,
    /// What the file says of each, in the order of `brokers`.
    pub broker_uris: Vec<BrokerUri>,
    /// The servers that files of tasks are fetched from; `primary-uris`, or `master-uris` if that
    /// names none. A port left out is 8140.
    pub primaries: Option<ServerList>,
    /// The version of PCP; `pcp-version`, 1 by default.
    pub pcp_version: PcpVersion,
    /// The most that connecting to a broker may take; `connection-timeout`, 5 s by default.
    pub connection_timeout: Duration,
    /// The time between pings of the broker; `ping-interval`, 120 s by default.
    pub ping_interval: Duration,
    /// So many pings in a row may stay without an answer; `allowed-keepalive-timeouts`, 2 by
    /// default. The next one that does closes the connection.
    pub allowed_keepalive_timeouts: u32,
    /// The most that the answer to an association of PCP 1 is awaited; `association-timeout`, 15 s
    /// by default.
    pub association_timeout: Duration,
    /// How long a request for an association of PCP 1 is worth delivering;
    /// `association-request-ttl`, 10 s by default.
    pub association_request_ttl: Duration,
    /// How long a message of PCP 1 is worth delivering; `pcp-message-ttl`, 5 s by default.
    pub message_ttl: Duration,
    /// The most that connecting for the file of a task may take; `task-download-connect-timeout`,
    /// 120 s by default.
    pub task_download_connect_timeout: Duration,
    /// The most that the file of a task may take in all; `task-download-timeout`, 30 minutes by
    /// default.
    pub task_download_timeout: Duration,
    /// The most bytes of a message; `max-message-size`, 64 MiB by default.
    pub max_message_size: u32,
    /// The proxy between the agent and brokers; `broker-ws-proxy`.
    pub broker_proxy: Option<Proxy>,
    /// The proxy between the agent and where files of tasks are; `master-proxy`.
    pub primary_proxy: Option<Proxy>,
    /// The certificates of the authorities; `ssl-ca-cert`.
    pub ca: Option<PathBuf>,
    /// The agent's certificate; `ssl-cert`.
    pub cert: Option<PathBuf>,
    /// The agent's private key; `ssl-key`.
    pub key: Option<PathBuf>,
    /// The revocation lists; `ssl-crl`. Without it pxp-agent does not check revocation.
    pub crl: Option<PathBuf>,
    pub(crate) path: PathBuf,
    pub(crate) readings: Readings,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerUri {
    /// Where it is. A port left out is 8142.
    pub server: Server,
    /// What follows the port, like `/pcp2/`.
    pub path: String,
    /// Where the URI stands.
    pub origin: Origin,
}

/// A version of PCP. Exhaustive on purpose: pxp-agent speaks these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcpVersion {
    /// Binary messages; brokers have it at `/pcp`.
    V1,
    /// JSON messages; brokers have it at `/pcp2`.
    V2,
}

impl PxpAgentConf {
    /// The name of the file.
    pub const FILE: &'static str = "pxp-agent.conf";

    /// Reads `text`, which stands in the file at `path`: JSON, and HOCON unless `path` ends in
    /// `.json`.
    ///
    /// `include` is refused, and the environment is not asked for what substitutions name: one that
    /// is optional (`${?NAME}`) then has no value, any other is an error. Integers may be quoted, as
    /// for pxp-agent; keys that are not read do not count.
    ///
    /// # Errors
    /// When the text is no object, or a setting has a value that cannot be used.
    pub fn parse(text: &str, path: &Path, defaults: &Defaults) -> Result<Self, SettingsError> {
        let mut file = File::parse(text, path, defaults)?;
        let read = &mut file;
        let broker_uris = read.brokers()?;
        Ok(Self {
            brokers: read.broker_list(&broker_uris)?,
            broker_uris,
            primaries: read.primaries()?,
            pcp_version: read.pcp_version()?,
            connection_timeout: read.seconds("connection-timeout", "5")?,
            ping_interval: read.seconds("ping-interval", "120")?,
            allowed_keepalive_timeouts: read.count("allowed-keepalive-timeouts", 0, "2")?,
            association_timeout: read.seconds("association-timeout", "15")?,
            association_request_ttl: read.seconds("association-request-ttl", "10")?,
            message_ttl: read.seconds("pcp-message-ttl", "5")?,
            task_download_connect_timeout: read.seconds("task-download-connect-timeout", "120")?,
            task_download_timeout: read.seconds("task-download-timeout", "1800")?,
            max_message_size: read.count("max-message-size", 1, "67108864")?,
            broker_proxy: read.proxy("broker-ws-proxy")?,
            primary_proxy: read.proxy("master-proxy")?,
            ca: read.path("ssl-ca-cert")?,
            cert: read.path("ssl-cert")?,
            key: read.path("ssl-key")?,
            crl: read.path("ssl-crl")?,
            path: path.to_path_buf(),
            readings: file.readings,
        })
    }

    /// Where the value of the key `name` was found; None for one that is not read.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.readings.origin(name)
    }

    /// The brokers and where the first of them stands.
    pub(crate) fn named_brokers(&self) -> Option<(&ServerList, &Origin)> {
        let first = self.broker_uris.first()?;
        Some((self.brokers.as_ref()?, &first.origin))
    }
}

#[cfg(test)]
mod tests;
