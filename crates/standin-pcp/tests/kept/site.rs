//! Brokers that are started, and an agent that has them in this order. The clock is paused: both ends
//! run on one thread, so a wait takes no time and its length is exact.

use std::time::Duration;

use standin_core::policy::{Failback, Hysteresis};
use standin_core::{Moment, Policy, Server, ServerList};
use standin_net::{Clock, Connector, Names};
use standin_pcp::{Broker, Event, Events, Message, Options, Terms};

use crate::broker::{self, Manner};
use crate::ca::{Agent, Ca};

pub(crate) const NAME: &str = "agent.test";

pub(crate) struct Site {
    pub(crate) agent: Agent,
    pub(crate) brokers: Vec<broker::Broker>,
    pub(crate) handle: Broker,
    pub(crate) events: Events,
    clock: Clock,
    began: Moment,
}

impl Site {
    pub(crate) async fn of(manners: &[Manner]) -> Self {
        Self::with(manners, Options::default()).await
    }

    pub(crate) async fn with(manners: &[Manner], options: Options) -> Self {
        let ca = Ca::named("Puppet CA: test");
        let agent = ca.agent(NAME);
        Self::start(&ca, agent, manners, options).await
    }

    pub(crate) async fn start(ca: &Ca, agent: Agent, manners: &[Manner], options: Options) -> Self {
        let mut brokers = Vec::new();
        for (index, manner) in manners.iter().enumerate() {
            brokers.push(broker::Broker::start(ca, u8::try_from(index).unwrap(), *manner).await);
        }
        let clock = Clock::start();
        let mut handle = connect(&agent, &brokers, options);
        Self {
            events: handle.events(),
            handle,
            agent,
            brokers,
            clock,
            began: clock.now(),
        }
    }

    pub(crate) fn server(&self, index: usize) -> Server {
        self.brokers[index].server.clone()
    }

    /// Since the agent began, or since [`Site::restarts_the_watch`].
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now().since(self.began)
    }

    pub(crate) fn restarts_the_watch(&mut self) {
        self.began = self.clock.now();
    }

    /// The next event that `wanted` says yes to; others are passed over.
    pub(crate) async fn event<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let event = self.events.next().await.expect("the task lives");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    pub(crate) async fn associated(&mut self) -> Server {
        self.event(|event| match event {
            Event::Associated { server, .. } => Some(server.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn stable(&mut self) -> Server {
        self.event(|event| match event {
            Event::Stable { server } => Some(server.clone()),
            _ => None,
        })
        .await
    }

    /// Associated with a broker, and that is proven.
    pub(crate) async fn is_stable_at(&mut self, index: usize) {
        assert_eq!(self.stable().await, self.server(index));
        self.restarts_the_watch();
    }

    /// The next pause that was told.
    pub(crate) async fn pause(&mut self) -> Duration {
        self.event(|event| match event {
            Event::Lost { again_in, .. }
            | Event::Evicted { again_in, .. }
            | Event::Misconfigured { again_in, .. }
            | Event::NotAssociated { again_in, .. } => Some(*again_in),
            _ => None,
        })
        .await
    }

    /// Sends a question and waits for its echo.
    pub(crate) async fn echoes(&mut self, word: &str) {
        let delivery = self.handle.send(message(word));
        let echo = self.handle.next().await.unwrap();
        assert_eq!(echo.data::<String>().unwrap(), word);
        let outcome = delivery.await;
        assert!(
            matches!(outcome, standin_pcp::Outcome::Sent { .. }),
            "{outcome:?}"
        );
    }
}

pub(crate) fn connect(agent: &Agent, brokers: &[broker::Broker], options: Options) -> Broker {
    let mut names = Names::new();
    for broker in brokers {
        names = names.with(broker.server.host(), broker.address);
    }
    let list = ServerList::new(brokers.iter().map(|broker| broker.server.clone())).unwrap();
    let connector = Connector::new(agent.tls.clone(), names);
    Broker::connect(&list, connector, NAME, options).unwrap()
}

/// A message that may be repeated.
pub(crate) fn message(word: &str) -> Message {
    let message = Message::new(standin_pcp::message_type::BLOCKING_RESPONSE);
    message.with_data(&word).unwrap()
}

/// Without the spread of a fleet.
pub(crate) fn at_once() -> Options {
    Options {
        terms: Terms {
            spread: Duration::ZERO,
            evicted_spread: Duration::ZERO,
            ..Terms::default()
        },
        ..Options::default()
    }
}

/// The same, and back to an earlier broker as soon as that was well for 30 s.
pub(crate) fn returning() -> Options {
    Options {
        policy: Policy {
            failback: Failback::Hysteresis(Hysteresis {
                spread: Duration::ZERO,
                ..Hysteresis::default()
            }),
            ..Policy::default()
        },
        ..at_once()
    }
}

/// Two spans that may differ by what a machine needs to do things.
pub(crate) fn assert_about(took: Duration, millis: u64) {
    let expected = Duration::from_millis(millis);
    let late = expected + Duration::from_millis(20);
    let early = expected.saturating_sub(Duration::from_millis(1));
    assert!(
        (early..late).contains(&took),
        "{took:?} is not {expected:?}"
    );
}
