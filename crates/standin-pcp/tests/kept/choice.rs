//! Which broker is associated with, and when.

use std::time::Duration;

use standin_core::verdict::{Loss, Processed, Unreached};
use standin_core::{Installation, ServerList, Service, Verdict};
use standin_net::MemoryFile;
use standin_pcp::{AssociateErrorKind, Event, Options};
use tempfile::TempDir;

use crate::broker::Manner::{
    self, Answers, BreaksInUpgrade, Closes, Freezes, Refuses, Serves, SilentBeforeTls,
    SilentInUpgrade,
};
use crate::ca::Ca;
use crate::site::{NAME, Site, assert_about, at_once, connect};

const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// Associates with the second, the first having failed so after so long.
async fn goes_to_the_second(manner: Manner, verdict: Verdict, millis: u64) -> Site {
    let mut site = Site::of(&[manner, Serves]).await;
    let (server, failed) = site
        .event(|event| match event {
            Event::Associated { server, failed } => Some((server.clone(), failed.clone())),
            _ => None,
        })
        .await;
    assert_about(site.elapsed(), millis);
    assert_eq!(server, site.server(1));
    let [failed] = &failed[..] else {
        panic!("{failed:?}");
    };
    assert_eq!((&failed.server, failed.verdict), (&site.server(0), verdict));
    site.is_stable_at(1).await;
    site
}

#[tokio::test(start_paused = true)]
async fn the_first_is_taken_when_all_is_well_and_is_stable_after_ten_seconds() {
    let mut site = Site::of(&[Serves, Serves]).await;
    assert_eq!(site.associated().await, site.server(0));
    assert_about(site.elapsed(), 0);
    assert_eq!(site.stable().await, site.server(0));
    assert_about(site.elapsed(), 10_000);
    assert!(site.brokers[1].visits().is_empty());
    let status = site.handle.status();
    let association = status.association.unwrap();
    assert!(association.is_stable);
    assert_about(association.for_so_long, 10_000);
    assert_eq!(status.brokers.classes[0].holder, site.server(0));
}

