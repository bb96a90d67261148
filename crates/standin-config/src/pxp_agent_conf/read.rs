//! Reading `pxp-agent.conf` key by key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use standin_core::{InvalidServerList, Server, ServerList, Service};

use super::{BrokerUri, PcpVersion};
use crate::listed::listed;
use crate::origin::{Reading, Readings};
use crate::tree::{Node, Value};
use crate::value::{count, https_server, without_user};
use crate::{Defaults, Origin, Proxy, Rule, SettingsError, SettingsFault, hocon, json};

/// The keys of a file, and how those that were read were read.
pub(super) struct File<'a> {
    keys: Vec<(String, Node)>,
    path: Arc<Path>,
    defaults: &'a Defaults,
    pub(super) readings: Readings,
}

impl<'a> File<'a> {
    pub(super) fn parse(
        text: &str,
        path: &Path,
        defaults: &'a Defaults,
    ) -> Result<Self, SettingsError> {
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let tree = match json::read(text) {
            Err(_) if !is_json => hocon::read(text),
            tree => tree,
        };
        let Node { line, value } = tree.map_err(|error| error.of(path))?;
        let path: Arc<Path> = path.into();
        let Value::Map(members) = value else {
            let path = Arc::clone(&path);
            let origin = Origin::File { path, line };
            return Err(SettingsError::new(&origin, SettingsFault::NoObject));
        };
        Ok(Self {
            // pxp-agent does not see keys without a value.
            keys: members
                .into_iter()
                .filter(|member| member.node.value != Value::Null)
                .map(|member| (member.key, member.node))
                .collect(),
            path,
            defaults,
            readings: Readings::default(),
        })
    }

    pub(super) fn brokers(&mut self) -> Result<Vec<BrokerUri>, SettingsError> {
        const ONE: &str = "broker-ws-uri";
        const SEVERAL: &str = "broker-ws-uris";
        let listed = self.uris(SEVERAL, broker)?;
        let one = match self.key(ONE) {
            Some(node) => {
                let (text, origin) = (self.string(ONE, node)?, self.origin(node));
                self.state(ONE, text.clone(), origin.clone());
                Some((text, origin))
            }
            None => {
                self.assume(ONE, "");
                None
            }
        };
        match (one, listed) {
            (Some((_, origin)), Some(listed)) if !listed.is_empty() => {
                Err(SettingsError::new(&origin, SettingsFault::TwoBrokerSettings).about(ONE))
            }
            (Some((text, origin)), _) if !text.is_empty() => {
                let uri = broker(&text, origin.clone())
                    .map_err(|fault| SettingsError::new(&origin, fault).about(ONE))?;
                Ok(vec![uri])
            }
            (_, Some(listed)) if listed.is_empty() => {
                let fault = InvalidServerList::Empty;
                Err(SettingsError::new(&self.readings.of(SEVERAL), fault).about(SEVERAL))
            }
            (_, listed) => Ok(listed.unwrap_or_default()),
        }
    }

    pub(super) fn broker_list(
        &self,
        uris: &[BrokerUri],
    ) -> Result<Option<ServerList>, SettingsError> {
        let Some(first) = uris.first() else {
            return Ok(None);
        };
        let places = uris.iter().map(|uri| (&uri.server, &uri.origin));
        listed(places, &first.origin)
            .map(Some)
            .map_err(|error| error.about("broker-ws-uris"))
    }

    /// An empty list is none, as in pxp-agent.
    pub(super) fn primaries(&mut self) -> Result<Option<ServerList>, SettingsError> {
        let [first, second] = ["primary-uris", "master-uris"];
        let before = self.primaries_of(first)?;
        let after = self.primaries_of(second)?;
        if before.is_some() && after.is_some() {
            self.readings.put_behind(second, first);
        }
        Ok(before.or(after))
    }

    fn primaries_of(&mut self, name: &'static str) -> Result<Option<ServerList>, SettingsError> {
        let servers = self.uris(name, primary)?.unwrap_or_default();
        let Some((_, first)) = servers.first() else {
            return Ok(None);
        };
        let places = servers.iter().map(|(server, origin)| (server, origin));
        listed(places, first)
            .map(Some)
            .map_err(|error| error.about(name))
    }

