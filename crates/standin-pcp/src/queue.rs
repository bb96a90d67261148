//! Outgoing messages: what waits, what was written, and what becomes of each.

use std::collections::VecDeque;

use standin_core::{Moment, Repeat, Server};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::terms;
use crate::{Outcome, Refusal, Written};

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Item<W> {
    pub(crate) id: String,
    pub(crate) text: Utf8Bytes,
    pub(crate) expires: Moment,
    pub(crate) repeat: Repeat,
    /// Who waits for its outcome.
    pub(crate) whose: W,
}

/// Messages in the order in which they were handed in: first those that were written and not
/// confirmed, then those that wait.
///
/// Every message that was taken leaves with exactly one outcome; and what is confirmed was written
/// before, on a connection that answered a ping sent behind it.
#[derive(Debug)]
pub(crate) struct Queue<W> {
    bounds: terms::Queue,
    waiting: VecDeque<(Item<W>, Written)>,
    unconfirmed: VecDeque<InFlight<W>>,
    bytes: usize,
    /// The number of the last message that was written.
    number: u64,
    state: State,
}

#[derive(Debug)]
struct InFlight<W> {
    link: u64,
    /// The broker at its other end.
    server: Server,
    number: u64,
    item: Item<W>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

/// A message's outcome, and who waits for it.
pub(crate) type Settled<W> = (W, Outcome);

impl<W> Queue<W> {
    pub(crate) const fn new(bounds: terms::Queue) -> Self {
        Self {
            bounds,
            waiting: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            bytes: 0,
            number: 0,
            state: State::Open,
        }
    }

    /// Takes a message, or refuses it.
    pub(crate) fn push(&mut self, item: Item<W>) -> Result<(), Settled<W>> {
        let bytes = item.text.len();
        let (messages, most) = (self.len(), self.bounds.bytes);
        let refusal = if self.state == State::Closed {
            Refusal::Closed
        } else if bytes > most {
            Refusal::TooLong { bytes, most }
        } else if messages >= self.bounds.messages || self.bytes + bytes > most {
            let bytes = self.bytes;
            Refusal::Full { messages, bytes }
        } else {
            self.bytes += bytes;
            self.waiting.push_back((item, Written::No));
            return Ok(());
        };
        Err((item.whose, Outcome::Refused(refusal)))
    }

    /// The next message to write on the connection `link` to `server`, and its number. It counts as
    /// written: from now on the broker may have it.
    pub(crate) fn next(&mut self, link: u64, server: &Server) -> Option<(u64, Utf8Bytes)> {
        let (item, _) = self.waiting.pop_front()?;
        self.number += 1;
        let (number, text) = (self.number, item.text.clone());
        self.unconfirmed.push_back(InFlight {
            link,
            server: server.clone(),
            number,
            item,
        });
        Some((number, text))
    }

    /// The broker at the other end of `link` has everything up to this number.
    pub(crate) fn confirmed(&mut self, link: u64, number: u64) -> Vec<Settled<W>> {
        let has = |flight: &InFlight<W>| flight.link == link && flight.number <= number;
        self.take_unconfirmed(has)
            .into_iter()
            .map(|InFlight { server, item, .. }| (item.whose, Outcome::Sent { server }))
            .collect()
    }

    /// The connection `link` ended: what it did not confirm waits again, unless it may not be
    /// repeated.
    pub(crate) fn lost(&mut self, link: u64) -> Vec<Settled<W>> {
        let lost = self.take_unconfirmed(|flight| flight.link == link);
        let mut settled = Vec::new();
        for InFlight { server, item, .. } in lost.into_iter().rev() {
            match item.repeat {
                Repeat::Harmless => {
                    self.bytes += item.text.len();
                    self.waiting.push_front((item, Written::Maybe));
                }
                Repeat::Harmful => settled.push((item.whose, Outcome::MaybeSent { server })),
            }
        }
        settled
    }

    /// The broker answered the message with this id with an error.
    pub(crate) fn refused(&mut self, id: &str, reason: &str) -> Vec<Settled<W>> {
        let refusal = || Refusal::ByBroker {
            reason: reason.to_owned(),
        };
        self.take_unconfirmed(|flight| flight.item.id == id)
            .into_iter()
            .map(|flight| (flight.item.whose, Outcome::Refused(refusal())))
            .collect()
    }

    /// Gives up what has waited for too long.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<Settled<W>> {
        let mut settled = Vec::new();
        for (item, written) in std::mem::take(&mut self.waiting) {
            if item.expires > now {
                self.waiting.push_back((item, written));
            } else {
                self.bytes -= item.text.len();
                settled.push((item.whose, Outcome::Expired(written)));
            }
        }
        settled
    }

    /// When the next one will have waited for too long.
    pub(crate) fn next_expiry(&self) -> Option<Moment> {
        self.waiting.iter().map(|(item, _)| item.expires).min()
    }

    pub(crate) fn has_unconfirmed(&self, link: u64) -> bool {
        self.unconfirmed.iter().any(|flight| flight.link == link)
    }

    /// Messages that wait, and messages that were written and not confirmed.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.unconfirmed.len())
    }

    /// Takes no more, and refuses what was not written.
    pub(crate) fn close(&mut self) -> Vec<Settled<W>> {
        self.state = State::Closed;
        let mut settled = Vec::new();
        for (item, written) in std::mem::take(&mut self.waiting) {
            self.bytes -= item.text.len();
            let outcome = match written {
                Written::No => Outcome::Refused(Refusal::Closed),
                Written::Maybe => Outcome::Expired(written),
            };
            settled.push((item.whose, outcome));
        }
        for InFlight { server, item, .. } in self.take_unconfirmed(|_| true) {
            settled.push((item.whose, Outcome::MaybeSent { server }));
        }
        settled
    }

    fn len(&self) -> usize {
        self.waiting.len() + self.unconfirmed.len()
    }

    fn take_unconfirmed(&mut self, is_meant: impl Fn(&InFlight<W>) -> bool) -> Vec<InFlight<W>> {
        let all = std::mem::take(&mut self.unconfirmed);
        let (taken, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
        self.unconfirmed = kept.into();
        self.bytes -= taken
            .iter()
            .map(|flight| flight.item.text.len())
            .sum::<usize>();
        taken
    }
}

#[cfg(test)]
mod tests;
