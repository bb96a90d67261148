//! A wire between the client and the master's Puppet Server.

use std::net::SocketAddr;

use standin::{Names, Policy};
use standin_lab::{Direction, Lab, Service, WireFault, WireGuard};

use crate::harness::{MASTER, Stage, client};

/// Stands where the client looks for the master's Puppet Server. Ends when dropped.
pub(crate) struct Relay(standin_lab::Relay);

impl Relay {
    /// A stage whose client reaches the master's Puppet Server, and nothing else of the master,
    /// through a relay.
    pub(crate) async fn on_stage(policy: Policy) -> (Self, Stage) {
        let lab = Lab::builder().start().await.expect("a lab");
        let server = lab.master().server(Service::PuppetServer);
        let relay = Self::to(server).await;
        let names = Names::new()
            .with(MASTER, relay.0.address().ip())
            .with(lab.replica().name(), lab.replica().ip());
        let client = client(&lab, policy, names);
        (relay, Stage { lab, client })
    }

    async fn to(server: SocketAddr) -> Self {
        Self(
            standin_lab::Relay::before(server)
                .start()
                .await
                .expect("a relay"),
        )
    }

    pub(crate) async fn fault(&self, fault: WireFault) -> WireGuard {
        self.0.fault(fault).await.expect("a fault")
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.0.journal().passages().len()
    }

    /// How many bytes the client has got so far, over all connections.
    pub(crate) fn brought(&self) -> u64 {
        let passages = self.0.journal().passages();
        passages.iter().map(|passage| passage.to_client).sum()
    }

    /// Ends every connection from the server's side, and returns once the client has hung up too.
    pub(crate) async fn hang_up(&self) {
        let cut = WireFault::Cut {
            direction: Direction::ToClient,
            after: 0,
        };
        let cut = self.fault(cut).await;
        let journal = self.0.journal();
        for number in 0..self.connections() {
            journal
                .wait_for(|_| journal.passages()[number].ended.is_some())
                .await;
        }
        cut.lift().await;
    }

    /// Ends the connection that stands as soon as a request comes on it: the server closed it a
    /// moment before, and the client could not know.
    pub(crate) async fn hang_up_on_request(&self) -> WireGuard {
        let passages = self.0.journal().passages();
        let after = passages.iter().map(|passage| passage.to_server).max();
        self.fault(WireFault::Reset {
            direction: Direction::ToServer,
            after: after.unwrap_or_default() + 1,
        })
        .await
    }
}
