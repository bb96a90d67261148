//! The PCP broker of a host: version 2, over WebSocket, as `puppetlabs/pcp-broker` behaves.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use controller::Controller;
pub(crate) use hub::Hub;
use hub::{Close, Controllers, Handlers};
use member::Member;
pub use message::Message;
pub use record::{PcpEvent, PcpReceipt};
pub(crate) use session::Session;
pub(crate) use upgrade::Upgrade;
pub(crate) use uri::Uri;

use crate::LabError;
use crate::service::Port;
use crate::shared::{Shared, address};

mod controller;
mod hub;
mod inventory;
mod member;
mod message;
mod post;
mod record;
mod session;
pub(crate) mod upgrade;
mod uri;

/// The PCP broker of one host, and what a test can do to it.
///
/// It is at `wss://HOST:8142/pcp2/TYPE` and takes whoever shows a certificate of the lab's authority. Made by
/// [`Host::broker`](crate::Host::broker); clones mean the same broker. Faults of the connection and of the work strike it
/// as [`Service::PcpBroker`](crate::Service::PcpBroker).
///
/// ```
/// # use standin_lab::Lab;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), standin_lab::LabError> {
/// let lab = Lab::builder().start().await?;
/// let broker = lab.master().broker();
/// let mut controller = broker.controller("orchestrator.test")?;
///
/// let nobody = "pcp://nobody.test/agent";
/// let answer = controller.request(nobody, "http://puppetlabs.com/ping", serde_json::Value::Null);
/// assert_eq!(answer.await.and_then(|answer| answer.data), Some("Not connected.".into()));
/// assert_eq!(broker.associations(), ["pcp://orchestrator.test/controller"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Broker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: usize,
}

impl Broker {
    /// Where it listens.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        address(self.shared.machine(self.host), Port::PcpBroker)
    }

    /// Its URI as in `pxp-agent.conf`, to which a client appends its type: `wss://HOST:8142/pcp2/`.
    #[must_use]
    pub fn uri(&self) -> String {
        let name = &self.shared.machine(self.host).name;
        format!("wss://{name}:{}/pcp2/", Port::PcpBroker.number())
    }

    /// The URIs of the associated clients, sorted.
    #[must_use]
    pub fn associations(&self) -> Vec<String> {
        self.hub().state().uris()
    }

    /// Waits until the associations are such that `wanted` says yes, and returns them.
    ///
    /// Cancel safe. Waits for ever if they never are.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let mut states = self.hub().subscribe();
        loop {
            let uris = states.borrow_and_update().uris();
            if wanted(&uris) {
                return uris;
            }
            if states.changed().await.is_err() {
                // Cannot be: the hub holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the client of that URI is associated. Cancel safe.
    pub async fn associated(&self, client: &str) {
        self.wait_for(|uris| uris.iter().any(|uri| uri == client))
            .await;
    }

    /// Associates a controller of that certname, which needs no certificate.
    ///
    /// # Errors
    ///
    /// If the broker would not take it, as it would not take a client.
    pub fn controller(&self, certname: &str) -> Result<Controller, LabError> {
        let admitted = self
            .hub()
            .admit(Some(certname), "controller")
            .map_err(|close| LabError::NotAssociated {
                code: close.code,
                reason: close.reason,
            })?;
        let member = Member::new(Arc::clone(&self.shared), self.host, admitted);
        Ok(Controller::new(member))
    }

    /// Takes at most that many associations: a further client is closed with 1011 `Connection limit exceeded.`, also one
    /// whose URI is associated already. `None`, as at the start, is no limit.
    pub fn set_connection_limit(&self, limit: Option<usize>) {
        self.hub().set(|state| state.limit = limit);
    }

    /// How long nothing may go over new associations, in either direction, before they are closed with 1001 `Connection
    /// Idle Timeout`; 6 minutes at the start.
    pub fn set_idle_timeout(&self, idle: Duration) {
        self.hub().set(|state| state.idle_timeout = idle);
    }

    /// How long the controllers may be lost before clients are evicted; 90 s at the start. Counts from the next loss.
    pub fn set_grace_period(&self, grace: Duration) {
        self.hub().set(|state| state.grace = grace);
    }

    /// Does not authorize clients of that certname any more: new ones are closed with 4002 `Association unsuccessful.`.
    pub fn deny(&self, certname: impl Into<String>) {
        let certname = certname.into();
        self.hub().set(|state| {
            state.denied.insert(certname);
        });
    }

    /// Authorizes them again.
    pub fn allow(&self, certname: &str) {
        self.hub().set(|state| {
            state.denied.remove(certname);
        });
    }

    /// The broker loses the controllers it connects to: new clients are closed with 1011 `All controllers disconnected.`,
    /// its status is `error`, and after the grace period it [evicts](Self::evict) those it has.
    pub fn lose_controllers(&self) {
        self.hub().set(|state| {
            if state.controllers == Controllers::Connected {
                state.controllers = Controllers::Lost {
                    until: Instant::now().checked_add(state.grace),
                };
            }
        });
    }

    /// The controllers are back, and clients are taken as before.
    pub fn restore_controllers(&self) {
        self.hub().set(|state| {
            state.controllers = Controllers::Connected;
            state.handlers = Handlers::Running;
        });
    }

    /// Evicts at once, as after the grace period: stops the handlers and closes every client with 1011 `All controllers
    /// disconnected.`. [`restore_controllers`](Self::restore_controllers) is the way back.
    pub fn evict(&self) {
        self.hub().evict();
    }

    /// Stops the handlers: upgrades are answered 404, associations go on.
    pub fn stop_handlers(&self) {
        self.hub().set(|state| state.handlers = Handlers::Stopped);
    }

    /// Starts them again.
    pub fn start_handlers(&self) {
        self.hub().set(|state| state.handlers = Handlers::Running);
    }

    /// The revocation list was reloaded: closes the clients there are with 1012 `CRL reloaded`, one each 30 ms, in the
    /// order of their URIs, and returns when the last was told. Clients that come meanwhile stay.
    pub async fn reload_crl(&self) {
        for (uri, id) in self.hub().associations() {
            sleep(THROTTLE).await;
            self.hub().close(&uri, id, Close::CRL_RELOADED);
        }
    }

    fn hub(&self) -> &Hub {
        &self.shared.machine(self.host).hub
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("uri", &self.uri())
            .field("associations", &self.associations().len())
            .finish_non_exhaustive()
    }
}

/// Evicts clients of that host's broker when it has lost its controllers for too long. Never ends.
pub(crate) async fn watch_controllers(shared: Arc<Shared>, host: usize) {
    shared.machine(host).hub.watch_controllers().await;
}

/// `pcp-broker.expired-conn-throttle`.
const THROTTLE: Duration = Duration::from_millis(30);
