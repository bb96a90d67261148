//! The installation that settings describe: a server list for each service.

use standin_core::{Installation, Role, Server, ServerList, Service};

use crate::roles::Roles;
use crate::{Origin, PxpAgentConf, Settings, SettingsError};

/// The servers of one service, and where the settings name them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceList {
    /// The service.
    pub service: Service,
    /// Its servers.
    pub list: ServerList,
    /// What named them. [`Origin::Default`] says whose hosts were taken when nothing did.
    pub origin: Origin,
}

impl Settings {
    /// The installation that these settings describe, as [`Settings::lists`] says.
    ///
    /// # Errors
    /// As [`Settings::lists`].
    pub fn installation(&self) -> Result<Installation, SettingsError> {
        let lists = self.lists()?.into_iter();
        Ok(lists.fold(Installation::new(), |all, found| {
            all.with(found.service, found.list)
        }))
    }

    /// The servers of every service, in the order of [`Service::ALL`].
    ///
    /// | service | servers | otherwise |
    /// |---|---|---|
    /// | Puppet Server, file sync | `server_list` | `server` |
    /// | certificate authority | `ca_server`, if set | `server_list`, else `server` at `ca_port` |
    /// | PuppetDB | `server_urls`, if there is a `puppetdb.conf` | master and replica at 8081 |
    /// | RBAC, node classifier, activity | `classifier.yaml` | master and replica at 4433 |
    /// | orchestrator, code manager, console | | master and replica at 8143, 8170, 443 |
    /// | PCP broker | `broker-ws-uris` | hosts of `server_list`, else of `server`, at 8142 |
    ///
    /// Master and replica are those of the first of `server_list`, `classifier.yaml` and `ca_server`
    /// that names both, else the master of the first that names one. Where none does, as with a
    /// load balancer, all hosts of `server_list` stand for them.
    ///
    /// A host has one role in all lists. Of a list of two, the first is the master and the second
    /// its replica, unless they are known otherwise. A `ca_server` is a master, and when it is
    /// not in `server_list`, the hosts of that are compile masters, so [`Pool`]. Whoever is not
    /// known is [`Pool`]. What a list of two in `server_urls` or `broker-ws-uris` implies holds for
    /// that list alone: a compile master names its own PuppetDB first.
    ///
    /// [`Pool`]: standin_core::Role::Pool
    ///
    /// # Errors
    /// When a list cannot be made of what the settings name.
    pub fn lists(&self) -> Result<Vec<ServiceList>, SettingsError> {
        let view = View::new(self);
        Service::ALL
            .into_iter()
            .map(|service| {
                let Named { servers, origin } = view.named(service)?;
                let list = ServerList::with_roles(view.roles.assign(&servers))
                    .map_err(|fault| SettingsError::new(&origin, fault))?;
                Ok(ServiceList {
                    service,
                    list,
                    origin,
                })
            })
            .collect()
    }
}

/// The settings, with what follows from several of them.
struct View<'a> {
    settings: &'a Settings,
    roles: Roles,
    servers: Named,
    authority: Named,
}

/// Servers, and what named them.
#[derive(Clone)]
struct Named {
    servers: Vec<Server>,
    origin: Origin,
}

impl<'a> View<'a> {
    fn new(settings: &'a Settings) -> Self {
        let puppet = &settings.puppet;
        let origin = |name| puppet.readings.of(name);
        let servers = match &puppet.server_list {
            Some(list) => Named::list(list, &origin("server_list")),
            None => Named::one(&puppet.server, origin("server")),
        };
        let follows_the_list = puppet.server_list.is_some() && !puppet.sets("ca_server");
        let authority = if follows_the_list {
            servers.clone()
        } else {
            Named::one(&puppet.ca_server, origin("ca_server"))
        };
        Self {
            settings,
            roles: Roles::of(settings),
            servers,
            authority,
        }
    }

    fn named(&self, service: Service) -> Result<Named, SettingsError> {
        let Settings {
            puppetdb,
            classifier,
            pxp_agent,
            ..
        } = self.settings;
        match service {
            Service::PuppetServer | Service::FileSync => Ok(self.servers.clone()),
            Service::CertificateAuthority => Ok(self.authority.clone()),
            Service::PuppetDb => match puppetdb {
                Some(conf) => Ok(Named::list(&conf.servers, &conf.readings.of("server_urls"))),
                None => self.pair().at(service, PAIR),
            },
            Service::Rbac | Service::NodeClassifier | Service::Activity => match classifier {
                Some(conf) => Ok(Named::list(&conf.servers, &conf.origin)),
                None => self.pair().at(service, PAIR),
            },
            Service::Orchestrator | Service::CodeManager | Service::Console => {
                self.pair().at(service, PAIR)
            }
            Service::PcpBroker => match pxp_agent.as_ref().and_then(PxpAgentConf::named_brokers) {
                Some((list, origin)) => Ok(Named::list(list, origin)),
                None => self.servers.at(service, SERVERS),
            },
        }
    }

    /// The servers of the master and its replica in the first list that names both, else of the
    /// master in the first that names it.
    fn pair(&self) -> Named {
        let classifier = self.settings.classifier.as_ref();
        let classifier = classifier.map(|conf| Named::list(&conf.servers, &conf.origin));
        let lists = [
            Some(&self.servers),
            classifier.as_ref(),
            Some(&self.authority),
        ];
        let known: Vec<Named> = lists
            .into_iter()
            .flatten()
            .filter_map(|named| self.pair_in(named))
            .collect();
        let both = known.iter().find(|named| named.servers.len() > 1);
        both.or_else(|| known.first())
            .unwrap_or(&self.servers)
            .clone()
    }

    fn pair_in(&self, named: &Named) -> Option<Named> {
        let mut assigned = self.roles.assign(&named.servers);
        assigned.retain(|(_, role)| *role != Role::Pool);
        let has_master = assigned.iter().any(|(_, role)| *role == Role::Master);
        has_master.then(|| Named {
            servers: assigned.into_iter().map(|(server, _)| server).collect(),
            origin: named.origin.clone(),
        })
    }
}

impl Named {
    fn one(server: &Server, origin: Origin) -> Self {
        Self {
            servers: vec![server.clone()],
            origin,
        }
    }

    fn list(list: &ServerList, origin: &Origin) -> Self {
        Self {
            servers: list.servers().cloned().collect(),
            origin: origin.clone(),
        }
    }

    /// The same hosts at the port of `service`, each once.
    fn at(&self, service: Service, whose: &'static str) -> Result<Self, SettingsError> {
        let mut servers: Vec<Server> = Vec::new();
        for server in &self.servers {
            let server = server
                .at_port(service.port())
                .map_err(|fault| SettingsError::new(&self.origin, fault))?;
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

const PAIR: &str = "the master and its replica";
const SERVERS: &str = "the hosts of Puppet Server";

#[cfg(test)]
mod tests;
