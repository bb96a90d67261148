//! The ordered record of what every server received and answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::broker::{PcpEvent, PcpReceipt, Uri};
use crate::{Role, Service};

/// What a lab's servers received, in the order in which request heads arrived. Clones share one record.
///
/// It grows until it is cleared, which long measurements should do now and then.
#[derive(Clone)]
pub struct Journal {
    started: Instant,
    pages: Arc<watch::Sender<Pages>>,
}

/// One request at one server, as far as it has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// When its head was read, since the lab's start.
    pub at: Duration,
    /// The host that got it.
    pub host: Arc<str>,
    /// What that host was there for at the time.
    pub role: Role,
    /// What it is for; a request for the status of everything counts for the port's first service.
    pub service: Service,
    /// Whether it asks for work or for the status.
    pub purpose: Purpose,
    /// Its method.
    pub method: Method,
    /// Its path and query, as sent.
    pub path_and_query: String,
    /// How much of it arrived.
    pub received: Received,
    /// What was answered, once an answer was begun.
    pub answered: Option<StatusCode>,
    /// What the head of that answer told of the work, once it was out.
    pub told: Told,
    /// The bytes of the body that arrived.
    pub body_len: u64,
    /// The certname in the client's certificate, if it showed one.
    pub certname: Option<Arc<str>>,
}

/// Whether a request asks a service to work or how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Under the service's prefix.
    Work,
    /// Under `/status`.
    Status,
}

/// What an answer tells of the work that was asked for, as far as whoever gets it can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// Nothing: there is none yet, or it leaves it open.
    Nothing,
    /// It was done.
    Done,
    /// It was not: 404, 429, 503, or the server sends elsewhere what it did not do.
    NotDone,
}

/// How much of a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// Its head, and its body to the end.
    Whole,
    /// Its head, and so many bytes of a body whose end has not come.
    Part(u64),
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            pages: Arc::new(watch::Sender::new(Pages::default())),
        }
    }

    /// The time since the lab's start, as receipts have it.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// All receipts so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Receipt> {
        self.pages.borrow().receipts.clone()
    }

    /// The receipts that `wanted` says yes to.
    pub fn matching(&self, mut wanted: impl FnMut(&Receipt) -> bool) -> Vec<Receipt> {
        self.pages
            .borrow()
            .receipts
            .iter()
            .filter(|receipt| wanted(receipt))
            .cloned()
            .collect()
    }

    /// The receipts of work for `service` at the host of that name.
    #[must_use]
    pub fn work(&self, host: &str, service: Service) -> Vec<Receipt> {
        self.matching(|receipt| {
            &*receipt.host == host && receipt.service == service && receipt.purpose == Purpose::Work
        })
    }

    /// Waits until a receipt is there that `wanted` says yes to, and returns the first such.
    ///
    /// Cancel safe. Waits for ever if none comes.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&Receipt) -> bool) -> Receipt {
        self.first(|pages| {
            let mut receipts = pages.receipts.iter();
            receipts.find(|receipt| wanted(receipt)).cloned()
        })
        .await
    }

    /// What happened between brokers and clients so far, in the order in which it did.
    #[must_use]
    pub fn pcp(&self) -> Vec<PcpReceipt> {
        self.pages.borrow().pcp.clone()
    }

    /// Waits until something has happened between a broker and a client that `wanted` says yes to, and returns the first
    /// such.
    ///
    /// Cancel safe. Waits for ever if it never happens.
    pub async fn wait_for_pcp(&self, mut wanted: impl FnMut(&PcpReceipt) -> bool) -> PcpReceipt {
        self.first(|pages| pages.pcp.iter().find(|receipt| wanted(receipt)).cloned())
            .await
    }

    /// Forgets everything. Requests still on their way leave no trace afterwards.
    pub fn clear(&self) {
        self.pages.send_modify(|pages| {
            pages.cleared += pages.receipts.len();
            pages.receipts.clear();
            pages.pcp.clear();
        });
    }

    /// Enters what happened between a broker and a client.
    pub(crate) fn record(&self, host: &Arc<str>, client: &Uri, event: PcpEvent) {
        let receipt = PcpReceipt {
            at: self.started.elapsed(),
            host: Arc::clone(host),
            client: client.to_string(),
            event,
        };
        self.pages.send_modify(|pages| pages.pcp.push(receipt));
    }

    /// Enters a request whose head has just been read.
    pub(crate) fn open(&self, entry: Entry) -> Line {
        let at = self.started.elapsed();
        let mut number = 0;
        self.pages.send_modify(|pages| {
            number = pages.cleared + pages.receipts.len();
            pages.receipts.push(Receipt {
                at,
                host: entry.host,
                role: entry.role,
                service: entry.service,
                purpose: entry.purpose,
                method: entry.method,
                path_and_query: entry.path_and_query,
                received: Received::Part(0),
                answered: None,
                told: Told::Nothing,
                body_len: 0,
                certname: entry.certname,
            });
        });
        Line {
            pages: Arc::clone(&self.pages),
            number,
        }
    }

    async fn first<T>(&self, mut find: impl FnMut(&Pages) -> Option<T>) -> T {
        let mut pages = self.pages.subscribe();
        loop {
            if let Some(found) = find(&pages.borrow_and_update()) {
                return found;
            }
            if pages.changed().await.is_err() {
                // Cannot be: this journal holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("entries", &self.pages.borrow().receipts.len())
            .finish_non_exhaustive()
    }
}

/// What is known of a request when its head was read.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) host: Arc<str>,
    pub(crate) role: Role,
    pub(crate) service: Service,
    pub(crate) purpose: Purpose,
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) certname: Option<Arc<str>>,
}

