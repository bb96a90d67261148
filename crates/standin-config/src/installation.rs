//! The installation that settings describe: a server list for each service.

use standin_core::{Installation, Role, ServerList, Service};

use crate::roles::Roles;
use crate::stated::{Named, Stated};
use crate::{Origin, Reports, Settings, SettingsError};

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
    /// The installation that these settings describe, as [`Settings::lists`] says, with the
    /// `submit_only_server_urls` of `puppetdb.conf`.
    ///
    /// # Errors
    /// As [`Settings::lists`].
    pub fn installation(&self) -> Result<Installation, SettingsError> {
        let lists = self.lists()?.into_iter();
        let installation = lists.fold(Installation::new(), |all, found| {
            all.with(found.service, found.list)
        });
        let puppetdb = self.puppetdb.iter().filter(|_| self.hosts.is_none());
        let submit_only = puppetdb.flat_map(|conf| conf.submit_only.iter().cloned());
        Ok(installation.with_submit_only(submit_only))
    }

    /// Where reports go: `report_server` exempts them from the list only where it is set.
    ///
    /// Source: `build_resolvers` in `lib/puppet/http/client.rb` of Puppet.
    #[must_use]
    pub fn reports(&self) -> Reports<'_> {
        if self.hosts.is_some() {
            return Reports::WithTheRest;
        }
        let puppet = &self.puppet;
        let has_list = Stated::of(self).server_list.is_some();
        if puppet.sets("report_server") || (!has_list && puppet.report_server != puppet.server) {
            Reports::To(&puppet.report_server)
        } else {
            Reports::WithTheRest
        }
    }

    /// The servers of every service, in the order of [`Service::ALL`].
    ///
    /// | service | servers | else of parameters | otherwise |
    /// |---|---|---|---|
    /// | Puppet Server, file sync | `server_list` | `server_list` | `server` |
    /// | certificate authority | `ca_server`, if set | | as Puppet Server, `server` at `ca_port` |
    /// | PuppetDB | `server_urls`, if there is a `puppetdb.conf` | `puppetdb_host` | master and replica at 8081 |
    /// | RBAC, node classifier, activity | `classifier.yaml` | `classifier_host` | master and replica at 4433 |
    /// | orchestrator, code manager, console | | | master and replica at 8143, 8170, 443 |
    /// | PCP broker | `broker-ws-uris` | `pcp_broker_list` | hosts of Puppet Server at 8142 |
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
    /// Where parameters set `ha_enabled_replicas`, no replica is assumed: its hosts are replicas, and
    /// the one host beside them in a list is their master. Where it is empty, the second of a list of
    /// two would be a replica that is provisioned and not enabled, and is in no list. A
    /// `replication_mode` that is the same in all classes tells what this host itself is.
    ///
    /// Where the caller named [`hosts`](crate::Hosts), they stand for all of this.
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
struct View {
    stated: Stated,
    roles: Roles,
    servers: Named,
    authority: Named,
}

impl View {
    fn new(settings: &Settings) -> Self {
        let puppet = &settings.puppet;
        let stated = Stated::of(settings);
        let one = |server, name| Named::one(server, puppet.readings.of(name));
        let servers = stated.server_list.clone();
        let authority = match &servers {
            Some(servers) if settings.hosts.is_some() || !puppet.sets("ca_server") => {
                servers.clone()
            }
            _ => one(&puppet.ca_server, "ca_server"),
        };
        Self {
            roles: Roles::of(settings, &stated),
            servers: servers.unwrap_or_else(|| one(&puppet.server, "server")),
            authority,
            stated,
        }
    }

    fn named(&self, service: Service) -> Result<Named, SettingsError> {
        let (named, others, whose) = match service {
            Service::PuppetServer | Service::FileSync => return Ok(self.servers.clone()),
            Service::CertificateAuthority => return Ok(self.authority.clone()),
            Service::PuppetDb => (&self.stated.puppetdbs, self.pair(), PAIR),
            Service::Rbac | Service::NodeClassifier | Service::Activity => {
                (&self.stated.classifiers, self.pair(), PAIR)
            }
            Service::Orchestrator | Service::CodeManager | Service::Console => {
                (&None, self.pair(), PAIR)
            }
            Service::PcpBroker => (&self.stated.brokers, self.servers.clone(), SERVERS),
        };
        match named {
            Some(named) => Ok(named.clone()),
            None => others
                .at(service.port(), whose)
                .map_err(|fault| SettingsError::new(&others.origin, fault)),
        }
    }

    /// The servers of the master and its replica in the first list that names both, else of the
    /// master in the first that names it.
    fn pair(&self) -> Named {
        let lists = [
            Some(&self.servers),
            self.stated.classifiers.as_ref(),
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

const PAIR: &str = "the master and its replica";
const SERVERS: &str = "the hosts of Puppet Server";

#[cfg(test)]
mod tests;
