//! Who is master, replica and compile master in the lists, and whether the lists agree on it.

use super::named::{List, Lists, Named};
use super::{Finding, Rule};
use crate::{Origin, Settings};

pub(super) fn check(lists: &Lists, settings: &Settings, findings: &mut Vec<Finding>) {
    let topology = Topology::of(lists, settings);
    for rule in [
        Topology::single,
        Topology::roles,
        Topology::replica_not_enabled,
        Topology::several_replicas,
        Topology::replica_among_others,
        Topology::replica_missing,
        Topology::order,
        Topology::split,
    ] {
        rule(&topology, findings);
    }
}

struct Topology<'a> {
    lists: &'a Lists,
    settings: &'a Settings,
    pair: Option<Pair<'a>>,
    enabled: Option<Enabled<'a>>,
}

/// The replicas that `ha_enabled_replicas` names, which may be none.
struct Enabled<'a> {
    hosts: &'a [String],
    origin: Origin,
}

/// A master and its replica.
struct Pair<'a> {
    master: &'a str,
    replica: &'a str,
    /// The list that tells.
    by: &'a Named,
}

impl<'a> Topology<'a> {
    fn of(lists: &'a Lists, settings: &'a Settings) -> Self {
        let pair = pair(lists);
        let mut files = settings.parameters.iter();
        let enabled = files.find_map(|parameters| {
            Some(Enabled {
                hosts: parameters.enabled_replicas.as_deref()?,
                origin: parameters.readings.of("ha_enabled_replicas"),
            })
        });
        Self {
            lists,
            settings,
            pair,
            enabled,
        }
    }

    fn single(&self, findings: &mut Vec<Finding>) {
        let Some(agent) = self.lists.get(List::Agent) else {
            return;
        };
        let beside_compile_masters = self
            .lists
            .get(List::Authority)
            .is_some_and(|authority| authority.hosts() != agent.hosts());
        if agent.hosts().len() > 1 || beside_compile_masters || self.pair.is_some() {
            return;
        }
        findings.push(Finding::new(
            Rule::SingleServer,
            &agent.origin,
            format!("{} names {} alone.", agent.setting, agent.hosts().concat()),
            "If there is a replica, write server_list = MASTER:8140,REPLICA:8140.",
        ));
    }

    /// Puppet knows no roles, so that they are always assumed: of a pair rightly, as a rule.
    fn roles(&self, findings: &mut Vec<Finding>) {
        let Some(agent) = self.lists.get(List::Agent) else {
            return;
        };
        let hosts = agent.hosts();
        let pair = pair_of_agent(self.lists);
        match (&pair, &self.pair) {
            // The worse of it is told of by itself.
            (Some(_), Some(told))
                if hosts.contains(&told.replica) && !hosts.contains(&told.master) => {}
            (Some(assumed), Some(told)) if !hosts.contains(&told.replica) => {
                findings.push(Finding::new(
                    Rule::RolesDoubtful,
                    &agent.origin,
                    format!(
                        "{} was taken for the master and {} for its replica, but {} names {} and \
                         {} as such.",
                        assumed.master, assumed.replica, told.by.setting, told.master, told.replica
                    ),
                    format!(
                        "If they are compile masters or load balancers, write ca_server = {}.",
                        told.master
                    ),
                ));
            }
            (Some(assumed), _) if self.is_enabled(assumed.replica) => {}
            (Some(assumed), _) => findings.push(Finding::new(
                Rule::RolesAssumed,
                &agent.origin,
                format!(
                    "{} was taken for the master and {} for its replica, by their order.",
                    assumed.master, assumed.replica
                ),
                "If it is the other way round, change their order in every list.",
            )),
            (None, None) if self.enabled.is_some() => {}
            (None, None) if hosts.len() > 2 && self.lists.get(List::Authority).is_none() => {
                findings.push(Finding::new(
                    Rule::RolesDoubtful,
                    &agent.origin,
                    format!(
                        "{} were all taken for compile masters or load balancers.",
                        hosts.join(", ")
                    ),
                    "If the master and its replica are among them, list these two alone; if not, \
                     write ca_server = MASTER.",
                ));
            }
            _ => {}
        }
    }

