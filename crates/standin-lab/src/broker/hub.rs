//! Who is associated with one host's broker, and whether it takes anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::inventory::{Change, ChangeKind, Query, Updates};
use super::message::Message;
use super::uri::Uri;

/// The broker of one host behind its connections.
#[derive(Debug)]
pub(crate) struct Hub {
    state: watch::Sender<State>,
}

/// A broker at one moment.
#[derive(Debug)]
pub(crate) struct State {
    clients: BTreeMap<Uri, Client>,
    next_client: u64,
    pub(crate) handlers: Handlers,
    pub(crate) controllers: Controllers,
    pub(crate) limit: Option<usize>,
    pub(crate) grace: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) denied: BTreeSet<String>,
}

/// An associated client.
#[derive(Debug)]
struct Client {
    id: u64,
    outbox: Outbox,
    subscription: Option<Query>,
}

/// Whether upgrades are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handlers {
    Running,
    Stopped,
}

/// How the broker stands with the controllers it connects to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controllers {
    Connected,
    /// All lost; clients are evicted at that moment, if it is not beyond the end of time.
    Lost {
        until: Option<Instant>,
    },
    /// Lost for longer than the grace period: clients were evicted.
    Isolated,
}

/// What a connection is told to do.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Message(Message),
    /// For a subscriber, who gets them in batches.
    Change(Change),
    Close(Close),
    /// Without a closing handshake: a newer connection has taken the URI.
    Disconnect,
}

/// Unbounded, as a lab's tests are not.
pub(crate) type Outbox = mpsc::UnboundedSender<Outgoing>;

/// A close code and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

/// What a client got when it was admitted.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) uri: Uri,
    pub(crate) id: u64,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: mpsc::UnboundedReceiver<Outgoing>,
}

/// Codes and reasons: `puppetlabs/pcp-broker`, `src/puppetlabs/pcp/broker/core.clj`.
impl Close {
    pub(crate) const NOT_RUNNING: Self = Self::new(1011, "Broker is not running.");
    pub(crate) const NO_CONTROLLERS: Self = Self::new(1011, "All controllers disconnected.");
    pub(crate) const LIMIT: Self = Self::new(1011, "Connection limit exceeded.");
    pub(crate) const UNASSOCIATED: Self = Self::new(4002, "Association unsuccessful.");
    pub(crate) const NO_CERTIFICATE: Self = Self::new(4003, "No client certificate.");
    pub(crate) const CRL_RELOADED: Self = Self::new(1012, "CRL reloaded");
    /// Jetty's own, beneath the broker.
    pub(crate) const IDLE: Self = Self::new(1001, "Connection Idle Timeout");
    /// Jetty's own, beneath the broker.
    pub(crate) const TOO_LARGE: Self = Self::new(1009, "Text message too large");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(State {
                clients: BTreeMap::new(),
                next_client: 0,
                handlers: Handlers::Running,
                controllers: Controllers::Connected,
                limit: None,
                grace: GRACE,
                idle_timeout: IDLE_TIMEOUT,
                denied: BTreeSet::new(),
            }),
        }
    }

    pub(crate) fn state(&self) -> watch::Ref<'_, State> {
        self.state.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Whether it has lost its controllers.
    pub(crate) fn is_isolated(&self) -> bool {
        self.state().controllers != Controllers::Connected
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// Associates a client, in the order of the real broker's checks. An older association of the same URI ends.
    pub(crate) fn admit(
        &self,
        certname: Option<&str>,
        client_type: &str,
    ) -> Result<Admitted, Close> {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let mut admitted = Err(Close::NO_CERTIFICATE);
        self.state.send_modify(|state| {
            admitted = state.admit(certname, client_type, outbox.clone());
        });
        let (uri, id) = admitted?;
        Ok(Admitted {
            uri,
            id,
            outbox,
            inbox,
        })
    }

    /// Ends an association, unless the URI has passed to another connection.
    pub(crate) fn leave(&self, uri: &Uri, id: u64) {
        self.state.send_if_modified(|state| {
            let is_its_own = state.clients.get(uri).is_some_and(|client| client.id == id);
            if is_its_own {
                state.clients.remove(uri);
                state.tell(uri, ChangeKind::Went);
            }
            is_its_own
        });
    }

    /// Answers an inventory request of the association `id`, before any change that comes after it.
    pub(crate) fn answer_inventory(&self, uri: &Uri, id: u64, request: &str, query: Query) {
        self.state.send_modify(|state| {
            let uris: Vec<_> = state
                .clients
                .keys()
                .filter(|client| query.matches(client))
                .map(Uri::as_str)
                .collect();
            let answer = Message::new("http://puppetlabs.com/inventory_response")
                .to(uri)
                .answering(request)
                .data(json!({"uris": uris}));
            if let Some(client) = state.clients.get_mut(uri).filter(|client| client.id == id) {
                client.send(Outgoing::Message(answer));
                client.subscription = (query.updates == Updates::Wanted).then_some(query);
            }
        });
    }

    /// Hands a message to the client it is for.
    pub(crate) fn deliver(&self, target: &Uri, message: Message) -> Result<(), NotConnected> {
        let state = self.state.borrow();
        let client = state.clients.get(target).ok_or(NotConnected)?;
        client
            .outbox
            .send(Outgoing::Message(message))
            .map_err(|_| NotConnected)
    }

    /// Lets every client be closed, and no upgrade be answered.
    pub(crate) fn evict(&self) {
        self.state.send_modify(|state| {
            state.controllers = Controllers::Isolated;
            state.handlers = Handlers::Stopped;
            for client in state.clients.values() {
                client.send(Outgoing::Close(Close::NO_CONTROLLERS));
            }
        });
    }

    /// The associations there are, to be closed one by one.
    pub(crate) fn associations(&self) -> Vec<(Uri, u64)> {
        let state = self.state.borrow();
        let all = state.clients.iter();
        all.map(|(uri, client)| (uri.clone(), client.id)).collect()
    }

    /// Closes that association, if it is still the same.
    pub(crate) fn close(&self, uri: &Uri, id: u64, close: Close) {
        let state = self.state.borrow();
        if let Some(client) = state.clients.get(uri).filter(|client| client.id == id) {
            client.send(Outgoing::Close(close));
        }
    }

    /// Evicts the clients whenever controllers have been lost for the grace period. Never ends.
    pub(crate) async fn watch_controllers(&self) {
        let mut states = self.state.subscribe();
        loop {
            let now = states.borrow_and_update().controllers;
            let changed = states.wait_for(|state| state.controllers != now);
            match now {
                Controllers::Lost { until: Some(until) } => tokio::select! {
                    _ = changed => {}
                    () = tokio::time::sleep_until(until) => self.evict(),
                },
                Controllers::Connected
                | Controllers::Lost { until: None }
                | Controllers::Isolated => {
                    // An error cannot be: this hub holds the sender.
                    let _ = changed.await;
                }
            }
        }
    }
}

