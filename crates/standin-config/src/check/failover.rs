//! How long this library itself takes to fail over, against what the load balancer waits.

use std::time::Duration;

use standin_core::policy::WorstCase;
use standin_core::{Installation, Length, Service};

use super::times::spoken;
use super::{Finding, Limits, Rule};
use crate::{ServiceList, Settings};

/// Looks at what a compile master asks while an agent's request waits behind the load balancer:
/// PuppetDB and the node classifier, whose answers come quickly when they are well.
pub(super) fn check(settings: &Settings, limits: &Limits, findings: &mut Vec<Finding>) {
    let Ok(lists) = settings.lists() else {
        return;
    };
    let behind = lists.into_iter().filter(|found| {
        let asked = matches!(found.service, Service::PuppetDb | Service::NodeClassifier);
        asked && found.origin.is_set() && found.list.len() > 1
    });
    for list in behind {
        if let Some(worst) = worst_case(&list, limits) {
            findings.extend(connecting(&list, worst, limits));
            findings.extend(committing(&list, worst, limits));
        }
    }
}

/// Of the classes of a service that which is answered last.
fn worst_case(list: &ServiceList, limits: &Limits) -> Option<WorstCase> {
    let alone = Installation::new().with(list.service, list.list.clone());
    let cases = limits.policy.worst_case(&alone).into_iter();
    cases
        .filter(|case| case.length == Length::Cheap)
        .max_by_key(|case| case.committed)
}

/// The quarter is a limit for connecting: see PuppetDB's own page on high availability.
fn connecting(list: &ServiceList, worst: WorstCase, limits: &Limits) -> Option<Finding> {
    let quarter = limits.load_balancer / 4;
    (list.service == Service::PuppetDb && worst.connected >= quarter).then(|| {
        Finding::new(
            Rule::PuppetDbFailoverTooSlow,
            &list.origin,
            format!(
                "With standin, connecting to one of {} may take {}: a quarter of the load \
                 balancer's {} is {}.",
                list.list,
                spoken(worst.connected),
                spoken(limits.load_balancer),
                spoken(quarter)
            ),
            longer(worst.connected * 4),
        )
    })
}

fn committing(list: &ServiceList, worst: WorstCase, limits: &Limits) -> Option<Finding> {
    (worst.committed >= limits.load_balancer).then(|| {
        Finding::new(
            Rule::FailoverTooSlow,
            &list.origin,
            format!(
                "With standin, a request for {} may be sent to the last of {} only after {}, when \
                 those before it are silent at work and well by their status: the load balancer \
                 waits {}.",
                list.service,
                list.list,
                spoken(worst.committed),
                spoken(limits.load_balancer)
            ),
            longer(worst.committed),
        )
    })
}

/// To the next whole minute, as people set it.
fn longer(least: Duration) -> String {
    let minutes = least.as_secs() / 60 + 1;
    let time = spoken(Duration::from_secs(minutes * 60));
    format!("Set the load balancer's time-out to {time} or longer.")
}
