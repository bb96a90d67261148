//! What all requests of a client share: health, clock, names of servers, and how it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared as SharedFuture, WeakShared};
use http::HeaderValue;
use standin_core::health::{Events, Snapshot};
use standin_core::patience::Sign;
use standin_core::{Class, Health, Installation, Policy, Role, Server, jitter};
use standin_net::Clock;

use crate::rebase::Target;
use crate::{Classify, Error, OnLoss, PuppetAnswers, Run};

/// The version that requests to Puppet Server name unless they name one themselves. Any of at least
/// 5.3.1 will do; see [`crate::rebase::X_PUPPET_VERSION`].
const PUPPET_VERSION: HeaderValue = HeaderValue::from_static("8.10.0");

/// What is known and set, shared by all requests.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) health: Health,
    pub(crate) clock: Clock,
    pub(crate) classify: Box<dyn Classify>,
    pub(crate) puppet_version: HeaderValue,
    targets: [Vec<Target>; Class::COUNT],
    signs: Mutex<HashMap<Server, WeakShared<BoxFuture<'static, Sign>>>>,
}

/// What is set, before it is shared.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) installation: Installation,
    pub(crate) policy: Policy,
    pub(crate) agent: String,
    pub(crate) classify: Box<dyn Classify>,
    pub(crate) puppet_version: HeaderValue,
}

impl Settings {
    pub(crate) fn new(installation: Installation) -> Self {
        Self {
            installation,
            policy: Policy::default(),
            agent: String::new(),
            classify: Box::new(PuppetAnswers),
            puppet_version: PUPPET_VERSION,
        }
    }
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Result<Arc<Self>, Error> {
        let mut targets = [const { Vec::new() }; Class::COUNT];
        for class in Class::all() {
            if let Some(list) = settings.installation.list(class.service()) {
                targets[class.index()] =
                    list.servers().map(Target::of).collect::<Result<_, _>>()?;
            }
        }
        let agent = jitter::seed_of(&settings.agent);
        Ok(Arc::new(Self {
            health: Health::new(&settings.installation, settings.policy, agent),
            clock: Clock::start(),
            classify: settings.classify,
            puppet_version: settings.puppet_version,
            targets,
            signs: Mutex::default(),
        }))
    }

    pub(crate) fn begin_run(&self, on_loss: OnLoss) -> Run {
        self.tell(self.health.begin_run(self.clock.now()));
        Run::new(on_loss)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.health.snapshot()
    }

    pub(crate) fn target(&self, class: Class, place: usize) -> Option<&Target> {
        self.targets[class.index()].get(place)
    }

    pub(crate) fn server(&self, class: Class, place: usize) -> Option<(&Server, Role)> {
        let entry = self.health.entry(class, place)?;
        Some((&entry.server, entry.role))
    }

    /// Joins the question for a server's sign of life that is under way, or asks with `ask`.
    pub(crate) fn sign_of(
        &self,
        server: &Server,
        ask: impl FnOnce() -> BoxFuture<'static, Sign>,
    ) -> SharedFuture<BoxFuture<'static, Sign>> {
        let mut signs = self.signs.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = signs.get(server).and_then(WeakShared::upgrade);
        if let Some(under_way) = asked.filter(|asked| asked.peek().is_none()) {
            return under_way;
        }
        let asked = ask().shared();
        if let Some(weak) = asked.downgrade() {
            signs.insert(server.clone(), weak);
        }
        asked
    }

    #[inline]
    pub(crate) fn tell(&self, events: Events) {
        if !events.is_empty() {
            standin_net::events::tell(events);
        }
    }
}
