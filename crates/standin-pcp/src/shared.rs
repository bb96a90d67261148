//! What an association shares with the attempts and questions that it begins.

use std::sync::Arc;

use arc_swap::ArcSwap;
use standin_core::health::Health;
use standin_core::{Class, Installation, Operation, Server, ServerList, Service};
use standin_net::{Clock, Connector, MemoryFile};

use crate::{BrokerUri, ClientType};

/// The brokers and what is known of them.
#[derive(Debug)]
pub(crate) struct Shared {
    health: ArcSwap<Health>,
    pub(crate) connector: Connector,
    pub(crate) clock: Clock,
    pub(crate) client_type: ClientType,
    pub(crate) memory: Option<MemoryFile>,
}

/// Whose health an association shares.
pub(crate) const CLASS: Class = Class::Service(Service::PcpBroker);

/// An installation of brokers and nothing else.
pub(crate) fn installation(list: Option<&ServerList>) -> Installation {
    match list {
        Some(list) => Installation::new().with(Service::PcpBroker, list.clone()),
        None => Installation::new(),
    }
}

/// An upgrade is a GET, cheap, and harmless to repeat.
pub(crate) fn upgrade_operation() -> Operation {
    Operation::by_method(Service::PcpBroker, "GET")
}

impl Shared {
    pub(crate) fn new(
        health: Health,
        connector: Connector,
        client_type: ClientType,
        memory: Option<MemoryFile>,
    ) -> Self {
        Self {
            health: ArcSwap::from_pointee(health),
            connector,
            clock: Clock::start(),
            client_type,
            memory,
        }
    }

    /// What is known of the brokers that are listed now.
    pub(crate) fn health(&self) -> Arc<Health> {
        self.health.load_full()
    }

    /// Other brokers from now on; what is known of one stays known.
    pub(crate) fn set_list(&self, list: Option<&ServerList>) {
        let installation = installation(list);
        self.health
            .rcu(|before| before.with_installation(&installation));
    }

    pub(crate) fn uri(&self, server: &Server) -> BrokerUri {
        BrokerUri::of(server, &self.client_type)
    }

    /// Takes in what an earlier process learned.
    pub(crate) fn recall(&self) {
        let Some(memory) = &self.memory else { return };
        let remembered = memory.read(self.clock);
        let (now, wall) = (self.clock.now(), self.clock.wall());
        standin_net::events::tell(self.health().recall(&remembered, now, wall));
    }

    /// Writes down what was learned. That it cannot be is no reason to stop.
    pub(crate) async fn remember(&self) {
        let Some(memory) = &self.memory else { return };
        let health = self.health();
        let learned = health.recollection(self.clock.now(), self.clock.wall());
        match memory.write(learned.clone(), self.clock).await {
            Ok(()) => health.written(&learned),
            Err(error) => tracing::debug!(%error, "memory is not written"),
        }
    }
}
