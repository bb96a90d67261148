//! How late the last candidate of a request may be asked.

use std::time::Duration;

use super::{HEAD_START_MOST, Policy};
use crate::{Class, Installation, Length, Role, ServerList, Service};

/// When the last server of a list is asked at the latest, counted from the call.
///
/// It holds while no server asks to be left alone: one that does is waited for as
/// [`Overload`](super::Overload) has it, and only the deadline bounds that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Whose requests.
    pub class: Class,
    /// How long a healthy server may take for them.
    pub length: Length,
    /// How long it takes at most until a connection stands or is known not to.
    pub connected: Duration,
    /// How long it takes at most until the last candidate is sent the request, when each one before
    /// it answers its status and is silent otherwise. When it is the deadline, there may be no time
    /// left to ask it at all.
    pub committed: Duration,
}

impl Policy {
    /// The worst case of each class of an installation, for look-ups and for catalogs and reports.
    /// With a load balancer in front, [`WorstCase::committed`] has to be below its time-out.
    #[must_use]
    pub fn worst_case(&self, installation: &Installation) -> Vec<WorstCase> {
        let mut cases = Vec::new();
        for class in Class::all() {
            let Some(list) = installation.list_of(class) else {
                continue;
            };
            for length in [Length::Cheap, Length::Long] {
                cases.push(WorstCase {
                    class,
                    length,
                    connected: self.connected_by(list.len()),
                    committed: self.committed_by(&list, length, self.bound(class)),
                });
            }
        }
        cases
    }

    /// The most that one attempt may take, though its server be well by its status.
    fn bound(&self, class: Class) -> Option<Duration> {
        self.deadline
            .puppetdb
            .filter(|_| class.service() == Service::PuppetDb)
    }

    /// In a race the last lane starts when each before it had its head start, and then has its own
    /// time.
    fn connected_by(&self, servers: usize) -> Duration {
        let before = u32::try_from(servers.saturating_sub(1)).unwrap_or(u32::MAX);
        let head_start = self.connect.head_start.max(HEAD_START_MOST);
        head_start.saturating_mul(before) + self.connect.limit
    }

    /// An attempt ends when the reserve begins, or half way to the deadline when that is later. Before
    /// it there may have been a connection that was closed as the request went out, and another made
    /// in its place.
    fn committed_by(&self, list: &ServerList, length: Length, bound: Option<Duration>) -> Duration {
        let deadline = self.deadline.within(length);
        let reaching = self.connected_by(list.len()) * 2 + self.connect.fresh;
        let mut committed = reaching.min(deadline);
        for entry in &list.entries()[..list.len() - 1] {
            let ends = match entry.role {
                Role::Pool => deadline,
                Role::Master | Role::Replica => {
                    let midway = deadline - (deadline - committed) / 2;
                    midway.max(deadline.saturating_sub(self.deadline.reserve))
                }
            };
            let ends = bound.map_or(ends, |most| ends.min(committed + most));
            committed = (ends + reaching).min(deadline);
        }
        committed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(list: &str) -> Duration {
        let list = ServerList::parse(list, 8140).unwrap();
        Policy::default().committed_by(&list, Length::Cheap, None)
    }

    #[test]
    fn a_lone_server_is_asked_as_soon_as_it_is_connected() {
        assert!(committed("a") < Duration::from_secs(8));
    }

    #[test]
    fn the_replica_is_asked_when_the_masters_time_is_up() {
        let committed = committed("a,b");
        assert!(committed > Duration::from_secs(180), "{committed:?}");
        assert!(committed < Duration::from_secs(195), "{committed:?}");
    }

    #[test]
    fn a_server_of_a_pool_gets_all_there_is() {
        assert_eq!(committed("a,b,c"), Duration::from_secs(240));
    }

    #[test]
    fn an_attempt_at_a_puppetdb_that_is_bounded_ends_with_its_bound() {
        let mut policy = Policy::default();
        policy.deadline.puppetdb = Some(Duration::from_secs(30));
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        for case in policy.worst_case(&installation) {
            let is_bounded = case.class.service() == Service::PuppetDb;
            assert_eq!(
                case.committed < Duration::from_secs(60),
                is_bounded,
                "{case:?}"
            );
        }
    }

    #[test]
    fn every_class_of_the_installation_is_there() {
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        let cases = Policy::default().worst_case(&installation);
        assert_eq!(cases.len(), Class::COUNT * 2);
        for case in cases {
            assert!(case.committed <= Duration::from_secs(300));
            assert!(case.connected < Duration::from_secs(6));
        }
    }
}
