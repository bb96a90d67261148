//! The lists of the settings, each with the setting that names it.

use std::net::IpAddr;

use standin_core::Server;

use crate::{Origin, Parameters, Settings};

/// A list of servers, or a server that stands alone.
#[derive(Debug)]
pub(super) struct Named {
    /// The setting, or the file when it has one list only.
    pub(super) setting: &'static str,
    pub(super) list: List,
    pub(super) origin: Origin,
    servers: Vec<(Server, Origin)>,
}

/// What a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// Whom the agent turns to.
    Agent,
    /// The certificate authority, where it is set.
    Authority,
    /// Where reports go, where that is set.
    Reports,
    PuppetDb,
    /// PuppetDBs that are not queried.
    SubmitOnly,
    Classifier,
    Brokers,
    /// Where files of tasks come from.
    Primaries,
}

/// All lists that there are.
#[derive(Debug)]
pub(super) struct Lists(Vec<Named>);

impl Lists {
    pub(super) fn of(settings: &Settings) -> Self {
        let puppet = &settings.puppet;
        let origin = |name| puppet.readings.of(name);
        let mut lists = Vec::new();
        if let Some(hosts) = &settings.hosts {
            let servers = [Some(&hosts.master), hosts.replica.as_ref()];
            let servers = servers.into_iter().flatten();
            lists.push(Named::all(
                List::Agent,
                "--master",
                servers,
                Origin::Override,
            ));
        } else if let Some(list) = &puppet.server_list {
            let (name, servers) = ("server_list", list.servers());
            lists.push(Named::all(List::Agent, name, servers, origin(name)));
        } else if puppet.sets("server") || parameters_have_no_agents(settings) {
            let (name, servers) = ("server", [&puppet.server]);
            lists.push(Named::all(List::Agent, name, servers, origin(name)));
        }
        if puppet.sets("ca_server") {
            let server = [&puppet.ca_server];
            lists.push(Named::all(
                List::Authority,
                "ca_server",
                server,
                origin("ca_server"),
            ));
        }
        if puppet.sets("report_server") {
            let (name, servers) = ("report_server", [&puppet.report_server]);
            lists.push(Named::all(List::Reports, name, servers, origin(name)));
        }
        if let Some(conf) = &settings.puppetdb {
            let origin = |name| conf.readings.of(name);
            let (all, rest) = ("server_urls", "submit_only_server_urls");
            lists.push(Named::all(
                List::PuppetDb,
                all,
                conf.servers.servers(),
                origin(all),
            ));
            lists.push(Named::all(
                List::SubmitOnly,
                rest,
                &conf.submit_only,
                origin(rest),
            ));
        }
        if let Some(conf) = &settings.classifier {
            let entries = conf.entries.iter();
            lists.push(Named {
                setting: "classifier.yaml",
                list: List::Classifier,
                origin: conf.origin.clone(),
                servers: entries
                    .map(|entry| (entry.server.clone(), entry.origin.clone()))
                    .collect(),
            });
        }
        if let Some(conf) = &settings.pxp_agent {
            let set = |names: [&'static str; 2]| {
                let mut names = names.into_iter();
                let found = names.find_map(|name| {
                    Some((name, conf.origin(name).filter(|origin| origin.is_set())?))
                });
                found.map(|(name, origin)| (name, origin.clone()))
            };
            if let Some((setting, origin)) = set(["broker-ws-uris", "broker-ws-uri"]) {
                let uris = conf.broker_uris.iter();
                lists.push(Named {
                    setting,
                    list: List::Brokers,
                    origin,
                    servers: uris
                        .map(|uri| (uri.server.clone(), uri.origin.clone()))
                        .collect(),
                });
            }
            if let (Some(list), Some((setting, origin))) =
                (&conf.primaries, set(["primary-uris", "master-uris"]))
            {
                lists.push(Named::all(List::Primaries, setting, list.servers(), origin));
            }
        }
        lists.extend(settings.parameters.iter().flat_map(of_parameters));
        lists.retain(|named| !named.servers.is_empty());
        Self(lists)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Named> {
        self.0.iter()
    }

    pub(super) fn get(&self, list: List) -> Option<&Named> {
        self.iter().find(|named| named.list == list)
    }

    /// Every server where a setting names it.
    pub(super) fn mentions(&self) -> impl Iterator<Item = (&Server, &Origin)> {
        let servers = self.iter().flat_map(|named| &named.servers);
        servers.map(|(server, origin)| (server, origin))
    }

    /// The same with each host where it is named first.
    pub(super) fn first_mentions(&self) -> impl Iterator<Item = (&Server, &Origin)> {
        let mut seen: Vec<&str> = Vec::new();
        self.mentions().filter(move |(server, _)| {
            let is_new = !seen.contains(&server.host());
            seen.push(server.host());
            is_new
        })
    }

    /// Where a server is named first.
    pub(super) fn origin_of(&self, server: &Server) -> Option<&Origin> {
        let mut mentions = self.mentions();
        mentions
            .find(|(named, _)| *named == server)
            .map(|(_, origin)| origin)
    }
}

impl Named {
    fn all<'a>(
        list: List,
        setting: &'static str,
        servers: impl IntoIterator<Item = &'a Server>,
        origin: Origin,
    ) -> Self {
        let servers = servers.into_iter();
        Self {
            setting,
            list,
            servers: servers
                .map(|server| (server.clone(), origin.clone()))
                .collect(),
            origin,
        }
    }

    /// The hosts in their order, each once.
    pub(super) fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for (server, _) in &self.servers {
            if !hosts.contains(&server.host()) {
                hosts.push(server.host());
            }
        }
        hosts
    }

    pub(super) fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().map(|(server, _)| server)
    }

    /// Whether agents turn to these servers themselves.
    pub(super) const fn is_for_agents(&self) -> bool {
        matches!(self.list, List::Agent | List::Brokers | List::Primaries)
    }

    pub(super) fn has(&self, host: &str) -> bool {
        self.origin_of(host).is_some()
    }

    /// Where the list names the host.
    pub(super) fn origin_of(&self, host: &str) -> Option<&Origin> {
        let mut servers = self.servers.iter();
        servers
            .find(|(server, _)| server.host() == host)
            .map(|(_, origin)| origin)
    }
}

fn parameters_have_no_agents(settings: &Settings) -> bool {
    let mut files = settings.parameters.iter();
    files.all(|parameters| parameters.server_list.is_none())
}

/// Of two parameters for one thing the first that names any counts.
fn of_parameters(parameters: &Parameters) -> impl Iterator<Item = Named> {
    let of = |list, names: &[&'static str]| {
        names.iter().find_map(|&setting| {
            let written = parameters.written.iter();
            let written = written.filter(|written| written.parameter == setting);
            let servers: Vec<_> = written
                .map(|written| (written.server.clone(), written.origin.clone()))
                .collect();
            (!servers.is_empty()).then(|| Named {
                setting,
                list,
                origin: parameters.readings.of(setting),
                servers,
            })
        })
    };
    let lists = [
        of(List::Agent, &["server_list", "agent-server-urls"]),
        of(List::PuppetDb, &["puppetdb_host"]),
        of(List::Classifier, &["classifier_host"]),
        of(List::Brokers, &["pcp_broker_ws_uris", "pcp_broker_list"]),
        of(List::Primaries, &["primary_uris", "master_uris"]),
    ];
    lists.into_iter().flatten()
}

pub(super) fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}
