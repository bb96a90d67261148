//! The lists that settings state, whichever file does.

use standin_core::{InvalidServer, Server, ServerList};

use crate::{Origin, Parameters, PxpAgentConf, ReplicationMode, Settings};

/// Servers, and what named them.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) servers: Vec<Server>,
    pub(crate) origin: Origin,
}

impl Named {
    pub(crate) fn one(server: &Server, origin: Origin) -> Self {
        Self {
            servers: vec![server.clone()],
            origin,
        }
    }

    pub(crate) fn list(list: &ServerList, origin: Origin) -> Self {
        Self {
            servers: list.servers().cloned().collect(),
            origin,
        }
    }

    /// The same hosts at `port`, each once.
    pub(crate) fn at(&self, port: u16, whose: &'static str) -> Result<Self, InvalidServer> {
        let mut servers: Vec<Server> = Vec::new();
        for server in &self.servers {
            let server = server.at_port(port)?;
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        Ok(Self {
            servers,
            origin: Origin::Default(whose),
        })
    }
}

/// What the files of this host state, and where they say nothing, parameters.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) server_list: Option<Named>,
    pub(crate) classifiers: Option<Named>,
    pub(crate) puppetdbs: Option<Named>,
    pub(crate) brokers: Option<Named>,
    /// The hosts of the replicas that may be failed over to.
    pub(crate) enabled_replicas: Option<(Vec<String>, Origin)>,
    /// What replication makes of this host, where parameters say one thing of it.
    pub(crate) replication: Option<ReplicationMode>,
}

impl Stated {
    pub(crate) fn of(settings: &Settings) -> Self {
        if let Some(hosts) = &settings.hosts {
            return hosts.stated();
        }
        let puppet = &settings.puppet;
        let server_list = puppet.server_list.as_ref();
        let classifier = settings.classifier.as_ref();
        let puppetdb = settings.puppetdb.as_ref();
        let brokers = settings
            .pxp_agent
            .as_ref()
            .and_then(PxpAgentConf::named_brokers);
        let parameters = |list, names: &'static [_]| parameters(settings, list, names);
        Self {
            server_list: server_list
                .map(|list| Named::list(list, puppet.readings.of("server_list")))
                .or_else(|| {
                    let names = &["server_list", "agent-server-urls"];
                    parameters(|file| file.server_list.as_ref(), names)
                }),
            classifiers: classifier
                .map(|conf| Named::list(&conf.servers, conf.origin.clone()))
                .or_else(|| parameters(|file| file.classifiers.as_ref(), &["classifier_host"])),
            puppetdbs: puppetdb
                .map(|conf| Named::list(&conf.servers, conf.readings.of("server_urls")))
                .or_else(|| parameters(|file| file.puppetdbs.as_ref(), &["puppetdb_host"])),
            brokers: brokers
                .map(|(list, origin)| Named::list(list, origin.clone()))
                .or_else(|| {
                    let names = &["pcp_broker_ws_uris", "pcp_broker_list"];
                    parameters(|file| file.brokers.as_ref(), names)
                }),
            enabled_replicas: settings.parameters.iter().find_map(|file| {
                let hosts = file.enabled_replicas.clone()?;
                Some((hosts, file.readings.of("ha_enabled_replicas")))
            }),
            replication: settings.parameters.iter().find_map(sole_mode),
        }
    }
}

/// The mode that all classes of a file set. Where they set several, the file is not of one host.
fn sole_mode(file: &Parameters) -> Option<ReplicationMode> {
    let (first, others) = file.replication.split_first()?;
    let alike = others.iter().all(|other| other.mode == first.mode);
    alike.then_some(first.mode)
}

/// The list of the first file that has it, where the first of `names` that names any does.
fn parameters(
    settings: &Settings,
    list: fn(&Parameters) -> Option<&ServerList>,
    names: &'static [&'static str],
) -> Option<Named> {
    settings.parameters.iter().find_map(|file| {
        let list = list(file)?;
        let named = |name: &&&str| {
            file.readings
                .get(name)
                .is_some_and(|one| !one.value.is_empty())
        };
        let name = names.iter().find(named)?;
        Some(Named::list(list, file.readings.of(name)))
    })
}
