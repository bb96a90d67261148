//! `pxp-agent.conf`: where the PCP brokers are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use standin_core::{InvalidServerList, Server, ServerList, Service};

use crate::listed::listed;
use crate::origin::Origins;
use crate::value::{https_server, without_user};
use crate::{Defaults, Origin, Place, SettingsError, SettingsFault};

mod keys;

use keys::Keys;

/// The settings of `pxp-agent.conf`, each with pxp-agent's default where it is not set.
///
/// Source: `lib/src/configuration.cc` of pxp-agent.
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
    /// The time between pings of the broker; `ping-interval`, 120 s by default.
    pub ping_interval: Duration,
    /// The most that connecting to a broker may take; `connection-timeout`, 5 s by default.
    pub connection_timeout: Duration,
    /// The certificates of the authorities; `ssl-ca-cert`.
    pub ca: Option<PathBuf>,
    /// The agent's certificate; `ssl-cert`.
    pub cert: Option<PathBuf>,
    /// The agent's private key; `ssl-key`.
    pub key: Option<PathBuf>,
    /// The revocation lists; `ssl-crl`. Without it pxp-agent does not check revocation.
    pub crl: Option<PathBuf>,
    origins: Origins,
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

    /// Reads `text`, which stands in the file at `path`.
    ///
    /// Only JSON is read, which every HOCON reader reads too and which Puppet Enterprise writes.
    ///
    /// # Errors
    /// When the text is no JSON object, or a setting has a value that cannot be used.
    pub fn parse(text: &str, path: &Path, defaults: &Defaults) -> Result<Self, SettingsError> {
        let keys = Keys::parse(text).map_err(|fault| {
            SettingsError::new(place_of(path, &fault), SettingsFault::Json(fault))
        })?;
        let mut file = File {
            text,
            path: path.into(),
            origins: Origins::default(),
        };
        let broker_uris = file.brokers(&keys)?;
        let primaries = match file.primaries("primary-uris", keys.primary_uris)? {
            None => file.primaries("master-uris", keys.master_uris)?,
            primaries => primaries,
        };
        Ok(Self {
            brokers: file.broker_list(&broker_uris)?,
            broker_uris,
            primaries,
            pcp_version: file
                .setting("pcp-version", keys.pcp_version, pcp_version)?
                .unwrap_or(PcpVersion::V1),
            ping_interval: file
                .setting("ping-interval", keys.ping_interval, seconds)?
                .unwrap_or(PING_INTERVAL),
            connection_timeout: file
                .setting("connection-timeout", keys.connection_timeout, seconds)?
                .unwrap_or(CONNECTION_TIMEOUT),
            ca: file.ssl_path("ssl-ca-cert", keys.ssl_ca_cert, defaults)?,
            cert: file.ssl_path("ssl-cert", keys.ssl_cert, defaults)?,
            key: file.ssl_path("ssl-key", keys.ssl_key, defaults)?,
            crl: file.ssl_path("ssl-crl", keys.ssl_crl, defaults)?,
            origins: file.origins,
        })
    }

    /// Where the value of the key `name` was found; None for one that the file does not set.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.get(name)
    }

    /// The brokers and where the first of them stands.
    pub(crate) fn named_brokers(&self) -> Option<(&ServerList, &Origin)> {
        let first = self.broker_uris.first()?;
        Some((self.brokers.as_ref()?, &first.origin))
    }
}

struct File<'a> {
    text: &'a str,
    path: Arc<Path>,
    origins: Origins,
}

impl<'a> File<'a> {
    fn setting<T>(
        &mut self,
        name: &'static str,
        raw: Option<&'a RawValue>,
        read: impl FnOnce(Value) -> Result<T, SettingsFault>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(raw) = raw else {
            return Ok(None);
        };
        let value = self.json(name, raw, "a value")?;
        let origin = self.origin(raw);
        let value = read(value).map_err(|fault| SettingsError::new(&origin, fault).about(name))?;
        self.origins.insert(name, origin);
        Ok(Some(value))
    }

    fn brokers(&mut self, keys: &Keys<'a>) -> Result<Vec<BrokerUri>, SettingsError> {
        let (one, several) = ("broker-ws-uri", "broker-ws-uris");
        let listed = self.uris(several, keys.broker_ws_uris, broker)?;
        let Some(raw) = keys.broker_ws_uri else {
            return match keys.broker_ws_uris {
                Some(raw) if listed.is_empty() => {
                    let fault = InvalidServerList::Empty;
                    Err(SettingsError::new(&self.origin(raw), fault).about(several))
                }
                _ => Ok(listed),
            };
        };
        let origin = self.origin(raw);
        if !listed.is_empty() {
            let fault = SettingsFault::TwoBrokerSettings;
            return Err(SettingsError::new(&origin, fault).about(one));
        }
        let uri = self.uri(one, raw, broker)?;
        self.origins.insert(one, origin);
        Ok(vec![uri])
    }

