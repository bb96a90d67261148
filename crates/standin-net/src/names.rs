//! Names to addresses: what the caller says first, then the system's resolver, then what it said
//! last.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use standin_core::Moment;

use crate::Clock;

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `name`, the best first. It is asked at each connect, one question for a name
    /// at a time, and is bounded by nothing but itself.
    ///
    /// # Errors
    /// When the name has none, or nobody can say.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Resolves host names afresh at each connection.
///
/// A name that was [given an address](Names::with) keeps it, as with curl's `--resolve`, and nobody
/// is asked; so does one at a [port](Names::with_at). A name that resolved before and does not now, or not within half a second, keeps its
/// last addresses [for a while](Names::keep).
#[derive(Clone)]
pub struct Names {
    given: Arc<HashMap<String, Vec<Given>>>,
    lookup: Arc<dyn Lookup>,
    keep: Duration,
    clock: Clock,
    known: Arc<Mutex<HashMap<String, Known>>>,
}

/// An address that the caller gave a name.
#[derive(Clone, Copy, Debug)]
struct Given {
    at: At,
    address: IpAddr,
}

/// Where an address holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    EveryPort,
    Port(u16),
}

/// What is known of a name.
#[derive(Default)]
struct Known {
    last: Option<(Arc<[IpAddr]>, Moment)>,
    asking: Option<Asking>,
    freshness: Freshness,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Freshness {
    #[default]
    Fresh,
    /// The last addresses stood in, which was said.
    Stale,
}

/// A question that is under way, for all who wait for the answer.
type Asking = Shared<BoxFuture<'static, Result<Arc<[IpAddr]>, Arc<io::Error>>>>;

impl Names {
    /// The system's names only.
    #[must_use]
    pub fn new() -> Self {
        Self::asking(System)
    }

    /// Names that somebody else than the system resolves.
    #[must_use]
    pub fn asking(lookup: impl Lookup) -> Self {
        Self {
            given: Arc::default(),
            lookup: Arc::new(lookup),
            keep: KEEP,
            clock: Clock::start(),
            known: Arc::default(),
        }
    }

    /// The same with one more address for `name`, in any case.
    #[must_use]
    pub fn with(self, name: &str, address: IpAddr) -> Self {
        self.give(name, At::EveryPort, address)
    }

    /// The same with one more address for `name` at `port`, which comes before those at every port.
    #[must_use]
    pub fn with_at(self, name: &str, port: u16, address: IpAddr) -> Self {
        self.give(name, At::Port(port), address)
    }

    fn give(mut self, name: &str, at: At, address: IpAddr) -> Self {
        Arc::make_mut(&mut self.given)
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(Given { at, address });
        self
    }

    /// The addresses of `host`, at least one. IPv6 may be in brackets. Of one that was given addresses at
    /// ports alone, all of them.
    ///
    /// # Errors
    /// When it has none, or the system's resolver cannot be asked.
    pub async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, NameError> {
        let name = plain(host);
        if let Some(given) = self.given.get(&name) {
            let mut all: Vec<IpAddr> = Vec::new();
            for given in given {
                if !all.contains(&given.address) {
                    all.push(given.address);
                }
            }
            return Ok(all);
        }
        let found = self.addresses(host, 0).await?;
        Ok(found.into_iter().map(|address| address.ip()).collect())
    }

    /// How long the last good addresses of a name are used while it does not resolve; an hour unless
    /// it is said.
    #[must_use]
    pub const fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// At least one address, with `port`. `host` is as it stands in a URI: IPv6 in brackets.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, NameError> {
        let name = plain(host);
        let with_port = |all: &[IpAddr]| all.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let given = self.given_at(&name, port);
        if !given.is_empty() {
            return Ok(with_port(&given));
        }
        if let Ok(literal) = name.parse::<IpAddr>() {
            return Ok(with_port(&[literal]));
        }
        let asking = self.ask(&name);
        let answer = match self.last_good(&name) {
            None => asking.await,
            Some(last) => match tokio::time::timeout(PATIENCE, asking).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => {
                    self.stand_in(&name, &error.to_string());
                    Ok(last)
                }
                Err(_) => {
                    self.stand_in(&name, "no answer in time");
                    Ok(last)
                }
            },
        };
        match answer {
            Ok(addresses) => Ok(with_port(&addresses)),
            Err(source) => Err(NameError { name, source }),
        }
    }

    fn given_at(&self, name: &str, port: u16) -> Vec<IpAddr> {
        let given = self.given.get(name).map_or(&[][..], Vec::as_slice);
        let at = |at| {
            let fitting = given.iter().filter(move |given| given.at == at);
            fitting.map(|given| given.address)
        };
        let here: Vec<IpAddr> = at(At::Port(port)).collect();
        match here.is_empty() {
            true => at(At::EveryPort).collect(),
            false => here,
        }
    }

    /// Joins the question for `name` that is under way, or asks. The answer is taken in even if
    /// nobody waits for it any more.
    fn ask(&self, name: &str) -> Asking {
        let mut all = self.lock();
        let known = all.entry(name.to_owned()).or_default();
        if let Some(asking) = known
            .asking
            .clone()
            .filter(|asking| asking.peek().is_none())
        {
            return asking;
        }
        let looking = self.lookup.lookup(name.to_owned());
        let (names, name) = (self.clone(), name.to_owned());
        let asking = async move {
            let found = looking.await.map_err(Arc::new)?;
            if found.is_empty() {
                return Err(Arc::new(io::ErrorKind::NotFound.into()));
            }
            let found: Arc<[IpAddr]> = found.into();
            names.take_in(&name, Arc::clone(&found));
            Ok(found)
        };
        let asking = asking.boxed().shared();
        known.asking = Some(asking.clone());
        tokio::spawn(asking.clone());
        asking
    }

    fn take_in(&self, name: &str, addresses: Arc<[IpAddr]>) {
        let now = self.clock.now();
        if let Some(known) = self.lock().get_mut(name) {
            known.last = Some((addresses, now));
            known.freshness = Freshness::Fresh;
        }
    }

    fn last_good(&self, name: &str) -> Option<Arc<[IpAddr]>> {
        let now = self.clock.now();
        let all = self.lock();
        let (addresses, then) = all.get(name)?.last.as_ref()?;
        (now.since(*then) <= self.keep).then(|| Arc::clone(addresses))
    }

    fn stand_in(&self, name: &str, why: &str) {
        if let Some(known) = self.lock().get_mut(name)
            && known.freshness == Freshness::Fresh
        {
            known.freshness = Freshness::Stale;
            tracing::warn!(
                name,
                why,
                "name does not resolve; its last addresses are used"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as it is looked for: in lower case, IPv6 without brackets.
fn plain(host: &str) -> String {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
        .to_ascii_lowercase()
}

/// Long enough for a name server to be mended, short enough for an address to belong to nobody else.
const KEEP: Duration = Duration::from_secs(3600);

/// A resolver answers in milliseconds, and waits five seconds for each name server that is dead.
const PATIENCE: Duration = Duration::from_millis(500);

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("given", &self.given)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The system's resolver, `getaddrinfo`: A and AAAA, in the order of RFC 6724.
struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// A host name has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} cannot be resolved")]
pub struct NameError {
    name: String,
    #[source]
    source: Arc<io::Error>,
}

#[cfg(test)]
mod tests;
