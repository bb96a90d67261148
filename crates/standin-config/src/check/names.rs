//! Names and their addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::named::{Lists, is_address};
use super::{Facts, Finding, Lookup, Rule};

pub(super) fn check(lists: &Lists, facts: &Facts, findings: &mut Vec<Finding>) {
    for (server, origin) in lists.first_mentions() {
        let host = server.host();
        if is_address(host) {
            findings.push(Finding::new(
                Rule::AddressInsteadOfName,
                origin,
                format!("{server} is listed by its address."),
                "Write the name that is in the server's certificate, and see that DNS knows it.",
            ));
        }
        if let Some(Lookup::Nothing(why)) = facts.addresses.get(host) {
            findings.push(Finding::new(
                Rule::UnresolvableName,
                origin,
                format!("{host} has no address here: {why}."),
                "Correct the name, or have it entered into DNS.",
            ));
        }
    }
    shared_addresses(lists, facts, findings);
}

fn shared_addresses(lists: &Lists, facts: &Facts, findings: &mut Vec<Finding>) {
    let addresses = |host: &str| -> Option<&[IpAddr]> {
        match facts.addresses.get(host)? {
            Lookup::Found(addresses) => Some(addresses),
            Lookup::Nothing(_) => None,
        }
    };
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for named in lists.iter() {
        let hosts = named.hosts();
        for (index, &later) in hosts.iter().enumerate() {
            for &earlier in &hosts[..index] {
                let (Some(one), Some(other)) = (addresses(earlier), addresses(later)) else {
                    continue;
                };
                let Some(shared) = one.iter().find(|address| other.contains(address)) else {
                    continue;
                };
                if told.insert((earlier.min(later), earlier.max(later))) {
                    findings.push(Finding::new(
                        Rule::SameAddress,
                        named.origin_of(later).unwrap_or(&named.origin),
                        format!("{earlier} and {later} are both at {shared}."),
                        "Name two machines, or one of the names alone.",
                    ));
                }
            }
        }
    }
}