    fn broker_list(&self, uris: &[BrokerUri]) -> Result<Option<ServerList>, SettingsError> {
        let Some(first) = uris.first() else {
            return Ok(None);
        };
        let places = uris.iter().map(|uri| (&uri.server, &uri.origin));
        listed(places, &first.origin)
            .map(Some)
            .map_err(|error| error.about("broker-ws-uris"))
    }

    /// An empty list is none, as in pxp-agent.
    fn primaries(
        &mut self,
        name: &'static str,
        raw: Option<&'a RawValue>,
    ) -> Result<Option<ServerList>, SettingsError> {
        let servers = self.uris(name, raw, primary)?;
        let Some((_, first)) = servers.first() else {
            return Ok(None);
        };
        let places = servers.iter().map(|(server, origin)| (server, origin));
        listed(places, first)
            .map(Some)
            .map_err(|error| error.about(name))
    }

    fn uris<T>(
        &mut self,
        name: &'static str,
        raw: Option<&'a RawValue>,
        read: impl Fn(&str, Origin) -> Result<T, SettingsFault>,
    ) -> Result<Vec<T>, SettingsError> {
        let Some(raw) = raw else {
            return Ok(Vec::new());
        };
        let items: Vec<&RawValue> = self.json(name, raw, "a list of strings")?;
        self.origins.insert(name, self.origin(raw));
        items
            .into_iter()
            .map(|item| self.uri(name, item, &read))
            .collect()
    }

    fn uri<T>(
        &self,
        name: &str,
        raw: &'a RawValue,
        read: impl Fn(&str, Origin) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let text: String = self.json(name, raw, "a string")?;
        let origin = self.origin(raw);
        read(&text, origin.clone()).map_err(|fault| SettingsError::new(&origin, fault).about(name))
    }

    /// An empty path is none, as in pxp-agent.
    fn ssl_path(
        &mut self,
        name: &'static str,
        raw: Option<&'a RawValue>,
        defaults: &Defaults,
    ) -> Result<Option<PathBuf>, SettingsError> {
        let Some(raw) = raw else {
            return Ok(None);
        };
        let text: String = self.json(name, raw, "a string")?;
        self.origins.insert(name, self.origin(raw));
        Ok((!text.is_empty()).then(|| defaults.path(&text)))
    }

    /// What a value is that is known to be JSON, or else an error that says what was `wanted`.
    fn json<T: Deserialize<'a>>(
        &self,
        name: &str,
        raw: &'a RawValue,
        wanted: &'static str,
    ) -> Result<T, SettingsError> {
        serde_json::from_str(raw.get()).map_err(|_| {
            SettingsError::new(&self.origin(raw), SettingsFault::Type { wanted }).about(name)
        })
    }

    fn origin(&self, raw: &RawValue) -> Origin {
        // The raw value is a part of the text: how far in says on which line it begins.
        let start = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.bytes().take(start);
        Origin::File {
            path: Arc::clone(&self.path),
            line: 1 + before.filter(|byte| *byte == b'\n').count(),
        }
    }
}

fn broker(text: &str, origin: Origin) -> Result<BrokerUri, SettingsFault> {
    const SCHEME: &str = "wss://";
    without_user(text)?;
    let rest = text
        .strip_prefix(SCHEME)
        .ok_or_else(|| SettingsFault::Scheme {
            text: text.into(),
            scheme: SCHEME,
        })?;
    let path = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    Ok(BrokerUri {
        server: Server::parse(text, Service::PcpBroker.port())?,
        path: path.into(),
        origin,
    })
}

fn primary(text: &str, origin: Origin) -> Result<(Server, Origin), SettingsFault> {
    Ok((https_server(text, Service::PuppetServer.port())?, origin))
}

fn pcp_version(value: Value) -> Result<PcpVersion, SettingsFault> {
    match scalar(value).as_str() {
        "1" => Ok(PcpVersion::V1),
        "2" => Ok(PcpVersion::V2),
        text => Err(SettingsFault::Word {
            text: text.into(),
            known: "1 or 2",
        }),
    }
}

fn seconds(value: Value) -> Result<Duration, SettingsFault> {
    crate::value::seconds(&scalar(value), 1)
}

/// HOCON makes numbers of strings and strings of numbers as they are asked for.
fn scalar(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn place_of(path: &Path, fault: &serde_json::Error) -> Place {
    match fault.line() {
        0 => Place::Whole(path.to_path_buf()),
        line => Place::Line {
            path: path.to_path_buf(),
            line,
            column: Some(fault.column()).filter(|column| *column != 0),
        },
    }
}

/// `configuration.cc` of pxp-agent, and the next too.
const PING_INTERVAL: Duration = Duration::from_secs(120);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