    fn is_enabled(&self, host: &str) -> bool {
        let mut hosts = self.enabled.iter().flat_map(|enabled| enabled.hosts);
        hosts.any(|enabled| enabled == host)
    }

    fn replica_not_enabled(&self, findings: &mut Vec<Finding>) {
        let (Some(pair), Some(enabled)) = (&self.pair, &self.enabled) else {
            return;
        };
        let replica = pair.replica;
        if self.is_enabled(replica) {
            return;
        }
        findings.push(Finding::new(
            Rule::ReplicaNotEnabled,
            pair.by.origin_of(replica).unwrap_or(&pair.by.origin),
            format!(
                "{} names {replica} as the replica, and ha_enabled_replicas at {} names {}.",
                pair.by.setting,
                enabled.origin,
                match enabled.hosts {
                    [] => "none".to_owned(),
                    hosts => hosts.join(", "),
                }
            ),
            format!(
                "Run puppet infrastructure enable replica {replica} at the master, or take it out \
                 of the lists until then."
            ),
        ));
    }

    fn several_replicas(&self, findings: &mut Vec<Finding>) {
        if let Some(enabled) = &self.enabled
            && enabled.hosts.len() > 1
        {
            findings.push(Finding::new(
                Rule::SeveralReplicas,
                &enabled.origin,
                format!("ha_enabled_replicas names {}.", enabled.hosts.join(", ")),
                "Run puppet infrastructure forget at the master for all but one.",
            ));
        }
        let Some(named) = self.lists.get(List::Classifier) else {
            return;
        };
        let hosts = named.hosts();
        if let [_, _, rest @ ..] = hosts.as_slice()
            && let Some(first) = rest.first()
        {
            findings.push(Finding::new(
                Rule::SeveralReplicas,
                named.origin_of(first).unwrap_or(&named.origin),
                format!(
                    "{} names {} node classifiers, and only a master and one replica have one.",
                    named.setting,
                    hosts.len()
                ),
                format!("Take out {}.", rest.join(", ")),
            ));
        }
    }

    /// A list tells nothing of its own roles here, for a replica beside a load balancer looks like
    /// a pair: the classifier's list and `ha_enabled_replicas` do.
    fn replica_among_others(&self, findings: &mut Vec<Finding>) {
        let told = pair_of_classifier(self.lists);
        let master = told.as_ref().map(|pair| pair.master);
        let mut replicas: Vec<&str> = told.iter().map(|pair| pair.replica).collect();
        let enabled = self.enabled.iter().flat_map(|enabled| enabled.hosts);
        replicas.extend(enabled.map(String::as_str));
        let lists = self.lists.iter();
        for named in lists.filter(|named| named.is_for_agents()) {
            let hosts = named.hosts().into_iter();
            let (ours, mut others): (Vec<&str>, Vec<&str>) =
                hosts.partition(|host| replicas.contains(host));
            let Some(replica) = ours.first() else {
                continue;
            };
            match master {
                Some(master) => others.retain(|host| *host != master),
                // It may be the master.
                None if others.len() == 1 => continue,
                None => {}
            }
            if others.is_empty() {
                continue;
            }
            findings.push(Finding::new(
                Rule::ReplicaAmongCompileMasters,
                named.origin_of(replica).unwrap_or(&named.origin),
                format!(
                    "{} names {replica}, the replica, beside {}.",
                    named.setting,
                    others.join(", ")
                ),
                format!(
                    "Take {replica} out: load balancers and compile masters turn to it themselves."
                ),
            ));
        }
    }