impl State {
    pub(crate) fn uris(&self) -> Vec<String> {
        self.clients.keys().map(Uri::to_string).collect()
    }

    fn admit(
        &mut self,
        certname: Option<&str>,
        client_type: &str,
        outbox: Outbox,
    ) -> Result<(Uri, u64), Close> {
        let certname = certname.ok_or(Close::NO_CERTIFICATE)?;
        if self.controllers != Controllers::Connected {
            return Err(Close::NO_CONTROLLERS);
        }
        if self.limit.is_some_and(|limit| self.clients.len() >= limit) {
            return Err(Close::LIMIT);
        }
        if client_type == BROKER_TYPE || self.denied.contains(certname) {
            return Err(Close::UNASSOCIATED);
        }
        let uri = Uri::new(certname, client_type);
        let id = self.next_client;
        self.next_client += 1;
        let client = Client {
            id,
            outbox,
            subscription: None,
        };
        if let Some(old) = self.clients.insert(uri.clone(), client) {
            old.send(Outgoing::Disconnect);
        }
        self.tell(&uri, ChangeKind::Came);
        Ok((uri, id))
    }

    fn tell(&self, changed: &Uri, kind: ChangeKind) {
        for client in self.clients.values() {
            let wanted = client.subscription.as_ref();
            if wanted.is_some_and(|query| query.matches(changed)) {
                client.send(Outgoing::Change(Change {
                    client: changed.clone(),
                    kind,
                }));
            }
        }
    }
}

impl Client {
    fn send(&self, outgoing: Outgoing) {
        // A connection that has just ended needs to be told nothing.
        let _ = self.outbox.send(outgoing);
    }
}

/// The target is not associated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotConnected;

/// The type in the URIs of brokers, which no client may have.
const BROKER_TYPE: &str = "server";

/// `pcp-broker.controller-disconnection-graceperiod`.
const GRACE: Duration = Duration::from_secs(90);

/// `pcp-broker.idle-timeout`.
const IDLE_TIMEOUT: Duration = Duration::from_secs(6 * 60);
