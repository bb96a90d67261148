//! Whether what came of a request is what had to.

use std::time::Duration;

use http::Method;

use super::errand::Wording;
use super::report::{Entry, Event, Outcome};
use super::run::Stage;
use super::{Ask, Count, Failing, Send};
use crate::{Purpose, Receipt, Received};

impl Stage {
    /// The host that gave this answer, by its journal: the last one, since a client may have been answered before by
    /// one that it left. A client with words of its own for an errand is known by the path alone.
    pub(super) fn answered_by(
        &self,
        method: &Method,
        path: &str,
        status: u16,
        since: Duration,
    ) -> Option<String> {
        let bare = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        let wanted = bare(path);
        let receipts = self.lab.journal().matching(|receipt| {
            receipt.at >= since
                && receipt.purpose == Purpose::Work
                && receipt
                    .answered
                    .is_some_and(|answered| answered.as_u16() == status)
                && receipt.method == *method
                && bare(&receipt.path_and_query) == wanted
        });
        let same = receipts
            .iter()
            .rev()
            .find(|receipt| receipt.path_and_query == path);
        let receipt = same.or_else(|| receipts.last())?;
        Some(receipt.host.to_string())
    }

    pub(super) fn judge_answer(
        &self,
        ask: &Ask,
        id: u64,
        what: &str,
        by: Option<&str>,
        status: u16,
    ) {
        if ask.failed.is_some() {
            let by = by.unwrap_or("somebody");
            return self.miss(format!(
                "[{id}] {what}: answered {status} by {by}, and had to fail"
            ));
        }
        let is_wanted = match ask.status {
            Some(wanted) => status == wanted,
            None => (200..300).contains(&status),
        };
        if !is_wanted {
            let wanted = ask
                .status
                .map_or_else(|| "2xx".to_owned(), |status| status.to_string());
            self.miss(format!(
                "[{id}] {what}: answered {status} instead of {wanted}"
            ));
        }
        if !ask.by().is_empty() && !ask.by().iter().any(|host| Some(host.as_str()) == by) {
            let (by, wanted) = (by.unwrap_or("nobody of the lab"), ask.by().join(" or "));
            self.miss(format!(
                "[{id}] {what}: answered by {by} instead of {wanted}"
            ));
        }
    }

    pub(super) fn judge_failure(&self, ask: &Ask, id: u64, what: &str, kind: Option<&str>) {
        match (&ask.failed, kind) {
            (None, _) => self.miss(format!("[{id}] {what}: it failed")),
            (Some(Failing::As(wanted)), Some(kind)) if wanted != kind => {
                self.miss(format!(
                    "[{id}] {what}: it failed as {kind} instead of {wanted}"
                ));
            }
            _ => {}
        }
    }

    pub(super) fn count(&self, count: &Count) {
        let (what, method, path) = match &count.send {
            Send::Errand(errand) => {
                let Wording { method, path, .. } = errand.wording(&self.agent, 0);
                let path = path.split('?').next().unwrap_or_default();
                // The one errand whose path has a number in it.
                let path = path.replace("new0.test", "new{n}.test");
                (errand.to_string(), method, path)
            }
            Send::Raw { method, path } => {
                (format!("{method} {path}"), method.clone(), path.clone())
            }
        };
        let (before, after) = path.split_once("{n}").unwrap_or((&path, ""));
        let got = self.lab.journal().matching(|receipt| {
            let sent = receipt.path_and_query.as_str();
            let sent = match path.contains('?') {
                true => sent,
                false => sent.split('?').next().unwrap_or_default(),
            };
            *receipt.host == *count.host
                && receipt.received == Received::Whole
                && receipt.method == method
                && match path.contains("{n}") {
                    true => sent.starts_with(before) && sent.ends_with(after),
                    false => sent == path,
                }
        });
        let (host, got) = (&count.host, got.len());
        let wrong = |wanted: Option<usize>, is_right: fn(&usize, &usize) -> bool| {
            wanted.filter(|wanted| !is_right(&got, wanted))
        };
        for (wanted, words) in [
            (wrong(count.exactly, usize::eq), "and not exactly"),
            (wrong(count.least, usize::ge), "and not at least"),
            (wrong(count.most, usize::le), "and not at most"),
        ] {
            if let Some(wanted) = wanted {
                self.miss(format!(
                    "{host} got {what} {got} times whole, {words} {wanted}"
                ));
            }
        }
    }

    /// No two servers got what would do harm twice.
    pub(super) fn nothing_twice(&self) {
        let once = self.once();
        let all = self.lab.journal().entries();
        for (method, path) in once.iter() {
            if let Some(hosts) = twice(&all, method, path) {
                self.miss(format!(
                    "{method} {path} arrived whole more than once: at {hosts}"
                ));
            }
        }
    }

    pub(super) fn judgement(&self) -> Outcome {
        let missed = |entry: &Entry| match &entry.event {
            Event::Missed { why } => Some(why.clone()),
            _ => None,
        };
        let missed: Vec<String> = self.timeline().iter().filter_map(missed).collect();
        match missed.is_empty() {
            true => Outcome::Passed,
            false => Outcome::Failed(missed),
        }
    }
}

/// The hosts that got this whole, if it arrived whole more than once.
fn twice(receipts: &[Receipt], method: &Method, path: &str) -> Option<String> {
    let whole = receipts.iter().filter(|receipt| {
        receipt.received == Received::Whole
            && receipt.method == *method
            && receipt.path_and_query == *path
    });
    let hosts: Vec<&str> = whole.map(|receipt| &*receipt.host).collect();
    (hosts.len() > 1).then(|| hosts.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Service, Told};

    fn receipt(host: &str, received: Received) -> Receipt {
        Receipt {
            at: Duration::ZERO,
            host: host.into(),
            service: Service::CertificateAuthority,
            purpose: Purpose::Work,
            method: Method::PUT,
            path_and_query: "/puppet-ca/v1/certificate_request/a".to_owned(),
            received,
            answered: None,
            told: Told::Nothing,
            role: Role::Master,
            body_len: 0,
            certname: None,
        }
    }

    fn twice_at(receipts: &[Receipt]) -> Option<String> {
        twice(
            receipts,
            &Method::PUT,
            "/puppet-ca/v1/certificate_request/a",
        )
    }

    #[test]
    fn what_arrived_whole_at_two_hosts_is_told_of_both() {
        let both = ["m.test", "r.test"].map(|host| receipt(host, Received::Whole));
        assert_eq!(twice_at(&both).as_deref(), Some("m.test and r.test"));
        let again = [
            receipt("m.test", Received::Whole),
            receipt("m.test", Received::Whole),
        ];
        assert_eq!(twice_at(&again).as_deref(), Some("m.test and m.test"));
    }

    #[test]
    fn what_arrived_in_part_did_not_arrive() {
        let part = [
            receipt("m.test", Received::Part(3)),
            receipt("r.test", Received::Whole),
        ];
        assert_eq!(twice_at(&part), None);
    }
}
