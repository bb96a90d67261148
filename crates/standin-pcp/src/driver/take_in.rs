//! What came of what was begun.

use std::sync::Arc;

use standin_core::health::Event as HealthEvent;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Answer, Driver, Whose};
use crate::keeper::{After, Failure, Which};
use crate::link::{Happened, Link};
use crate::shared::CLASS;
use crate::walk::Made;
use crate::{AssociateError, AssociateErrorKind, Attempt, Ended, Event, Message, message_type};

impl Driver {
    /// A walk is over.
    pub(super) fn walked(&mut self, made: Result<Made, AssociateError>) {
        let (now, random) = (self.shared.clock.now(), self.random.u64(..));
        match made {
            Ok(made) => {
                self.keeper.associated(made.broker.id, now);
                let failed = made.failed.clone();
                let link = self.link_of(made);
                self.tell(Event::Associated {
                    server: link.broker.server.clone(),
                    failed,
                });
                self.present = Some(link);
                self.arrived();
            }
            Err(error) if error.kind() == AssociateErrorKind::Untrusted => {
                let at = self.keeper.not_associated(Failure::Untrusted, now, random);
                self.tell(Event::Misconfigured {
                    reason: error.to_string(),
                    again_in: at.since(now),
                });
            }
            Err(error) => {
                let at = self.keeper.not_associated(Failure::Nobody, now, random);
                self.tell(Event::NotAssociated {
                    error: Arc::new(error),
                    again_in: at.since(now),
                });
            }
        }
    }

    /// The attempt at an earlier broker is over.
    pub(super) fn tried(&mut self, made: Result<Made, Attempt>) {
        let Some((broker, _)) = self.trying.take() else {
            return;
        };
        match made {
            Ok(made) => {
                self.keeper.earlier_associated(self.shared.clock.now());
                self.earlier = Some(self.link_of(made));
            }
            Err(attempt) => {
                broker.record(&self.shared, attempt.verdict);
                self.keeper.earlier_failed();
                self.stayed(attempt.server.clone(), attempt.to_string());
            }
        }
    }

    /// An earlier broker said whether it is well.
    pub(super) fn asked(&mut self, answer: &Answer) {
        let Answer {
            health,
            probe,
            came,
        } = answer;
        let (now, random) = (self.shared.clock.now(), self.random.u64(..));
        let events = health.probed(probe, *came, now, random);
        let is_return = |event: &HealthEvent| matches!(event, HealthEvent::Failback { .. });
        if events.iter().any(is_return)
            && let Some(server) = health.id(CLASS, probe.place())
        {
            self.keeper.earlier_is_well(server);
        }
        if !events.is_empty() {
            self.remember();
        }
        standin_net::events::tell(events);
    }

    /// Something happened on a connection.
    pub(super) fn happened(&mut self, whose: Whose, happened: Happened) {
        let now = self.shared.clock.now();
        match (whose, happened) {
            (Whose::Kept(which), Happened::Ended(ended)) => self.ended(which, ended),
            (Whose::Leaving(at), Happened::Ended(_)) => {
                let left = self.leaving.swap_remove(at);
                self.outgoing.lost(left.link.number);
            }
            (whose, Happened::Text(text)) => {
                if let Whose::Kept(which) = whose {
                    self.keeper.heard(which, now);
                }
                self.deliver(whose, &text);
            }
            (whose, Happened::Pong(number)) => {
                if let Whose::Kept(which) = whose {
                    self.keeper.ponged(which, now);
                }
                if let Some(link) = self.whose(whose) {
                    let link = link.number;
                    self.outgoing.confirmed(link, number);
                }
            }
            (Whose::Kept(which), Happened::Traffic) => self.keeper.heard(which, now),
            (Whose::Kept(which), Happened::Wrote) => self.keeper.wrote(which),
            (Whose::Kept(which), Happened::Pinged) => self.keeper.pinged(which, now),
            (Whose::Leaving(_), _) => {}
        }
    }

    /// A connection ended, or is to end now.
    pub(super) fn ended(&mut self, which: Which, ended: Ended) {
        let link = match which {
            Which::Present => self.present.take(),
            Which::Earlier => self.earlier.take(),
        };
        let Some(link) = link else { return };
        self.outgoing.lost(link.number);
        if let Some(verdict) = ended.verdict() {
            link.broker.record(&self.shared, verdict);
        }
        let (now, random) = (self.shared.clock.now(), self.random.u64(..));
        let after = self.keeper.ended(which, ended.loss(), now, random);
        let server = link.broker.server;
        let reason = ended.to_string();
        let ended = Arc::new(ended);
        match after {
            After::Lost(at) => self.tell(Event::Lost {
                server,
                ended,
                again_in: at.since(now),
            }),
            After::Evicted(at) => self.tell(Event::Evicted {
                server,
                ended,
                again_in: at.since(now),
            }),
            After::Misconfigured(at) => self.tell(Event::Misconfigured {
                reason,
                again_in: at.since(now),
            }),
            After::FellBack => {
                self.tell(Event::Lost {
                    server,
                    ended,
                    again_in: std::time::Duration::ZERO,
                });
                self.present = self.earlier.take();
                self.arrived();
            }
            After::Stayed => self.stayed(server, reason),
        }
        if self.present.is_none() {
            self.trying = None;
        }
    }

    /// An earlier broker that seemed well is not: the service stays where it is.
    fn stayed(&mut self, server: standin_core::Server, reason: String) {
        if let Some(link) = &self.present {
            link.broker.take_over(&self.shared);
        }
        self.tell(Event::Stayed { server, reason });
        self.remember();
    }

    /// A message for the caller, and perhaps the end of one of his.
    fn deliver(&mut self, whose: Whose, text: &Utf8Bytes) {
        match Message::decode(text) {
            Ok(message) => {
                self.settle_by(&message);
                // There is room: nothing is read else. Nobody takes it when the handle is closed.
                let _ = self.inbox.try_send(message);
            }
            Err(error) => {
                if let Some(link) = self.whose(whose) {
                    let server = link.broker.server.clone();
                    self.tell(Event::Garbled {
                        server,
                        error: Arc::new(error),
                    });
                }
            }
        }
    }

    /// A broker that does not deliver a message answers it with an error.
    fn settle_by(&self, answer: &Message) {
        let Some(id) = answer.in_reply_to() else {
            return;
        };
        match answer.message_type() {
            message_type::ERROR => {
                let reason = answer.data::<String>();
                let reason = reason.unwrap_or_else(|_| "no reason given".to_owned());
                self.outgoing.refused(id, &reason);
            }
            message_type::UNAUTHORIZED => self.outgoing.refused(id, "unauthorized"),
            _ => {}
        }
    }

    fn link_of(&mut self, made: Made) -> Link {
        self.links += 1;
        let now = self.shared.clock.now();
        Link::new(self.links, made.broker, made.socket, now)
    }

    fn whose(&mut self, whose: Whose) -> Option<&mut Link> {
        match whose {
            Whose::Kept(which) => self.link(which),
            Whose::Leaving(at) => self.leaving.get_mut(at).map(|leaving| &mut leaving.link),
        }
    }

    pub(super) fn link(&mut self, which: Which) -> Option<&mut Link> {
        match which {
            Which::Present => self.present.as_mut(),
            Which::Earlier => self.earlier.as_mut(),
        }
    }
}
