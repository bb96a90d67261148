//! The lab's faulty wire before the real master.

use std::net::SocketAddr;

use standin::Names;
use standin_lab::{Direction, Relay, WireFault, WireGuard};

use crate::stack::Stack;
use crate::{MASTER, REPLICA};

/// Stands before the master's Puppet Server and PuppetDB, on their ports of one address of its own.
pub(crate) struct Wire {
    pub(crate) puppet_server: Relay,
    pub(crate) puppetdb: Relay,
}

/// What the wire does, so that nothing comes back from a server that is well.
pub(crate) const FATAL: [WireFault; 5] = [
    WireFault::Refuse,
    WireFault::BlackHole,
    WireFault::Silent,
    WireFault::HangUp,
    WireFault::Reset {
        direction: Direction::ToClient,
        after: 100,
    },
];

impl Wire {
    pub(crate) async fn before_the_master(stack: &Stack) -> Self {
        let server = |port| SocketAddr::new(stack.place("MASTER_ADDRESS").parse().unwrap(), port);
        let puppet_server = Relay::before(server(8140)).start().await.unwrap();
        let beside = SocketAddr::new(puppet_server.address().ip(), 8081);
        let puppetdb = Relay::before(server(8081)).listen_on(beside);
        Self {
            puppet_server,
            puppetdb: puppetdb.start().await.unwrap(),
        }
    }

    /// Names by which a client takes the way through it.
    pub(crate) fn names(&self, stack: &Stack) -> Names {
        let replica = stack.place("REPLICA_ADDRESS").parse().unwrap();
        Names::new()
            .with(MASTER, self.puppet_server.address().ip())
            .with(REPLICA, replica)
    }

    pub(crate) async fn breaks(&self, fault: WireFault) -> [WireGuard; 2] {
        [
            self.puppet_server.fault(fault).await.unwrap(),
            self.puppetdb.fault(fault).await.unwrap(),
        ]
    }
}
