//! What parameters say, as lists and hosts.

use std::path::Path;
use std::sync::Arc;

use standin_core::{Server, ServerList, Service};

use super::find::{Found, REPLICATION, origin};
use super::{Parameters, Replication, ReplicationMode, WrittenPort, WrittenServer};
use crate::listed::listed;
use crate::origin::{Reading, Readings, Rule};
use crate::tree::{Node, Value};
use crate::value::{port, without_user};
use crate::{Origin, SettingsError, SettingsFault};

/// The parameters that were `found` in the file at `path`.
pub(super) fn read(found: &Found<'_>, path: &Arc<Path>) -> Result<Parameters, SettingsError> {
    let mut reader = Reader {
        found,
        path,
        readings: Readings::default(),
        written: Vec::new(),
    };
    let read = &mut reader;
    let puppet = Service::PuppetServer.port();
    let broker = Service::PcpBroker.port();
    Ok(Parameters {
        path: path.to_path_buf(),
        server_list: read.first_of(["server_list", "agent-server-urls"], puppet, HTTPS)?,
        brokers: read.first_of(["pcp_broker_ws_uris", "pcp_broker_list"], broker, WSS)?,
        primaries: read.first_of(["primary_uris", "master_uris"], puppet, HTTPS)?,
        classifiers: read.hosts(
            "classifier_host",
            "classifier_port",
            Service::NodeClassifier.port(),
        )?,
        puppetdbs: read.hosts("puppetdb_host", "puppetdb_port", Service::PuppetDb.port())?,
        enabled_replicas: read.enabled_replicas()?,
        replication: read.replication()?,
        written: reader.written,
        readings: reader.readings,
    })
}

struct Reader<'a> {
    found: &'a Found<'a>,
    path: &'a Arc<Path>,
    readings: Readings,
    written: Vec<WrittenServer>,
}

