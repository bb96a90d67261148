use http::Method;

use super::*;
use crate::journal::Entry;

/// What arrived of a request.
#[derive(Clone, Copy)]
enum Arrived {
    Head,
    Whole(Told),
}

const MASTER: Role = Role::Master;
const REPLICA: Role = Role::Replica;

static EDIT: Deed = deed(Kind::HarmfulWrite, Ended::NotAcknowledged);
static REPORT: Deed = deed(Kind::RepeatableWrite, Ended::NotAcknowledged);
static LOOK: Deed = deed(Kind::Read, Ended::NotAcknowledged);

const fn deed(kind: Kind, ended: Ended) -> Deed {
    Deed {
        mark: String::new(),
        kind,
        ended,
        took: Duration::from_secs(1),
        deadline: Duration::from_secs(2),
    }
}

/// The counts for a deed of which this arrived.
fn counts(deed: &Deed, service: Service, arrived: &[(Role, Arrived)]) -> String {
    let journal = Journal::new();
    for (role, arrived) in arrived {
        let line = journal.open(Entry {
            host: "any.test".into(),
            role: *role,
            service,
            purpose: Purpose::Work,
            method: Method::POST,
            path_and_query: "/any?mark=1".to_owned(),
            certname: None,
        });
        if let Arrived::Whole(told) = arrived {
            line.got_all(0);
            line.told(*told);
        }
    }
    let deed = Deed {
        mark: "mark=1".to_owned(),
        ..deed.clone()
    };
    let oracle = Oracle::new(journal, Duration::from_millis(100));
    oracle.judge([&deed]).to_string()
}

const CLEAN: &str = "0 doubled, 0 misdirected, 0 lost, 0 late";
const DOUBLED: &str = "1 doubled, 0 misdirected, 0 lost, 0 late";
const MISDIRECTED: &str = "0 doubled, 1 misdirected, 0 lost, 0 late";
const LOST: &str = "0 doubled, 0 misdirected, 1 lost, 0 late";
const LATE: &str = "0 doubled, 0 misdirected, 0 lost, 1 late";

#[test]
fn a_harmful_write_is_doubled_at_two_servers_or_at_one() {
    let whole = Arrived::Whole(Told::Nothing);
    for others in [MASTER, REPLICA] {
        let twice = [(MASTER, whole), (others, whole)];
        assert_eq!(counts(&EDIT, Service::PuppetServer, &twice), DOUBLED);
        assert_eq!(counts(&REPORT, Service::PuppetServer, &twice), CLEAN);
        assert_eq!(counts(&LOOK, Service::PuppetServer, &twice), CLEAN);
    }
}

#[test]
fn what_arrived_in_part_or_was_declined_is_no_double() {
    for first in [Arrived::Head, Arrived::Whole(Told::NotDone)] {
        let twice = [(MASTER, first), (REPLICA, Arrived::Whole(Told::Done))];
        assert_eq!(counts(&EDIT, Service::PuppetServer, &twice), CLEAN);
    }
}

#[test]
fn a_head_at_a_host_that_may_not_take_it_is_misdirected() {
    let at = |role, service, deed| counts(deed, service, &[(role, Arrived::Head)]);
    for service in Service::ALL {
        assert_eq!(at(MASTER, service, &EDIT), CLEAN, "{service}");
        assert_eq!(at(Role::Pool, service, &EDIT), CLEAN, "{service}");
    }
    for (service, edit, look) in [
        (Service::PuppetServer, CLEAN, CLEAN),
        (Service::PuppetDb, CLEAN, CLEAN),
        (Service::PcpBroker, CLEAN, CLEAN),
        (Service::FileSync, MISDIRECTED, CLEAN),
        (Service::Rbac, MISDIRECTED, CLEAN),
        (Service::NodeClassifier, MISDIRECTED, CLEAN),
        (Service::Activity, MISDIRECTED, CLEAN),
        (Service::CertificateAuthority, MISDIRECTED, MISDIRECTED),
        (Service::Orchestrator, MISDIRECTED, MISDIRECTED),
        (Service::CodeManager, MISDIRECTED, MISDIRECTED),
    ] {
        assert_eq!(at(REPLICA, service, &EDIT), edit, "{service}");
        assert_eq!(at(REPLICA, service, &LOOK), look, "{service}");
    }
}

#[test]
fn an_acknowledged_write_that_nobody_has_whole_is_lost() {
    let done = deed(Kind::RepeatableWrite, Ended::Acknowledged);
    let db = Service::PuppetDb;
    assert_eq!(counts(&done, db, &[]), LOST);
    assert_eq!(counts(&done, db, &[(MASTER, Arrived::Head)]), LOST);
    let whole = Arrived::Whole(Told::Done);
    assert_eq!(counts(&done, db, &[(MASTER, whole)]), CLEAN);
    assert_eq!(
        counts(&REPORT, db, &[]),
        CLEAN,
        "nobody was told that it was done"
    );
    assert_eq!(
        counts(&deed(Kind::Read, Ended::Acknowledged), db, &[]),
        CLEAN
    );
}

#[test]
fn what_ends_after_its_deadline_and_the_slack_is_late() {
    let took = |millis| Deed {
        took: Duration::from_millis(millis),
        ..LOOK.clone()
    };
    assert_eq!(counts(&took(2_100), Service::PuppetDb, &[]), CLEAN);
    assert_eq!(counts(&took(2_101), Service::PuppetDb, &[]), LATE);
}

#[test]
fn judgements_add_up() {
    let deeds = [EDIT.clone(), REPORT.clone()].map(|deed| Deed {
        took: Duration::from_secs(3),
        ..deed
    });
    let oracle = Oracle::new(Journal::new(), Duration::ZERO);
    let mut all = oracle.judge([&deeds[0]]);
    all.add(oracle.judge([&deeds[1]]));
    assert_eq!((all.judged, all.late.len()), (2, 2));
    assert_eq!(all.complaints().count(), 2);
    assert!(!all.is_clean());
    assert!(oracle.judge([&LOOK]).is_clean());
}