/// The place of one request in the journal, to be filled in as it goes on.
#[derive(Debug)]
pub(crate) struct Line {
    pages: Arc<watch::Sender<Pages>>,
    number: usize,
}

impl Line {
    pub(crate) fn got(&self, bytes: u64) {
        self.update(|receipt| {
            receipt.body_len = bytes;
            receipt.received = Received::Part(bytes);
        });
    }

    pub(crate) fn got_all(&self, bytes: u64) {
        self.update(|receipt| {
            receipt.body_len = bytes;
            receipt.received = Received::Whole;
        });
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.update(|receipt| receipt.answered = Some(status));
    }

    pub(crate) fn told(&self, told: Told) {
        self.update(|receipt| receipt.told = told);
    }

    fn update(&self, change: impl FnOnce(&mut Receipt)) {
        self.pages.send_modify(|pages| {
            let index = self.number.checked_sub(pages.cleared);
            if let Some(receipt) = index.and_then(|index| pages.receipts.get_mut(index)) {
                change(receipt);
            }
        });
    }
}

#[derive(Debug, Default)]
struct Pages {
    receipts: Vec<Receipt>,
    /// How many were forgotten before the first one, so that numbers stay true.
    cleared: usize,
    pcp: Vec<PcpReceipt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry {
            host: "master.test".into(),
            role: Role::Master,
            service: Service::PuppetServer,
            purpose: Purpose::Work,
            method: Method::GET,
            path_and_query: path.to_owned(),
            certname: None,
        }
    }

    #[tokio::test]
    async fn a_request_cleared_away_does_not_write_over_a_later_one() {
        let journal = Journal::new();
        let early = journal.open(entry("/early"));
        journal.clear();
        journal.open(entry("/late")).got(3);
        early.answered(StatusCode::OK);
        let entries = journal.entries();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].received, Received::Part(3));
        assert_eq!(entries[0].answered, None);
    }

    #[tokio::test]
    async fn waiting_ends_when_the_receipt_comes() {
        let journal = Journal::new();
        let waiter = tokio::spawn({
            let journal = journal.clone();
            async move {
                journal
                    .wait_for(|receipt| receipt.answered.is_some())
                    .await
                    .path_and_query
            }
        });
        let line = journal.open(entry("/x"));
        line.answered(StatusCode::OK);
        assert_eq!(waiter.await.unwrap(), "/x");
    }
}
