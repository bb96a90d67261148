//! What all requests of a client share: health, clock, names of servers, and how it is told.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use futures_util::future::{BoxFuture, FutureExt, Shared as SharedFuture, WeakShared};
use http::HeaderValue;
use standin_core::health::{Events, Snapshot, Target as Forcible};
use standin_core::patience::Sign;
use standin_core::{Class, Health, Installation, Policy, Role, Server, jitter};
use standin_net::{Clock, MemoryError, MemoryFile};
use tokio::sync::watch;

use crate::broadcast;
use crate::defaults::Defaults;
use crate::memory::Keeper;
use crate::rebase::Target;
use crate::reports::Reports;
use crate::{Classify, Error, OnLoss, PuppetAnswers, Run, meter};

/// The version that requests to Puppet Server name unless they name one themselves. Any of at least
/// 5.3.1 will do; see [`crate::rebase::X_PUPPET_VERSION`].
const PUPPET_VERSION: HeaderValue = HeaderValue::from_static("8.10.0");

/// What is known of the lists as they are now. A request keeps to the one that it began with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) health: Health,
    pub(crate) clock: Clock,
    targets: [Vec<Target>; Class::COUNT],
}

/// What outlives a change of lists.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) classify: Box<dyn Classify>,
    pub(crate) defaults: Defaults,
    pub(crate) puppet_version: HeaderValue,
    pub(crate) reports: Option<Reports>,
    /// Servers that a connection is being made to which nobody waits for any more.
    finishing: Mutex<HashSet<Server>>,
    signs: Mutex<HashMap<Server, WeakShared<BoxFuture<'static, Sign>>>>,
    changes: watch::Sender<Arc<Snapshot>>,
    keeper: Option<Keeper>,
}

/// The lists as they are now, for whoever begins a request.
#[derive(Debug)]
pub(crate) struct Current {
    now: Arc<ArcSwap<Shared>>,
    /// Held while the lists are changed, so that no change is lost.
    changing: Mutex<()>,
}

/// What is set, before it is shared.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) installation: Installation,
    pub(crate) policy: Policy,
    pub(crate) agent: String,
    pub(crate) classify: Box<dyn Classify>,
    pub(crate) defaults: Defaults,
    pub(crate) puppet_version: HeaderValue,
    pub(crate) reports: Option<Server>,
    pub(crate) memory: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn new(installation: Installation) -> Self {
        Self {
            installation,
            policy: Policy::default(),
            agent: String::new(),
            classify: Box::new(PuppetAnswers),
            defaults: Defaults::default(),
            puppet_version: PUPPET_VERSION,
            reports: None,
            memory: None,
        }
    }
}