    pub(super) fn pcp_version(&mut self) -> Result<PcpVersion, SettingsError> {
        self.scalar("pcp-version", "1", |text| match text {
            "1" => Ok(PcpVersion::V1),
            "2" => Ok(PcpVersion::V2),
            text => Err(SettingsFault::Word {
                text: text.into(),
                known: "1 or 2",
            }),
        })
    }

    /// Whole seconds.
    pub(super) fn seconds(
        &mut self,
        name: &'static str,
        assumed: &'static str,
    ) -> Result<Duration, SettingsError> {
        let seconds = self.count(name, 1, assumed)?;
        Ok(Duration::from_secs(seconds.into()))
    }

    pub(super) fn count(
        &mut self,
        name: &'static str,
        least: u32,
        assumed: &'static str,
    ) -> Result<u32, SettingsError> {
        self.scalar(name, assumed, |text| count(text, least))
    }

    /// An empty proxy is none, as in pxp-agent.
    pub(super) fn proxy(&mut self, name: &'static str) -> Result<Option<Proxy>, SettingsError> {
        let proxy = self.scalar(name, "", |text| match text {
            "" => Ok(None),
            text if text.contains("://") => Proxy::parse_url(text).map(Some),
            text => Proxy::parse_url(&format!("http://{text}")).map(Some),
        })?;
        if let (Some(proxy), Some(reading)) = (&proxy, self.readings.get_mut(name)) {
            reading.value = proxy.to_string();
        }
        Ok(proxy)
    }

    /// An empty path is none, as in pxp-agent.
    pub(super) fn path(&mut self, name: &'static str) -> Result<Option<PathBuf>, SettingsError> {
        let Some(node) = self.key(name) else {
            self.assume(name, "");
            return Ok(None);
        };
        let (text, origin) = (self.string(name, node)?, self.origin(node));
        let path = self.defaults.path(&text);
        let path = path.map_err(|fault| SettingsError::new(&origin, fault).about(name))?;
        self.state(name, text, origin);
        Ok((!path.is_empty()).then(|| path.into()))
    }

    /// A number or a string: HOCON makes either of the other as it is asked for.
    fn scalar<T>(
        &mut self,
        name: &'static str,
        assumed: &'static str,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let (text, origin, rule) = match self.key(name) {
            Some(node) => {
                let text = node.scalar();
                let text = text.ok_or_else(|| self.wrong(name, node, "a number or a string"))?;
                (text.to_owned(), self.origin(node), Rule::Stated)
            }
            None => (assumed.to_owned(), Origin::Default(assumed), Rule::Default),
        };
        let value = read(&text).map_err(|fault| SettingsError::new(&origin, fault).about(name))?;
        self.readings.insert(name, Reading::new(text, origin, rule));
        Ok(value)
    }

    fn uris<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str, Origin) -> Result<T, SettingsFault>,
    ) -> Result<Option<Vec<T>>, SettingsError> {
        let Some(node) = self.key(name) else {
            self.assume(name, "");
            return Ok(None);
        };
        let Value::List(items) = &node.value else {
            return Err(self.wrong(name, node, "a list of strings"));
        };
        let mut uris = Vec::with_capacity(items.len());
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let text = self.string(name, item)?;
            let origin = self.origin(item);
            let uri = read(&text, origin.clone())
                .map_err(|fault| SettingsError::new(&origin, fault).about(name))?;
            uris.push(uri);
            texts.push(text);
        }
        let origin = self.origin(node);
        self.state(name, texts.join(","), origin);
        Ok(Some(uris))
    }

    fn string(&self, name: &str, node: &Node) -> Result<String, SettingsError> {
        let text = node.text().map(str::to_owned);
        text.ok_or_else(|| self.wrong(name, node, "a string"))
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &'static str) -> SettingsError {
        SettingsError::new(&self.origin(node), SettingsFault::Type { wanted }).about(name)
    }

    fn key(&self, name: &str) -> Option<&Node> {
        let found = self.keys.iter().find(|(key, _)| key == name);
        found.map(|(_, node)| node)
    }

    fn state(&mut self, name: &'static str, value: String, origin: Origin) {
        self.readings
            .insert(name, Reading::new(value, origin, Rule::Stated));
    }

    fn assume(&mut self, name: &'static str, assumed: &'static str) {
        let origin = Origin::Default(assumed);
        self.readings
            .insert(name, Reading::new(assumed, origin, Rule::Default));
    }

    fn origin(&self, node: &Node) -> Origin {
        Origin::File {
            path: Arc::clone(&self.path),
            line: node.line,
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
