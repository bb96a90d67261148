//! An installation: which servers each service has.

use std::borrow::Cow;

use crate::{Class, InvalidServer, InvalidServerList, Role, Server, ServerList, Service};

/// A server list for each service that the installation has.
///
/// ```
/// use standin_core::{Installation, Service};
///
/// let installation = Installation::of_hosts("master.example.com", Some("replica.example.com"))?;
/// let list = installation.list(Service::PuppetDb).expect("every service has a list");
/// assert_eq!(list.to_string(), "master.example.com:8081,replica.example.com:8081");
/// # Ok::<(), standin_core::InvalidServerList>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    lists: [Option<ServerList>; Service::ALL.len()],
    submit_only: Vec<Server>,
}

impl Installation {
    /// An installation without a service.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A master and perhaps its replica, with every service at Puppet Enterprise's ports.
    ///
    /// # Errors
    /// When a name is no host, or both are the same.
    pub fn of_hosts(master: &str, replica: Option<&str>) -> Result<Self, InvalidServerList> {
        let mut installation = Self::new();
        for service in Service::ALL {
            let hosts = [(Some(master), Role::Master), (replica, Role::Replica)];
            let entries = hosts
                .into_iter()
                .filter_map(|(host, role)| Some((Server::new(host?, service.port()), role)))
                .map(|(server, role)| Ok((server?, role)))
                .collect::<Result<Vec<_>, InvalidServer>>()?;
            installation = installation.with(service, ServerList::with_roles(entries)?);
        }
        Ok(installation)
    }

    /// The same with `list` for `service`.
    #[must_use]
    pub fn with(mut self, service: Service, list: ServerList) -> Self {
        self.lists[service.index()] = Some(list);
        self
    }

    /// The same with servers that take commands of PuppetDB beside those of its list, and are never
    /// queried: `submit_only_server_urls`. As in PuppetDB's terminus they come after the others where a
    /// command is for the first that takes it. One that is in the list as well is queried all the same.
    #[must_use]
    pub fn with_submit_only(mut self, servers: impl IntoIterator<Item = Server>) -> Self {
        self.submit_only = servers.into_iter().collect();
        self
    }

    /// The servers that a class is sent to: those of its service, and for commands of PuppetDB those
    /// that are only submitted to after them.
    #[must_use]
    pub fn list_of(&self, class: Class) -> Option<Cow<'_, ServerList>> {
        let list = self.list(class.service())?;
        Some(match class {
            Class::Commands if !self.submit_only.is_empty() => {
                Cow::Owned(list.followed_by(&self.submit_only))
            }
            _ => Cow::Borrowed(list),
        })
    }

    /// The servers of `service`, if the installation has it.
    #[must_use]
    pub fn list(&self, service: Service) -> Option<&ServerList> {
        self.lists[service.index()].as_ref()
    }

    /// The services that have servers, with their lists.
    pub fn lists(&self) -> impl Iterator<Item = (Service, &ServerList)> {
        Service::ALL
            .into_iter()
            .filter_map(|service| Some((service, self.list(service)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_get_every_service_at_its_own_port() {
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        for service in Service::ALL {
            let list = installation.list(service).unwrap();
            assert_eq!(list.to_string(), format!("m:{0},r:{0}", service.port()));
        }
    }

    #[test]
    fn a_master_alone_is_still_a_master() {
        let installation = Installation::of_hosts("m", None).unwrap();
        let list = installation.list(Service::CertificateAuthority).unwrap();
        assert_eq!(list.entries()[0].role, Role::Master);
    }

    #[test]
    fn servers_that_are_only_submitted_to_take_commands_and_nothing_else() {
        let also = ["r:8081", "x:9091", "x:9091"].map(|text| Server::parse(text, 1).unwrap());
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        let installation = installation.with_submit_only(also);
        for class in Class::all() {
            let list = installation.list_of(class).unwrap().to_string();
            let plain = installation.list(class.service()).unwrap().to_string();
            match class {
                Class::Commands => assert_eq!(list, "m:8081,r:8081,x:9091"),
                Class::Service(_) => assert_eq!(list, plain),
            }
        }
    }

    #[test]
    fn a_master_that_is_its_own_replica_is_refused() {
        assert!(Installation::of_hosts("m", Some("M")).is_err());
    }
}
