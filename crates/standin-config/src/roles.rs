//! Roles: which hosts are the master and its replica, over all the lists of the settings.

use std::collections::BTreeMap;

use standin_core::{Role, Server};

use crate::stated::Stated;
use crate::{Origin, ReplicationMode, Settings};

/// What is known of hosts.
///
/// `server_urls` and brokers teach nothing: a compile master names its own PuppetDB first, so a
/// list of two need not be the pair there.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    hosts: BTreeMap<String, Standing>,
    /// Where `ha_enabled_replicas` is set, if it is: then no replica is assumed.
    declared: Option<Origin>,
}

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Known(Role),
    /// A replica that is not enabled, and so not failed over to.
    NotEnabled,
}

impl Roles {
    pub(crate) fn of(settings: &Settings, stated: &Stated) -> Self {
        let mut roles = Self::default();
        if let Some(hosts) = &settings.hosts {
            roles.know(hosts.master.host(), Standing::Known(Role::Master));
            if let Some(replica) = &hosts.replica {
                roles.know(replica.host(), Standing::Known(Role::Replica));
            }
            return roles;
        }
        if let Some((hosts, origin)) = &stated.enabled_replicas {
            for host in hosts {
                roles.know(host, Standing::Known(Role::Replica));
            }
            roles.declared = Some(origin.clone());
        }
        let puppet = &settings.puppet;
        let own = match (stated.replication, &roles.declared) {
            (Some(ReplicationMode::Source), _) => Some(Standing::Known(Role::Master)),
            (Some(ReplicationMode::Replica), None) => Some(Standing::Known(Role::Replica)),
            // Unless it is among those that are enabled, which is known first.
            (Some(ReplicationMode::Replica), Some(_)) => Some(Standing::NotEnabled),
            (Some(ReplicationMode::None) | None, _) => None,
        };
        if let Some(standing) = own {
            roles.know(&puppet.certname, standing);
        }
        let listed = match &stated.server_list {
            Some(named) => named.servers.as_slice(),
            None => &[],
        };
        let authority = puppet.sets("ca_server").then_some(&puppet.ca_server);
        // Agents of compile masters are told of those and of the authority besides.
        let are_compile_masters = authority.is_some_and(|authority| {
            let host = authority.host();
            listed.iter().all(|server| server.host() != host)
        });
        if !are_compile_masters {
            roles.learn(listed);
        }
        if let Some(authority) = authority {
            roles.know(authority.host(), Standing::Known(Role::Master));
        }
        if let Some(classifiers) = &stated.classifiers {
            roles.learn(&classifiers.servers);
        }
        if are_compile_masters {
            for server in listed {
                roles.know(server.host(), Standing::Known(Role::Pool));
            }
        }
        roles
    }

    /// The servers of one list with their roles, without replicas that are not enabled. Never
    /// empty: a list of nobody else keeps them, as [`Role::Pool`].
    pub(crate) fn assign(&self, servers: &[Server]) -> Vec<(Server, Role)> {
        let enabled: Vec<Server> = servers
            .iter()
            .filter(|server| self.standing(server) != Some(Standing::NotEnabled))
            .cloned()
            .collect();
        let servers = if enabled.is_empty() {
            servers.to_vec()
        } else {
            enabled
        };
        let roles = self.roles(&servers);
        servers.into_iter().zip(roles).collect()
    }

    /// The hosts that are not used, and what says that they are not enabled.
    pub(crate) fn not_enabled(&self) -> impl Iterator<Item = (&str, &Origin)> {
        let hosts = self.hosts.iter();
        let hosts = hosts.filter(|(_, standing)| **standing == Standing::NotEnabled);
        hosts.filter_map(|(host, _)| Some((host.as_str(), self.declared.as_ref()?)))
    }

    fn roles(&self, servers: &[Server]) -> Vec<Role> {
        let mut known: Vec<Option<Role>> = servers.iter().map(|server| self.role(server)).collect();
        let is_pair = matches!(servers, [first, second] if first.host() != second.host());
        match known.as_mut_slice() {
            [first @ (None | Some(Role::Master)), second @ None]
                if is_pair && self.declared.is_none() =>
            {
                (*first, *second) = (Some(Role::Master), Some(Role::Replica));
            }
            // Whoever stands beside declared replicas alone is their master.
            all if self.declared.is_some() && all.contains(&Some(Role::Replica)) => {
                let mut unknown = all.iter_mut().filter(|role| role.is_none());
                if let (Some(role), None) = (unknown.next(), unknown.next()) {
                    *role = Some(Role::Master);
                }
            }
            _ => {}
        }
        known
            .into_iter()
            .map(|role| role.unwrap_or(Role::Pool))
            .collect()
    }

    fn learn(&mut self, servers: &[Server]) {
        if self.is_pair_without_replica(servers)
            && let [master, replica] = servers
        {
            self.know(master.host(), Standing::Known(Role::Master));
            self.know(replica.host(), Standing::NotEnabled);
            return;
        }
        for (server, role) in self.assign(servers) {
            if role != Role::Pool {
                self.know(server.host(), Standing::Known(role));
            }
        }
    }

    /// Whether a list that would be a master and its replica stands beside a declaration that no
    /// replica is enabled.
    fn is_pair_without_replica(&self, servers: &[Server]) -> bool {
        let declares_none = self.declared.is_some()
            && !self
                .hosts
                .values()
                .any(|standing| *standing == Standing::Known(Role::Replica));
        match servers {
            [first, second] if declares_none && first.host() != second.host() => {
                let [first, second] = [first, second].map(|server| self.standing(server));
                matches!(first, None | Some(Standing::Known(Role::Master)))
                    && matches!(second, None | Some(Standing::NotEnabled))
            }
            _ => false,
        }
    }

    fn role(&self, server: &Server) -> Option<Role> {
        match self.standing(server)? {
            Standing::Known(role) => Some(role),
            Standing::NotEnabled => None,
        }
    }

    fn standing(&self, server: &Server) -> Option<Standing> {
        self.hosts.get(server.host()).copied()
    }

    /// What is known first stays.
    fn know(&mut self, host: &str, standing: Standing) {
        self.hosts.entry(host.to_owned()).or_insert(standing);
    }
}
