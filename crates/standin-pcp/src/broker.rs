//! The handle of an association that is kept.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde::Serialize;
use standin_core::health::{Health, Snapshot};
use standin_core::{Installation, Moment, Policy, Repeat, Server, ServerList, Service, jitter};
use standin_net::{Connector, Following, MemoryFile, Resolver};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::driver::Driver;
use crate::outgoing::Outgoing;
use crate::shared::{Shared, installation};
use crate::{ClientType, Delivery, Event, Events, InvalidPcpUri, Message, PcpUri, Terms};

/// An association with the right broker, always one: when it ends, another is made, and messages wait
/// meanwhile. A stream of what comes in.
///
/// The work is done on a task of its own, which ends when the handle is closed or dropped.
#[derive(Debug)]
pub struct Broker {
    sender: Sender,
    messages: mpsc::Receiver<Message>,
    events: broadcast::Sender<Event>,
    /// Since the beginning, for whoever asks first.
    first: Option<Events>,
    standing: watch::Receiver<Standing>,
    shared: Arc<Shared>,
    closing: mpsc::Sender<()>,
    task: JoinHandle<()>,
    /// Ends with the handle.
    following: Option<Following>,
}

/// What may be set about an association.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How brokers are chosen, connected to and returned to: the same as for HTTP.
    pub policy: Policy,
    /// On what terms the association is kept.
    pub terms: Terms,
    /// What the client calls itself.
    pub client_type: ClientType,
    /// Where what is learned is kept for the next process. `None`, the default, forgets it.
    pub memory: Option<MemoryFile>,
}

impl Broker {
    /// Begins to associate with the brokers of `list`, reached and trusted as `connector` does, and
    /// keeps at it. `certname` is the name in the client's certificate: it makes the client's
    /// address, and its share of every spread.
    ///
    /// It returns at once; what happens is told by [`Broker::events`]. The memory is read here, which
    /// blocks on the file system for a few kilobytes.
    ///
    /// # Errors
    /// When the certname makes no address.
    ///
    /// # Panics
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    pub fn connect(
        list: &ServerList,
        connector: Connector,
        certname: &str,
        options: Options,
    ) -> Result<Self, InvalidPcpUri> {
        let Options {
            policy,
            terms,
            client_type,
            memory,
        } = options;
        let uri = PcpUri::new(certname, client_type.as_str())?;
        let seed = jitter::seed_of(certname);
        let health = Health::new(&installation(Some(list)), policy, seed);
        let shared = Arc::new(Shared::new(health, connector, client_type, memory));
        shared.recall();
        let outgoing = Arc::new(Outgoing::new(terms.queue.clone(), shared.clock));
        let (inbox, messages) = mpsc::channel(terms.inbox.max(1));
        let (events, first) = broadcast::channel(EVENTS);
        let (standing_in, standing) = watch::channel(Standing::default());
        let (closing, close) = mpsc::channel(1);
        let sender = Sender {
            outgoing: Arc::clone(&outgoing),
            uri,
        };
        let driver = Driver::new(
            Arc::clone(&shared),
            terms,
            certname,
            outgoing,
            inbox,
            events.clone(),
            standing_in,
        );
        Ok(Self {
            sender,
            messages,
            events,
            first: Some(Events(first)),
            standing,
            shared,
            closing,
            task: tokio::spawn(driver.run(close)),
            following: None,
        })
    }

    /// The next message; `None` never comes while the handle lives, but for a panic in its task. It
    /// should be awaited whenever nothing else is done: who does not take messages slows the broker
    /// down.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Sends a message. It never waits: what cannot be sent now is kept, within the bounds of
    /// [`Terms::queue`]. The outcome is there to be awaited.
    pub fn send(&self, message: Message) -> Delivery {
        self.sender.send(message)
    }

    /// A way to send for tasks of their own.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// What happens to the association: the first time since [`Broker::connect`], later from now on.
    #[must_use]
    pub fn events(&mut self) -> Events {
        let first = self.first.take();
        first.unwrap_or_else(|| Events(self.events.subscribe()))
    }