impl<'a> Reader<'a> {
    /// The servers of the first of two parameters that names any.
    fn first_of(
        &mut self,
        [first, second]: [&'static str; 2],
        port: u16,
        scheme: &'static str,
    ) -> Result<Option<ServerList>, SettingsError> {
        let before = self.list(first, port, scheme)?;
        let after = self.list(second, port, scheme)?;
        if before.is_some() && after.is_some() {
            self.readings.put_behind(second, first);
        }
        Ok(before.or(after))
    }

    fn list(
        &mut self,
        name: &'static str,
        port: u16,
        scheme: &'static str,
    ) -> Result<Option<ServerList>, SettingsError> {
        let Some(node) = self.node(name) else {
            return Ok(None);
        };
        let mut named = Vec::new();
        for (text, item) in self.texts(name, node)? {
            named.push(self.server(name, text, item, port, scheme)?);
        }
        let list = self.listed(name, node, &named)?;
        self.written.extend(named);
        Ok(list)
    }

    /// Hosts, each at the port of its place; one port is for all of them.
    fn hosts(
        &mut self,
        hosts: &'static str,
        ports: &'static str,
        default_port: u16,
    ) -> Result<Option<ServerList>, SettingsError> {
        let ports = self.ports(ports)?;
        let Some(node) = self.node(hosts) else {
            return Ok(None);
        };
        let mut named = Vec::new();
        for (index, (text, item)) in self.texts(hosts, node)?.into_iter().enumerate() {
            let own = match ports.as_slice() {
                [one] => Some(*one),
                several => several.get(index).copied(),
            };
            let mut server = self.server(hosts, text, item, own.unwrap_or(default_port), HTTPS)?;
            if own.is_some() {
                server.port = WrittenPort::Written;
            }
            named.push(server);
        }
        let list = self.listed(hosts, node, &named)?;
        self.written.extend(named);
        Ok(list)
    }

    fn ports(&mut self, name: &'static str) -> Result<Vec<u16>, SettingsError> {
        let Some(node) = self.node(name) else {
            return Ok(Vec::new());
        };
        let texts = self.texts(name, node)?;
        let ports = texts
            .iter()
            .map(|(text, item)| {
                port(text)
                    .map_err(|fault| SettingsError::new(&self.origin(item), fault).about(name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = texts.into_iter().map(|(text, _)| text).collect();
        self.state(name, node, texts.join(","));
        Ok(ports)
    }

    fn enabled_replicas(&mut self) -> Result<Option<Vec<String>>, SettingsError> {
        const NAME: &str = "ha_enabled_replicas";
        let Some(node) = self.node(NAME) else {
            return Ok(None);
        };
        let mut hosts = Vec::new();
        for (text, item) in self.texts(NAME, node)? {
            // A port is only wanted here to make a server, whose host is in its one form.
            let server = self.server(NAME, text, item, Service::PuppetServer.port(), HTTPS)?;
            hosts.push(server.server.host().to_owned());
        }
        self.state(NAME, node, hosts.join(","));
        Ok(Some(hosts))
    }

    fn replication(&mut self) -> Result<Vec<Replication>, SettingsError> {
        let nodes = self.found.get(REPLICATION).map_or(&[][..], Vec::as_slice);
        let mut all = Vec::new();
        for node in nodes {
            let origin = self.origin(node);
            let mode = match node.scalar() {
                Some("none") => ReplicationMode::None,
                Some("source") => ReplicationMode::Source,
                Some("replica") => ReplicationMode::Replica,
                text => {
                    let text = text.unwrap_or_default().to_owned();
                    let known = "none, source or replica";
                    let fault = SettingsFault::Word { text, known };
                    return Err(SettingsError::new(&origin, fault).about(REPLICATION));
                }
            };
            all.push(Replication { mode, origin });
        }
        if let [node, ..] = nodes {
            let said: Vec<&str> = nodes.iter().filter_map(|node| node.scalar()).collect();
            self.state(REPLICATION, node, said.join(","));
        }
        Ok(all)
    }

    fn server(
        &self,
        name: &'static str,
        text: &str,
        node: &Node,
        default_port: u16,
        scheme: &'static str,
    ) -> Result<WrittenServer, SettingsError> {
        let origin = self.origin(node);
        let refused = |fault: SettingsFault| SettingsError::new(&origin, fault).about(name);
        without_user(text).map_err(refused)?;
        if text.contains("://") && !text.starts_with(scheme) {
            let text = text.to_owned();
            return Err(refused(SettingsFault::Scheme { text, scheme }));
        }
        // Two ports that cannot both be assumed tell whether one is written.
        let parse = |port| Server::parse(text, port).map_err(|fault| refused(fault.into()));
        let server = parse(default_port)?;
        let other = parse(default_port ^ 1)?;
        Ok(WrittenServer {
            parameter: name,
            text: text.to_owned(),
            port: if server == other {
                WrittenPort::Written
            } else {
                WrittenPort::Assumed
            },
            server,
            origin,
        })
    }

    /// The strings of a list, or the one that stands for a list of one.
    fn texts(
        &self,
        name: &'static str,
        node: &'a Node,
    ) -> Result<Vec<(&'a str, &'a Node)>, SettingsError> {
        let wrong = |node: &Node| {
            let fault = SettingsFault::Type {
                wanted: "a string or a list of strings",
            };
            SettingsError::new(&self.origin(node), fault).about(name)
        };
        match &node.value {
            Value::List(items) => items
                .iter()
                .map(|item| Ok((item.scalar().ok_or_else(|| wrong(item))?, item)))
                .collect(),
            _ => match node.scalar() {
                Some("") => Ok(Vec::new()),
                Some(text) => Ok(vec![(text, node)]),
                None => Err(wrong(node)),
            },
        }
    }

    /// An empty list is none, as Puppet Enterprise has it.
    fn listed(
        &mut self,
        name: &'static str,
        node: &Node,
        named: &[WrittenServer],
    ) -> Result<Option<ServerList>, SettingsError> {
        if named.is_empty() {
            self.state(name, node, String::new());
            return Ok(None);
        }
        let places = named.iter().map(|named| (&named.server, &named.origin));
        let list = listed(places, &self.origin(node)).map_err(|error| error.about(name))?;
        self.state(name, node, list.to_string());
        Ok(Some(list))
    }

    fn state(&mut self, name: &'static str, node: &Node, value: String) {
        let reading = Reading::new(value, self.origin(node), Rule::Stated);
        self.readings.insert(name, reading);
    }

    fn node(&self, name: &str) -> Option<&'a Node> {
        self.found.get(name)?.first().copied()
    }

    fn origin(&self, node: &Node) -> Origin {
        origin(node, self.path)
    }
}

const HTTPS: &str = "https://";
const WSS: &str = "wss://";