    fn replica_missing(&self, findings: &mut Vec<Finding>) {
        let Some(Pair {
            master,
            replica,
            by,
        }) = &self.pair
        else {
            return;
        };
        for named in self.lists.iter() {
            let alone_by_nature = matches!(
                named.list,
                List::Authority | List::Reports | List::SubmitOnly
            );
            if alone_by_nature || !named.has(master) || named.has(replica) {
                continue;
            }
            let fix = match named.setting {
                "server" => format!("Write server_list = {master}:8140,{replica}:8140 instead."),
                setting => format!("Add {replica} to {setting}, after {master}."),
            };
            findings.push(Finding::new(
                Rule::ReplicaMissing,
                named.origin_of(master).unwrap_or(&named.origin),
                format!(
                    "{} names {master} and not {replica}, which {} names after it.",
                    named.setting, by.setting
                ),
                fix,
            ));
        }
    }

    fn order(&self, findings: &mut Vec<Finding>) {
        let mut earlier: Vec<&Named> = Vec::new();
        for named in self.lists.iter() {
            let hosts = named.hosts();
            let found = earlier
                .iter()
                .find_map(|other| Some((other, turned(&other.hosts(), &hosts)?)));
            if let Some((other, (first, second))) = found {
                findings.push(Finding::new(
                    Rule::OrderDiffers,
                    &named.origin,
                    format!(
                        "{} names {second} before {first}, and {} the other way round.",
                        named.setting, other.setting
                    ),
                    "Write the master first and its replica second in every list.",
                ));
            }
            earlier.push(named);
        }
    }

    /// In a monolithic installation a host with the node classifier has PuppetDB too. A compile
    /// master may have a PuppetDB of its own, which it names itself.
    fn split(&self, findings: &mut Vec<Finding>) {
        let Some(classifier) = self.lists.get(List::Classifier) else {
            return;
        };
        let certname = self.settings.puppet.certname.as_str();
        let others = [List::PuppetDb, List::Authority];
        for named in others.into_iter().filter_map(|list| self.lists.get(list)) {
            let hosts = named.hosts();
            let in_common = hosts.iter().any(|host| classifier.has(host));
            if in_common || hosts.contains(&certname) {
                continue;
            }
            findings.push(Finding::new(
                Rule::SplitInstallation,
                &named.origin,
                format!(
                    "{} names {}, and {} names {}: they have no host in common.",
                    named.setting,
                    hosts.join(", "),
                    classifier.setting,
                    classifier.hosts().join(", ")
                ),
                "Correct the names, or move to a monolithic installation before a replica is \
                 provisioned.",
            ));
        }
    }
}

/// The host of the replica, as far as lists tell.
pub(super) fn replica(lists: &Lists) -> Option<&str> {
    pair(lists).map(|pair| pair.replica)
}

fn pair(lists: &Lists) -> Option<Pair<'_>> {
    pair_of_classifier(lists).or_else(|| pair_of_agent(lists))
}

/// The surest to tell: only a master and its replica have a node classifier.
fn pair_of_classifier(lists: &Lists) -> Option<Pair<'_>> {
    let by = lists.get(List::Classifier)?;
    match by.hosts().as_slice() {
        [master, replica] => Some(Pair {
            master,
            replica,
            by,
        }),
        _ => None,
    }
}

/// What [`Settings::lists`] assumes where `ha_enabled_replicas` is not known: of a list of two, the
/// first is the master, unless the authority stands elsewhere or is the second.
fn pair_of_agent(lists: &Lists) -> Option<Pair<'_>> {
    let by = lists.get(List::Agent)?;
    let authority = lists.get(List::Authority).map(Named::hosts);
    match (by.hosts().as_slice(), authority.as_deref()) {
        ([_, _], Some([authority])) if by.hosts().first() != Some(authority) => None,
        ([master, replica], _) => Some(Pair {
            master,
            replica,
            by,
        }),
        _ => None,
    }
}

/// Two hosts that both lists have, in the order of `one`, when `other` has another.
fn turned<'a>(one: &[&'a str], other: &[&str]) -> Option<(&'a str, &'a str)> {
    let place = |host: &str| other.iter().position(|known| *known == host);
    let shared: Vec<(&str, usize)> = one
        .iter()
        .filter_map(|host| Some((*host, place(host)?)))
        .collect();
    shared
        .windows(2)
        .find(|pair| pair[0].1 > pair[1].1)
        .map(|pair| (pair[0].0, pair[1].0))
}