    /// Other brokers from now on. What is known of a broker stays known; an association that stands is
    /// left alone, also with one that is not listed any more.
    pub fn set_list(&self, list: &ServerList) {
        self.shared.set_list(Some(list));
    }

    /// The same handle, whose brokers are from now on those that `resolver` shows. While it shows none,
    /// each attempt fails and says so.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn following(mut self, resolver: impl Resolver) -> Self {
        let mut lists = resolver.watch();
        let first = lists.borrow_and_update().clone();
        self.shared.set_list(first.list(Service::PcpBroker));
        let shared = Arc::downgrade(&self.shared);
        let take_up = move |lists: &Installation| {
            if let Some(shared) = shared.upgrade() {
                shared.set_list(lists.list(Service::PcpBroker));
            }
        };
        let (runtime, resolver) = (Handle::current(), Box::new(resolver));
        self.following = Some(Following::start(&runtime, resolver, lists, take_up));
        self
    }

    /// The client's own address.
    #[must_use]
    pub const fn uri(&self) -> &PcpUri {
        &self.sender.uri
    }

    /// How things stand now.
    #[must_use]
    pub fn status(&self) -> Status {
        let now = self.shared.clock.now();
        let standing = self.standing.borrow().clone();
        let (queued, unconfirmed) = self.sender.outgoing.counts();
        Status {
            association: standing.with.map(|with| AssociationStatus {
                server: with.server,
                for_so_long: now.since(with.since),
                is_stable: with.is_stable,
            }),
            next_attempt_in: standing.next_attempt.map(|at| at.since(now)),
            queued,
            unconfirmed,
            brokers: self.shared.health().snapshot(now),
        }
    }

    /// Sends what is queued, if that takes no longer than [`Terms::leave`], closes the association and
    /// writes the memory. What was not sent by then is refused.
    ///
    /// # Cancel safety
    /// Dropping the future closes at once, as dropping the handle does.
    pub async fn close(mut self) {
        let _ = self.closing.send(()).await;
        self.messages.close();
        let _ = (&mut self.task).await;
    }
}

impl Stream for Broker {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.messages.poll_recv(context)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.task.abort();
        self.sender.outgoing.close();
    }
}

/// A way to send messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    outgoing: Arc<Outgoing>,
    uri: PcpUri,
}

impl Sender {
    /// As [`Broker::send`]. Messages go in the order in which they are handed in; one that may be
    /// repeated may come twice, with the same id.
    pub fn send(&self, message: Message) -> Delivery {
        let repeat = message.repeat();
        self.send_with(message, None, repeat)
    }

    /// The same with a time to live of its own, and with the caller's word on whether sending it
    /// twice does harm, in place of [`Message::repeat`].
    pub fn send_with(&self, message: Message, ttl: Option<Duration>, repeat: Repeat) -> Delivery {
        let message = match message.sender() {
            Some(_) => message,
            None => message.from(self.uri.clone()),
        };
        self.outgoing.push(&message, ttl, repeat)
    }
}

/// How an association stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The present association, if there is one.
    pub association: Option<AssociationStatus>,
    /// When the next attempt is made, if one is waited for.
    #[serde(serialize_with = "seconds")]
    pub next_attempt_in: Option<Duration>,
    /// Messages that were not written yet.
    pub queued: usize,
    /// Messages that were written and that the broker has not confirmed.
    pub unconfirmed: usize,
    /// What is known of each broker, and which holds the service.
    pub brokers: Snapshot,
}

/// A present association.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssociationStatus {
    /// With whom.
    pub server: Server,
    /// For how long, in seconds.
    #[serde(rename = "for", serialize_with = "plain_seconds")]
    pub for_so_long: Duration,
    /// Whether it has lasted for long enough to count as a success.
    pub is_stable: bool,
}

/// What the driver tells of the association.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) with: Option<With>,
    pub(crate) next_attempt: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct With {
    pub(crate) server: Server,
    pub(crate) since: Moment,
    pub(crate) is_stable: bool,
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
fn seconds<S: serde::Serializer>(
    span: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64()).serialize(serializer)
}

fn plain_seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}

/// Events that are kept for who takes them slowly.
const EVENTS: usize = 64;
