//! The transports of a client: one connector, and trust that depends on whom it leads to.

use standin_core::{Class, Server, Service};
use standin_net::{Connector, Tls};

use super::as_it_is::role_of;
use crate::https::{Https, Keeping};
use crate::shared::Shared;

/// How a client reaches servers. Where no trust of its own is set, a way is the usual one.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    usual: Https,
    puppetdb: Https,
    /// To servers on no host of the installation.
    elsewhere: Https,
}

/// Trust that is not the usual one.
#[derive(Debug, Default)]
pub(super) struct Otherwise {
    pub(super) puppetdb: Option<Tls>,
    pub(super) elsewhere: Option<Tls>,
}

impl Ways {
    pub(super) fn new(connector: &Connector, otherwise: Otherwise, keeping: &Keeping) -> Self {
        let way = |connector: Connector| Https::new(connector, keeping.clone());
        let usual = way(connector.clone());
        let other = |tls: Option<Tls>| {
            tls.map_or_else(|| usual.clone(), |tls| way(connector.clone().tls(tls)))
        };
        Self {
            puppetdb: other(otherwise.puppetdb),
            elsewhere: other(otherwise.elsewhere),
            usual,
        }
    }

    /// The way to the servers of a service.
    pub(crate) const fn of(&self, service: Service) -> &Https {
        match service {
            Service::PuppetDb => &self.puppetdb,
            _ => &self.usual,
        }
    }

    /// The way to a server that was named by a request or by a redirect.
    pub(super) fn to(&self, shared: &Shared, server: &Server) -> &Https {
        let puppetdbs = shared.health.list(Class::Commands);
        if puppetdbs.is_some_and(|list| list.position(server).is_some()) {
            return &self.puppetdb;
        }
        let reports = shared.hub.reports.as_ref();
        let takes_reports = reports.is_some_and(|it| it.server.host() == server.host());
        match takes_reports || role_of(shared, server).is_some() {
            true => &self.usual,
            false => &self.elsewhere,
        }
    }
}
