//! Reports and PuppetDB commands that nobody took, kept on disk until somebody does.
//!
//! ```no_run
//! use standin::{ClientBuilder, Spooled, spool::Spool};
//!
//! # async fn send(builder: ClientBuilder, request: http::Request<String>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let spool = Spool::at("/var/lib/my-agent/spool");
//! let client = builder.spool(spool).build()?;
//!
//! let response = client.request(request).await?;
//! if let Some(spooled) = response.extensions().get::<Spooled>() {
//!     println!("kept as {}: {}", spooled.id, spooled.error); // 202, and nobody has it yet
//! }
//!
//! // A process of one run delivers at its end what it can; a longer one does so by itself.
//! let delivery = client.deliver().await?;
//! println!("{} delivered, {} left", delivery.delivered, delivery.left);
//! # Ok(())
//! # }
//! ```
//!
//! Files: `ID.TRIES.KIND` is an [`Entry`]. What no server will ever take is in `set-aside`, each with a
//! note that says why (`.why`); it is for people, the newest hundred are kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use serde::Serialize;
use standin_core::Service;
use standin_core::budget::Budget;
use standin_core::policy::Repeats;

use crate::drive::OwnBudget;
use crate::https::ResponseBody;
use crate::{Body, Client, Error, meter};

mod copy;
mod deliver;
mod directory;
mod entry;
mod error;
mod fate;
mod gate;
mod kind;
mod name;
mod room;
mod store;

pub(crate) use deliver::story;
pub use deliver::{DeliveredBy, Delivery, Stop, StopReason};
pub use entry::{Entry, EntryError};
pub use error::SpoolError;
pub use kind::Kind;
pub use name::EntryId;

use copy::Copy;
use gate::{Ended, Gate};
use room::{Room, bytes_of};
use store::Store;

/// A directory for what nobody took: see [`ClientBuilder::spool`](crate::ClientBuilder::spool).
///
/// Several processes of one user may share it.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
    room: Room,
}

impl Spool {
    /// A spool in this directory, which is made if its parent is there. It has to be the user's alone
    /// (mode 0700), and no symbolic link.
    #[must_use]
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            room: Room::default(),
        }
    }

    /// So many bytes at most, 128 MiB by default: 64 KiB for each entry.
    #[must_use]
    pub const fn bytes(mut self, most: u64) -> Self {
        self.room.bytes = most;
        self
    }

    /// So many entries at most, 2048 by default: a report and two commands every half hour, for two
    /// weeks.
    #[must_use]
    pub const fn entries(mut self, most: usize) -> Self {
        self.room.entries = most;
        self
    }

    /// How old an entry may get, two weeks by default: for so long PuppetDB keeps reports
    /// (`report-ttl`). An older one is removed, which an event at `warn` tells.
    #[must_use]
    pub const fn age(mut self, most: Duration) -> Self {
        self.room.age = most;
        self
    }
}

/// A request was kept because nobody took it, in the extensions of the response that says so.
#[derive(Clone, Debug)]
pub struct Spooled {
    /// What it is called in the spool.
    pub id: EntryId,
    /// Why nobody took it.
    pub error: Arc<Error>,
}

/// What a spool holds now, and what this process has done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpoolDepth {
    /// Entries.
    pub entries: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The age of the oldest.
    pub oldest: Option<Duration>,
    /// Entries that nobody will ever take.
    pub set_aside: usize,
    /// What this client has done so far.
    pub done: SpoolCounts,
}

/// What a client has done with its spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpoolCounts {
    /// Requests kept.
    pub kept: u64,
    /// Requests that nobody took and that were not kept either.
    pub not_kept: u64,
    /// Entries delivered.
    pub delivered: u64,
    /// Entries set aside.
    pub set_aside: u64,
    /// Entries removed since they were too old.
    pub outlived: u64,
}

/// A client's spool.
#[derive(Debug)]
pub(crate) struct Spooling {
    store: Store,
    /// Of repeats.
    budget: OwnBudget,
    gates: [Gate; Kind::ALL.len()],
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    kept: AtomicU64,
    not_kept: AtomicU64,
    delivered: AtomicU64,
    set_aside: AtomicU64,
    outlived: AtomicU64,
}

impl Spooling {
    pub(crate) fn open(spool: Spool, repeats: &Repeats) -> Result<Self, SpoolError> {
        Ok(Self {
            budget: OwnBudget(Arc::new(Budget::new(repeats))),
            store: Store::open(spool.directory, spool.room)?,
            gates: [const { Gate::new() }; Kind::ALL.len()],
            counts: Counts::default(),
        })
    }