impl Current {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let clock = Clock::start();
        let targets = targets(&settings.installation)?;
        broadcast::check(&settings.installation, &settings.policy)?;
        let agent = jitter::seed_of(&settings.agent);
        let lasts = settings.policy.memory.clone();
        let file = settings.memory.as_deref();
        let file = file.map(|path| MemoryFile::new(path, &settings.agent, lasts));
        let health = Health::new(&settings.installation, settings.policy, agent);
        let mut events = Events::new();
        if let Some(file) = &file {
            events = health.recall(&file.read(clock), clock.now(), clock.wall());
        }
        let (changes, _) = watch::channel(Arc::new(health.snapshot(clock.now())));
        let hub = Hub {
            classify: settings.classify,
            defaults: settings.defaults,
            puppet_version: settings.puppet_version,
            reports: settings.reports.map(Reports::to).transpose()?,
            finishing: Mutex::default(),
            signs: Mutex::default(),
            changes,
            keeper: file.map(Keeper::new),
        };
        let shared = Arc::new(Shared {
            hub: Arc::new(hub),
            health,
            clock,
            targets,
        });
        meter::states(|| shared.snapshot());
        shared.tell(events);
        Ok(Self {
            now: Arc::new(ArcSwap::new(shared)),
            changing: Mutex::default(),
        })
    }

    /// The lists as they are now.
    pub(crate) fn now(&self) -> Arc<Shared> {
        self.now.load_full()
    }

    /// The same for a holder that asks often and changes seldom.
    pub(crate) fn watched(&self) -> arc_swap::Cache<Arc<ArcSwap<Shared>>, Arc<Shared>> {
        arc_swap::Cache::new(Arc::clone(&self.now))
    }

    /// Puts other lists in place. Requests under way finish with those that they began with.
    pub(crate) fn change(&self, installation: &Installation) -> Result<(), Error> {
        let targets = targets(installation)?;
        let _changing = lock(&self.changing);
        let before = self.now();
        broadcast::check(installation, before.health.policy())?;
        let after = Arc::new(Shared {
            hub: Arc::clone(&before.hub),
            health: before.health.with_installation(installation),
            clock: before.clock,
            targets,
        });
        meter::states(|| after.snapshot());
        self.now.store(Arc::clone(&after));
        after.show();
        Ok(())
    }

    pub(crate) fn begin_run(&self, on_loss: OnLoss) -> Run {
        let now = self.now();
        now.tell(now.health.begin_run(now.clock.now()));
        if let Some(keeper) = &now.hub.keeper {
            keeper.write_soon(&now);
        }
        Run::new(on_loss)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        let now = self.now();
        let receiver = now.hub.changes.subscribe();
        now.show();
        receiver
    }

    pub(crate) async fn remember(&self) -> Result<(), MemoryError> {
        let now = self.now();
        match now.keeper() {
            Some(keeper) => keeper.write(&now).await,
            None => Ok(()),
        }
    }

    pub(crate) fn force(&self, target: &Forcible, force: Force) {
        let now = self.now();
        now.tell(match force {
            Force::Down => now.health.force_down(target),
            Force::Up => now.health.force_up(target, now.clock.now()),
        });
    }
}

/// An operator's word.
#[derive(Clone, Copy)]
pub(crate) enum Force {
    Down,
    Up,
}

impl Shared {
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.health.snapshot(self.clock.now())
    }

    pub(crate) fn target(&self, class: Class, place: usize) -> Option<&Target> {
        self.targets[class.index()].get(place)
    }

    #[inline]
    pub(crate) fn server(&self, class: Class, place: usize) -> Option<(&Server, Role)> {
        self.health.who(class, place)
    }

    pub(crate) fn keeper(&self) -> Option<&Keeper> {
        self.hub.keeper.as_ref()
    }

    /// Says what happened, and has it written down.
    #[inline]
    pub(crate) fn tell(self: &Arc<Self>, events: Events) {
        if !events.is_empty() {
            meter::events(&events);
            standin_net::events::tell(events);
            self.show();
            if let Some(keeper) = &self.hub.keeper {
                keeper.write_soon(self);
            }
        }
    }

    /// Shows health as it is now to whoever watches it.
    fn show(&self) {
        if self.hub.changes.receiver_count() > 0 {
            self.hub.changes.send_replace(Arc::new(self.snapshot()));
        }
    }
}

impl Hub {
    /// Joins the question for a server's sign of life that is under way, or asks with `ask`.
    pub(crate) fn sign_of(
        &self,
        server: &Server,
        ask: impl FnOnce() -> BoxFuture<'static, Sign>,
    ) -> SharedFuture<BoxFuture<'static, Sign>> {
        let mut signs = lock(&self.signs);
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

    /// Whether a connection to `server` may be finished though nobody waits for it: one may.
    pub(crate) fn may_finish(&self, server: &Server) -> bool {
        lock(&self.finishing).insert(server.clone())
    }

    pub(crate) fn finished(&self, server: &Server) {
        lock(&self.finishing).remove(server);
    }
}

fn targets(installation: &Installation) -> Result<[Vec<Target>; Class::COUNT], Error> {
    let mut targets = [const { Vec::new() }; Class::COUNT];
    for class in Class::all() {
        if let Some(list) = installation.list_of(class) {
            targets[class.index()] = list.servers().map(Target::of).collect::<Result<_, _>>()?;
        }
    }
    Ok(targets)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
