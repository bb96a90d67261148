//! What an association shares with the attempts and questions that it begins.

use standin_core::health::Health;
use standin_core::{Class, Moment, Operation, Server, Service};
use standin_net::{Clock, Connector, MemoryFile};

use crate::{BrokerUri, ClientType};

/// The brokers and what is known of them.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) health: Health,
    pub(crate) connector: Connector,
    pub(crate) clock: Clock,
    pub(crate) client_type: ClientType,
    pub(crate) memory: Option<MemoryFile>,
}

/// Whose health an association shares.
pub(crate) const CLASS: Class = Class::Service(Service::PcpBroker);

/// An upgrade is a GET, cheap, and harmless to repeat.
pub(crate) fn upgrade_operation() -> Operation {
    Operation::by_method(Service::PcpBroker, "GET")
}

impl Shared {
    pub(crate) fn uri(&self, server: &Server) -> BrokerUri {
        BrokerUri::of(server, &self.client_type)
    }

    /// Takes in what an earlier process learned.
    pub(crate) fn recall(&self) {
        let Some(memory) = &self.memory else { return };
        let remembered = memory.read(self.clock);
        let (now, wall) = (self.clock.now(), self.clock.wall());
        standin_net::events::tell(self.health.recall(&remembered, now, wall));
    }

    /// Writes down what was learned. That it cannot be is no reason to stop.
    pub(crate) async fn remember(&self) {
        let Some(memory) = &self.memory else { return };
        let now: Moment = self.clock.now();
        let learned = self.health.recollection(now, self.clock.wall());
        match memory.write(learned.clone(), self.clock).await {
            Ok(()) => self.health.written(&learned),
            Err(error) => tracing::debug!(%error, "memory is not written"),
        }
    }
}
