//! A lab, and agents on it.

use std::net::IpAddr;
use std::time::Duration;

use standin_core::ServerList;
use standin_lab::{Fault, FaultGuard, Lab, Service, Target};
use standin_net::{Connector, Names, SslFiles, Tls};
use standin_pcp::{Broker, Event, Events, Options, Terms};

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";
const AGENT: &str = "agent.test";

pub(crate) const WITH_SPREAD: Duration = Duration::from_secs(10);
pub(crate) const WITHOUT_SPREAD: Duration = Duration::ZERO;

pub(crate) struct Site {
    pub(crate) lab: Lab,
}

pub(crate) struct Agent {
    events: Events,
    _broker: Broker,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self {
            lab: Lab::builder().start().await.unwrap(),
        }
    }

    /// Strikes the broker of the master.
    pub(crate) async fn fault(&self, fault: Fault) -> FaultGuard {
        let target = Target::Service(MASTER, Service::PcpBroker);
        self.lab.fault(target, fault).await.unwrap()
    }

    /// An agent that begins now. `master` is where it finds the master, if elsewhere than it is.
    pub(crate) fn agent(&self, master: Option<IpAddr>, spread: Duration) -> Agent {
        let mut names = Names::new();
        for (host, address) in self.lab.resolve() {
            let address = match master {
                Some(elsewhere) if host == MASTER => elsewhere,
                _ => address,
            };
            names = names.with(&host, address);
        }
        let files = SslFiles::in_dir(self.lab.ssl_dir(), AGENT);
        let connector = Connector::new(Tls::from_files(&files).unwrap(), names);
        let list = ServerList::parse(&format!("{MASTER},{REPLICA}"), 8142).unwrap();
        let options = Options {
            terms: Terms {
                spread,
                ..Terms::default()
            },
            ..Options::default()
        };
        let mut broker = Broker::connect(&list, connector, AGENT, options).unwrap();
        Agent {
            events: broker.events(),
            _broker: broker,
        }
    }
}

impl Agent {
    /// Waits until it is associated with the broker of `host`.
    pub(crate) async fn associated(&mut self, host: &str) {
        self.event(
            |event| matches!(event, Event::Associated { server, .. } if server.host() == host),
        )
        .await;
    }

    /// Waits until that has proven stable.
    pub(crate) async fn stable(&mut self, host: &str) {
        self.event(|event| matches!(event, Event::Stable { server } if server.host() == host))
            .await;
    }

    async fn event(&mut self, mut is_wanted: impl FnMut(&Event) -> bool) {
        while !is_wanted(&self.events.next().await.unwrap()) {}
    }
}
