//! Judges what became of requests, by what the servers of a lab received.

use std::fmt;
use std::time::Duration;

use crate::journal::{Journal, Purpose, Receipt, Received, Told};
use crate::{Role, Service};

/// Holds what clients say of their requests against the journal.
///
/// It knows nothing of any client: what a host may take is the high availability overview's table, written down here
/// once more.
#[derive(Clone, Debug)]
pub struct Oracle {
    journal: Journal,
    slack: Duration,
}

/// A request, and what its client made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// A text that stands in the path and query of this request and in that of no other.
    pub mark: String,
    /// What it would do.
    pub kind: Kind,
    /// What its client was told.
    pub ended: Ended,
    /// How long the client waited for it.
    pub took: Duration,
    /// How long the client was to wait at most.
    pub deadline: Duration,
}

/// What a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Change nothing.
    Read,
    /// Change something, and the same when it arrives twice.
    RepeatableWrite,
    /// Change something, and do harm when it arrives twice.
    HarmfulWrite,
}

/// What a client was told in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// That it was done: an answer of 2xx, or a redirect to what was made.
    Acknowledged,
    /// Anything else: a refusal or an error.
    NotAcknowledged,
}

/// What an [`Oracle`] found. Each fault is a sentence that names the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// How many requests were judged.
    pub judged: usize,
    /// Harmful writes that arrived whole more than once, at one server or at two, each time so that they may have been
    /// done: an answer which says that nothing was done ([`Told::NotDone`]) does not count.
    pub doubled: Vec<String>,
    /// Requests of which at least the head arrived at a host that may not take them.
    pub misdirected: Vec<String>,
    /// Writes that were acknowledged to their client and that no server has whole.
    pub lost: Vec<String>,
    /// Requests that ended after their deadline and the oracle's slack.
    pub late: Vec<String>,
}

impl Oracle {
    /// An oracle that reads this journal and forgives requests that end so long after their deadline, for machines that
    /// stall.
    #[must_use]
    pub const fn new(journal: Journal, slack: Duration) -> Self {
        Self { journal, slack }
    }

    /// Judges requests that have ended. Their receipts must not have been cleared away.
    #[must_use]
    pub fn judge<'a>(&self, deeds: impl IntoIterator<Item = &'a Deed>) -> Judgement {
        let receipts = self
            .journal
            .matching(|receipt| receipt.purpose == Purpose::Work);
        let mut judgement = Judgement::default();
        for deed in deeds {
            let of_it = |receipt: &&Receipt| receipt.path_and_query.contains(&deed.mark);
            let of_it: Vec<&Receipt> = receipts.iter().filter(of_it).collect();
            judgement.judged += 1;
            judgement.weigh(deed, &of_it, self.slack);
        }
        judgement
    }
}

impl Judgement {
    /// Whether there is nothing to complain of.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.complaints().next().is_none()
    }

    /// Everything there is to complain of.
    pub fn complaints(&self) -> impl Iterator<Item = &str> {
        let all = [&self.doubled, &self.misdirected, &self.lost, &self.late];
        all.into_iter().flatten().map(String::as_str)
    }

    /// Adds what another judgement found.
    pub fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.doubled.extend(other.doubled);
        self.misdirected.extend(other.misdirected);
        self.lost.extend(other.lost);
        self.late.extend(other.late);
    }

    fn weigh(&mut self, deed: &Deed, receipts: &[&Receipt], slack: Duration) {
        let Deed {
            mark,
            took,
            deadline,
            ..
        } = deed;
        let whole = |receipt: &&&Receipt| receipt.received == Received::Whole;
        let maybe_done = |receipt: &&&Receipt| whole(receipt) && receipt.told != Told::NotDone;
        let hosts: Vec<&str> = receipts.iter().map(|receipt| &*receipt.host).collect();

        let times = receipts.iter().filter(maybe_done).count();
        if deed.kind == Kind::HarmfulWrite && times > 1 {
            self.doubled.push(format!(
                "{mark} was doubled: it arrived whole {times} times, at {hosts:?}"
            ));
        }
        let astray = |receipt: &&&Receipt| !takes(receipt.role, receipt.service, deed.kind);
        if let Some(astray) = receipts.iter().find(astray) {
            let Receipt { host, service, .. } = astray;
            self.misdirected.push(format!(
                "{mark} was misdirected: {host} may not take it for {service}"
            ));
        }
        let is_write = deed.kind != Kind::Read;
        if is_write && deed.ended == Ended::Acknowledged && !receipts.iter().any(|r| whole(&r)) {
            self.lost.push(format!(
                "{mark} was lost: it was acknowledged, and nobody has it whole"
            ));
        }
        if *took > deadline.saturating_add(slack) {
            self.late
                .push(format!("{mark} was late: it took {took:?} of {deadline:?}"));
        }
    }
}

/// The counts, for people: `0 doubled, 0 misdirected, 0 lost, 0 late`.
impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [doubled, misdirected, lost, late] =
            [&self.doubled, &self.misdirected, &self.lost, &self.late].map(Vec::len);
        write!(
            f,
            "{doubled} doubled, {misdirected} misdirected, {lost} lost, {late} late"
        )
    }
}

/// Whether a host in this role may be sent it: the overview's table of what is replicated how, and when it is activated.
/// A compile master, or what balances load among them, stands for the whole infrastructure.
fn takes(role: Role, service: Service, kind: Kind) -> bool {
    match (role, service) {
        (Role::Master | Role::Pool, _) => true,
        // No data of their own, or replicated both ways; agents are told of both brokers.
        (_, Service::PuppetServer | Service::PuppetDb | Service::PcpBroker) => true,
        // Replicated from the master only.
        (_, Service::FileSync | Service::Rbac | Service::NodeClassifier | Service::Activity) => {
            kind == Kind::Read
        }
        // Not activated before promotion.
        (_, Service::CertificateAuthority | Service::Orchestrator | Service::CodeManager) => false,
    }
}

#[cfg(test)]
mod tests;
