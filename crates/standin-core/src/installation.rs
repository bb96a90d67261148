//! An installation: which servers each service has.

use crate::{InvalidServer, InvalidServerList, Role, Server, ServerList, Service};

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
    fn a_master_that_is_its_own_replica_is_refused() {
        assert!(Installation::of_hosts("m", Some("M")).is_err());
    }
}
