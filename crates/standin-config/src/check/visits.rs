//! What came of connecting to the servers.

use std::time::{Duration, SystemTime};

use standin_core::Server;

use super::named::{List, Lists};
use super::ssl::{Age, day};
use super::{Facts, Finding, Outcome, Rule, topology};
use crate::Origin;

pub(super) fn check(lists: &Lists, facts: &Facts, findings: &mut Vec<Finding>) {
    for visit in &facts.visits {
        let server = &visit.server;
        let unknown = Origin::Default("not in the settings");
        let origin = lists.origin_of(server).unwrap_or(&unknown);
        let host = server.host();
        match &visit.outcome {
            Outcome::Answered {
                not_after,
                date,
                at,
            } => {
                if let Some(end) = not_after.filter(|end| Age::of(*end, facts.now) == Age::Soon) {
                    findings.push(Finding::new(
                        Rule::CertificateExpiresSoon,
                        origin,
                        format!(
                            "The certificate that {server} shows expires on {}.",
                            day(end)
                        ),
                        format!("Renew the certificate of {host} at the master."),
                    ));
                }
                if let Some(skew) = date.and_then(|date| skew(date, *at)) {
                    findings.push(Finding::new(
                        Rule::ClockSkew,
                        origin,
                        format!("The clock of {server} is {skew} this machine's."),
                        format!("See that {host} and this machine ask a time server."),
                    ));
                }
            }
            Outcome::OtherName(why) => findings.push(Finding::new(
                Rule::NameNotInCertificate,
                origin,
                format!("The certificate that {server} shows is not for {host}: {why}."),
                format!(
                    "List a name that is in it, or have the certificate made anew with {host} \
                     among its dns_alt_names."
                ),
            )),
            Outcome::NotTrusted(why) => findings.push(Finding::new(
                Rule::ServerNotTrusted,
                origin,
                format!("{server} and this agent do not trust each other: {why}."),
                "See that both have certificates of the same authority, current and not revoked, \
                 and that the clocks agree.",
            )),
            Outcome::NotReached(_) if is_broker_of_replica(lists, server) => {}
            Outcome::NotReached(why) => findings.push(Finding::new(
                Rule::ServerUnreachable,
                origin,
                format!("{server} did not answer: {why}."),
                "Start it, or let its port through the firewalls; take it out of the list if it \
                 is gone.",
            )),
        }
    }
}

/// A replica's broker works only once the replica is promoted.
fn is_broker_of_replica(lists: &Lists, server: &Server) -> bool {
    let mut naming = lists
        .iter()
        .filter(|named| named.servers().any(|named| named == server));
    naming.all(|named| named.list == List::Brokers)
        && topology::replica(lists).is_some_and(|replica| replica == server.host())
}

/// How far a clock is off, in words, when it is more than to be expected.
fn skew(date: SystemTime, at: SystemTime) -> Option<String> {
    let (off, word) = match date.duration_since(at) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    (off > MOST_SKEW).then(|| format!("{} s {word}", off.as_secs()))
}

/// Clocks that ask a time server agree to less than a second, `Date` tells whole seconds, and an
/// answer may have been under way for a while. What is off by a minute asks none.
const MOST_SKEW: Duration = Duration::from_secs(60);
