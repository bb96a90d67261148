//! The brokers of an installation, and who of them is known to be well.

use std::sync::Arc;

use arc_swap::ArcSwap;
use standin_core::health::{Health, Mark, Snapshot};
use standin_core::{Class, Installation, Operation, Policy, Service, Verdict, jitter};
use standin_net::{Clock, Connector, Following, Resolver};
use tokio::runtime::Handle;

use crate::walk::Walk;
use crate::{AssociateError, AssociateErrorKind, Association};

/// The brokers of an installation. Cheap to clone; clones share all they learn.
#[derive(Clone, Debug)]
pub struct Brokers {
    shared: Arc<ArcSwap<Shared>>,
    /// Ends with the last of them.
    following: Option<Arc<Following>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) health: Health,
    pub(crate) connector: Connector,
    pub(crate) clock: Clock,
}

/// Whose health an association shares.
pub(crate) const CLASS: Class = Class::Service(Service::PcpBroker);

impl Brokers {
    /// The brokers that `installation` lists for [`Service::PcpBroker`], reached and trusted as
    /// `connector` does.
    ///
    /// `agent` is the agent's certname: it chooses the agent's share of the failback spread.
    #[must_use]
    pub fn new(
        installation: &Installation,
        connector: Connector,
        policy: Policy,
        agent: &str,
    ) -> Self {
        Self {
            shared: Arc::new(ArcSwap::from_pointee(Shared {
                health: Health::new(installation, policy, jitter::seed_of(agent)),
                connector,
                clock: Clock::start(),
            })),
            following: None,
        }
    }

    /// Other brokers from now on. An association that stands is left alone, and so is the walk of one
    /// that is being made; what is known of a broker stays known.
    pub fn set_installation(&self, installation: &Installation) {
        change(&self.shared, installation);
    }

    /// The same brokers, who are from now on those that `resolver` shows. It must be called on a tokio
    /// runtime.
    #[must_use]
    pub fn following(mut self, resolver: impl Resolver) -> Self {
        let mut lists = resolver.watch();
        self.set_installation(&lists.borrow_and_update());
        let shared = Arc::downgrade(&self.shared);
        let runtime = Handle::current();
        let following = Following::start(&runtime, Box::new(resolver), lists, move |lists| {
            if let Some(shared) = shared.upgrade() {
                change(&shared, lists);
            }
        });
        self.following = Some(Arc::new(following));
        self
    }

    /// Associates with the broker that holds the service, or with the next one that will.
    ///
    /// Connections are raced, upgrades are not: with the default policy a broker that cannot be
    /// connected to costs at most [`preference`](standin_core::policy::Connect::preference), and
    /// one that falls silent after TLS at most [`limit`](standin_core::policy::Connect::limit). An
    /// upgrade that failed is tried at the next broker, whatever the reason, since nothing but the
    /// wish to associate was sent. When all have failed, each is tried once more.
    ///
    /// Who lost the race is finished in the background, within the limit, for what it shows; so it
    /// must be called on a tokio runtime.
    ///
    /// # Errors
    /// When no broker associated; the error lists every attempt.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun. What was learned of brokers before is kept.
    pub async fn associate(&self) -> Result<Association, AssociateError> {
        let shared = &self.shared.load_full();
        // An upgrade is a GET, cheap, and harmless to repeat.
        let operation = Operation::by_method(Service::PcpBroker, "GET");
        let begun = shared.clock.now();
        match shared
            .health
            .plan(operation, None, None, begun, fastrand::u64(..))
        {
            Some(plan) => Walk::new(shared, plan, begun).go().await,
            None => Err(AssociateError::new(
                AssociateErrorKind::NoBrokers,
                Vec::new(),
            )),
        }
    }

    /// What is known of every broker now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = self.shared.load();
        shared.health.snapshot(shared.clock.now())
    }
}

fn change(shared: &ArcSwap<Shared>, installation: &Installation) {
    shared.rcu(|before| Shared {
        health: before.health.with_installation(installation),
        connector: before.connector.clone(),
        clock: before.clock,
    });
}

impl Shared {
    pub(crate) fn record(&self, place: usize, mark: Option<Mark>, verdict: Verdict) {
        if let Some(mark) = mark {
            let (now, random) = (self.clock.now(), fastrand::u64(..));
            standin_net::events::tell(self.health.record(CLASS, place, mark, verdict, now, random));
        }
    }
}