    /// Sends a request, and keeps it if nobody takes it.
    pub(crate) async fn send(
        self: &Arc<Self>,
        client: &Client,
        request: Request<Body>,
    ) -> Result<Response<ResponseBody>, Error> {
        let service = Service::of_path(request.uri().path());
        let copy = Copy::of(client, &request);
        match client.send(request).await {
            Ok(response) => {
                if let Some(kind) = service.and_then(Kind::taken_by) {
                    self.met(client, kind);
                }
                Ok(response)
            }
            Err(error) => match copy.filter(|_| copy::is_to_be_kept(error.kind())) {
                Some(copy) => self.keep(client, copy, error).await,
                None => Err(error),
            },
        }
    }

    /// Delivers everything now, whatever failed before.
    pub(crate) async fn deliver(&self, client: &Client) -> Result<Delivery, SpoolError> {
        self.round(client, &Kind::ALL).await
    }

    pub(crate) async fn depth(&self, client: &Client) -> Result<SpoolDepth, SpoolError> {
        let [items, aside] = self.store.items().await?;
        let now = client.clock().wall();
        Ok(SpoolDepth {
            entries: items.len(),
            bytes: bytes_of(&items),
            oldest: items.first().map(|item| item.name.id.age(now)),
            set_aside: aside.len(),
            done: self.counts.read(),
        })
    }

    async fn keep(
        &self,
        client: &Client,
        copy: Copy,
        error: Error,
    ) -> Result<Response<ResponseBody>, Error> {
        let now = client.clock().wall();
        let kind = copy.kind();
        let kept = async {
            let entry = copy.entry(now, self.store.room().bytes).await?;
            let certname = entry.certname().map(String::from);
            let kept = self.store.keep(kind, entry.encode(), now).await?;
            Ok::<_, SpoolError>((kept, certname))
        };
        match kept.await {
            Ok((kept, certname)) => {
                meter::spool(kept.entries);
                self.counts.kept.fetch_add(1, Ordering::Relaxed);
                self.counts
                    .outlived
                    .fetch_add(kept.outlived as u64, Ordering::Relaxed);
                self.gates[kind.index()].kept(client.clock().now());
                let id = kept.id;
                tracing::info!(%id, %kind, certname, %error, "request is spooled: nobody took it");
                Ok(accepted(Spooled {
                    id,
                    error: Arc::new(error),
                }))
            }
            Err(refusal) => {
                self.counts.not_kept.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%kind, error = %refusal, "request that nobody took is not spooled");
                Err(error.not_spooled(refusal))
            }
        }
    }

    /// A server that takes entries of this kind has answered: delivers them in the background, if it is
    /// time.
    fn met(self: &Arc<Self>, client: &Client, kind: Kind) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !self.gates[kind.index()].pass(client.clock().now()) {
            return;
        }
        let (spooling, client) = (Arc::clone(self), client.clone());
        runtime.spawn(async move {
            match spooling.round(&client, &[kind]).await {
                Ok(delivery) if delivery.delivered > 0 => {
                    let Delivery {
                        delivered, left, ..
                    } = delivery;
                    tracing::info!(delivered, left, "spooled entries are delivered");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "spool is not delivered"),
            }
        });
    }

    async fn round(&self, client: &Client, kinds: &[Kind]) -> Result<Delivery, SpoolError> {
        let round = deliver::round(client, &self.store, &self.budget, kinds).await;
        let now = client.clock().now();
        for kind in kinds {
            let failed = match &round {
                Ok(delivery) => delivery.stops.iter().any(|stop| stop.kind == *kind),
                Err(_) => true,
            };
            let how = match failed {
                true => Ended::Failed,
                false => Ended::Done,
            };
            self.gates[kind.index()].ended(how, now, fastrand::u64(..));
        }
        if let Ok(delivery) = &round {
            meter::spool(delivery.left);
            self.counts.add(delivery);
        }
        round
    }
}

impl Counts {
    fn add(&self, delivery: &Delivery) {
        for (count, more) in [
            (&self.delivered, delivery.delivered),
            (&self.set_aside, delivery.set_aside),
            (&self.outlived, delivery.outlived),
        ] {
            count.fetch_add(more as u64, Ordering::Relaxed);
        }
    }

    fn read(&self) -> SpoolCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SpoolCounts {
            kept: read(&self.kept),
            not_kept: read(&self.not_kept),
            delivered: read(&self.delivered),
            set_aside: read(&self.set_aside),
            outlived: read(&self.outlived),
        }
    }
}

/// The answer in a server's place: RFC 9110 section 15.3.3 has it that the request was accepted and that
/// nothing was done yet.
fn accepted(spooled: Spooled) -> Response<ResponseBody> {
    let body = Bytes::from(format!(r#"{{"spooled":"{}"}}"#, spooled.id));
    let mut response = Response::new(ResponseBody::of_bytes(body));
    *response.status_mut() = StatusCode::ACCEPTED;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response.extensions_mut().insert(spooled);
    response
}