#[tokio::test(start_paused = true)]
async fn it_asks_for_the_agents_path_and_shows_its_certificate() {
    let mut site = Site::of(&[Serves]).await;
    site.associated().await;
    let visits = site.brokers[0].visits();
    assert_eq!(visits.len(), 1);
    assert_eq!(visits[0].path, "/pcp2/agent");
    assert_eq!(visits[0].certificate, site.agent.certificate);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_another_type_asks_for_its_own_path() {
    let client_type = "controller".parse().unwrap();
    let options = Options {
        client_type,
        ..Options::default()
    };
    let mut site = Site::with(&[Serves], options).await;
    site.associated().await;
    assert_eq!(site.brokers[0].visits()[0].path, "/pcp2/controller");
    assert_eq!(site.handle.uri().as_str(), "pcp://agent.test/controller");
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_moves_on_at_once() {
    goes_to_the_second(Refuses, Verdict::Unreached(Unreached::Refused), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_silent_before_tls_costs_the_preference() {
    let passed_over = Verdict::Unreached(Unreached::PassedOver);
    goes_to_the_second(SilentBeforeTls, passed_over, 2500).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_silent_in_the_upgrade_costs_the_limit() {
    goes_to_the_second(SilentInUpgrade, Verdict::Lost(Loss::TimedOut), 3100).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_in_the_upgrade_moves_on_at_once() {
    goes_to_the_second(BreaksInUpgrade, Verdict::Lost(Loss::Reset), 0).await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_refused_with_503_moves_on_at_once() {
    goes_to_the_second(Answers(UNAVAILABLE), Verdict::NotReady(Processed::No), 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_broker_is_passed_at_once() {
    let garbage = Answers("220 mail.test ESMTP\r\n\r\n");
    goes_to_the_second(garbage, Verdict::Lost(Loss::Garbage), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_accepts_and_closes_is_left_within_the_spread() {
    for code in [1011, 1000] {
        let mut site = Site::of(&[Closes(code, Duration::ZERO), Serves]).await;
        assert_eq!(site.associated().await, site.server(0));
        let pause = site.pause().await;
        assert!(pause <= Duration::from_secs(10));
        assert_eq!(site.associated().await, site.server(1));
        assert!(
            site.elapsed() < Duration::from_secs(15),
            "{:?}",
            site.elapsed()
        );
        assert_eq!(site.stable().await, site.server(1));
        assert!(site.brokers[0].visits().len() == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_accepts_and_hangs_is_left_when_it_should_be_proven() {
    let mut site = Site::with(&[Freezes, Serves], at_once()).await;
    assert_eq!(site.associated().await, site.server(0));
    assert_eq!(site.associated().await, site.server(1));
    assert_about(site.elapsed(), 10_000);
    assert_eq!(site.stable().await, site.server(1));
}

#[tokio::test(start_paused = true)]
async fn when_all_are_down_the_event_lists_them_and_each_is_tried_again_and_again() {
    let mut site = Site::of(&[Refuses, Answers(UNAVAILABLE)]).await;
    for round in 0..4 {
        let error = site
            .event(|event| match event {
                Event::NotAssociated { error, .. } => Some(error.clone()),
                _ => None,
            })
            .await;
        assert_eq!(error.kind(), AssociateErrorKind::Exhausted);
        let mut tried: Vec<_> = error.attempts().iter().map(|a| a.server.clone()).collect();
        tried.sort_by_key(|server| server.host().to_owned());
        assert_eq!(tried, [site.server(0), site.server(1)], "round {round}");
        assert!(
            error
                .report()
                .contains("refused the upgrade with status 503")
        );
    }
    site.brokers[1].becomes(Serves).await;
    assert_eq!(site.associated().await, site.server(1));
    assert!(site.elapsed() < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn brokers_that_do_not_trust_the_agent_are_a_fault_of_configuration() {
    let ca = Ca::named("Puppet CA: test");
    let agent = ca.agent_signed_by(&Ca::named("Puppet CA: stranger"), NAME);
    let mut site = Site::start(&ca, agent, &[Serves, Serves], Options::default()).await;
    let (reason, pause) = site
        .event(|event| match event {
            Event::Misconfigured { reason, again_in } => Some((reason.clone(), *again_in)),
            _ => None,
        })
        .await;
    assert!(reason.contains("certificate"), "{reason}");
    assert!(pause >= Duration::from_secs(150), "{pause:?}");
}

#[tokio::test(start_paused = true)]
async fn another_list_is_heeded_when_the_association_ends() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    site.is_stable_at(0).await;
    let second = ServerList::new([site.server(1)]).unwrap();
    site.handle.set_list(&second);
    site.echoes("still with the first").await;
    site.brokers[0].closes_all(1012);
    assert_eq!(site.associated().await, site.server(1));
}

#[tokio::test(start_paused = true)]
async fn its_brokers_are_those_that_a_resolver_shows_and_when_there_are_none_it_says_so() {
    let mut site = Site::with(&[Serves, Serves], at_once()).await;
    let only = |index| {
        let list = ServerList::new([site.server(index)]).unwrap();
        Installation::new().with(Service::PcpBroker, list)
    };
    let (change, lists) = tokio::sync::watch::channel(only(1));
    site.handle = site.handle.following(Shown(lists));
    assert_eq!(site.associated().await, site.server(1));
    change.send_replace(Installation::new());
    while !site.handle.status().brokers.classes.is_empty() {
        tokio::task::yield_now().await;
    }
    site.brokers[1].closes_all(1012);
    let error = site
        .event(|event| match event {
            Event::NotAssociated { error, .. } => Some(error.clone()),
            _ => None,
        })
        .await;
    assert_eq!(error.kind(), AssociateErrorKind::NoBrokers);
    assert!(error.to_string().contains("pcp_broker_list"));
    let list = ServerList::new([site.server(0)]).unwrap();
    change.send_replace(Installation::new().with(Service::PcpBroker, list));
    assert_eq!(site.associated().await, site.server(0));
}

/// A resolver in the hands of the test.
#[derive(Debug)]
struct Shown(tokio::sync::watch::Receiver<Installation>);

impl standin_net::Resolver for Shown {
    fn watch(&self) -> tokio::sync::watch::Receiver<Installation> {
        self.0.clone()
    }
}

/// Files are written on other threads, so the clock runs.
#[tokio::test]
async fn the_next_process_begins_with_the_broker_that_held() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(MemoryFile::NAME);
    let mut options = at_once();
    options.terms.stable = Duration::from_millis(50);
    options.memory = Some(MemoryFile::new(&path, NAME, options.policy.memory.clone()));
    let mut site = Site::with(&[Refuses, Serves], options.clone()).await;
    assert_eq!(site.stable().await, site.server(1));
    let Site {
        handle,
        agent,
        mut brokers,
        ..
    } = site;
    handle.close().await;
    brokers[0].becomes(Serves).await;
    let mut handle = connect(&agent, &brokers, options);
    let mut events = handle.events();
    let Some(Event::Associated { server, failed }) = events.next().await else {
        panic!("it associates");
    };
    assert_eq!(server, brokers[1].server);
    assert!(failed.is_empty(), "{failed:?}");
}
