//! Roles: which hosts are the master and its replica, over all the lists of the settings.

use std::collections::BTreeMap;

use standin_core::{Role, Server};

use crate::Settings;

/// What is known of hosts.
///
/// `server_urls` and brokers teach nothing: a compile master names its own PuppetDB first, so a
/// list of two need not be the pair there.
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<String, Role>);

impl Roles {
    pub(crate) fn of(settings: &Settings) -> Self {
        let mut roles = Self::default();
        let puppet = &settings.puppet;
        let listed: Vec<Server> = match &puppet.server_list {
            Some(list) => list.servers().cloned().collect(),
            None => Vec::new(),
        };
        let authority = puppet.sets("ca_server").then_some(&puppet.ca_server);
        // Agents of compile masters are told of those and of the authority besides.
        let are_compile_masters = authority.is_some_and(|authority| {
            let host = authority.host();
            listed.iter().all(|server| server.host() != host)
        });
        if !are_compile_masters {
            roles.learn(&listed);
        }
        if let Some(authority) = authority {
            roles.know(authority, Role::Master);
        }
        if let Some(classifier) = &settings.classifier {
            let servers: Vec<Server> = classifier.servers.servers().cloned().collect();
            roles.learn(&servers);
        }
        if are_compile_masters {
            for server in &listed {
                roles.know(server, Role::Pool);
            }
        }
        roles
    }

    /// The servers of one list with their roles.
    pub(crate) fn assign(&self, servers: &[Server]) -> Vec<(Server, Role)> {
        let known = |server: &Server| self.0.get(server.host()).copied();
        let roles: Vec<Role> = match servers {
            [first, second] if first.host() != second.host() => {
                match (known(first), known(second)) {
                    (None | Some(Role::Master), None) => vec![Role::Master, Role::Replica],
                    (first, second) => [first, second]
                        .map(|role| role.unwrap_or(Role::Pool))
                        .into(),
                }
            }
            _ => servers
                .iter()
                .map(|server| known(server).unwrap_or(Role::Pool))
                .collect(),
        };
        servers.iter().cloned().zip(roles).collect()
    }

    fn learn(&mut self, servers: &[Server]) {
        for (server, role) in self.assign(servers) {
            if role != Role::Pool {
                self.know(&server, role);
            }
        }
    }

    /// What is known first stays.
    fn know(&mut self, server: &Server, role: Role) {
        let host = server.host().to_owned();
        self.0.entry(host).or_insert(role);
    }
}
