//! An agent of the lab's.

use std::time::Duration;

use standin_core::policy::{Failback, Hysteresis};
use standin_core::{Policy, ServerList};
use standin_lab::Lab;
use standin_net::{Connector, Names, SslFiles, Tls};
use standin_pcp::{Broker, Event, Events, Options, Terms};
use tokio::time::timeout;

pub(crate) const MASTER: &str = "master.test";
pub(crate) const REPLICA: &str = "replica.test";
pub(crate) const AGENT: &str = "agent.test";
pub(crate) const URI: &str = "pcp://agent.test/agent";

/// Far above what anything here takes, even on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Agent {
    pub(crate) broker: Broker,
    events: Events,
}

impl Agent {
    /// One with the master and the replica, or whom `list` names.
    pub(crate) fn of(lab: &Lab, list: &str, certname: &str, options: Options) -> Self {
        let names = Names::new();
        let names = lab
            .resolve()
            .into_iter()
            .fold(names, |names, (host, address)| names.with(&host, address));
        let files = SslFiles::in_dir(lab.ssl_dir(), certname);
        let connector = Connector::new(Tls::from_files(&files).unwrap(), names);
        let list = ServerList::parse(list, 8142).unwrap();
        let mut broker = Broker::connect(&list, connector, certname, options).unwrap();
        Self {
            events: broker.events(),
            broker,
        }
    }

    pub(crate) fn quick(lab: &Lab) -> Self {
        Self::of(lab, &format!("{MASTER},{REPLICA}"), AGENT, quick())
    }

    /// What `wanted` finds in the next event that it says yes to.
    pub(crate) async fn event<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.next().await.unwrap();
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        timeout(LONG, found).await.expect("it happens soon")
    }

    pub(crate) async fn stable(&mut self, host: &str) {
        self.event(|event| match event {
            Event::Stable { server } if server.host() == host => Some(()),
            _ => None,
        })
        .await;
    }
}

/// The default with times about a hundred times shorter.
pub(crate) fn quick() -> Options {
    let millis = Duration::from_millis;
    Options {
        policy: Policy {
            failback: Failback::Hysteresis(Hysteresis {
                dwell: millis(600),
                spread: Duration::ZERO,
                ..Hysteresis::default()
            }),
            ..Policy::default()
        },
        terms: Terms {
            stable: millis(100),
            spread: millis(100),
            evicted_spread: millis(200),
            pause: millis(20),
            pause_most: millis(500),
            misconfigured: millis(1000),
            ..Terms::default()
        },
        ..Options::default()
    }
}
