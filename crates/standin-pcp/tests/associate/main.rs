//! An agent associates with real brokers on loopback, of which some fail. The clock is paused: both
//! ends run on one thread, so a wait takes no time and its length is exact.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod broker;
mod ca;

use std::time::Duration;

use standin_core::verdict::{Loss, Processed, Unreached};
use standin_core::{Installation, Moment, Policy, Server, ServerList, Service, Verdict};
use standin_net::{Clock, Connector, Names};
use standin_pcp::{AfterClose, AssociateErrorKind, Brokers, Ended};

use broker::Manner::{Answers, BreaksInUpgrade, Refuses, Serves, SilentBeforeTls, SilentInUpgrade};
use broker::{Broker, Manner};
use ca::{Agent, Ca};

const NAME: &str = "agent.test";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// Brokers that are started, and an agent that has them in this order.
struct Site {
    agent: Agent,
    brokers: Brokers,
    started: Vec<Broker>,
    clock: Clock,
    began: Moment,
}

impl Site {
    async fn of(manners: &[Manner]) -> Self {
        let ca = Ca::named("Puppet CA: test");
        let agent = ca.agent(NAME);
        Self::with(&ca, agent, manners).await
    }

    async fn with(ca: &Ca, agent: Agent, manners: &[Manner]) -> Self {
        let mut started = Vec::new();
        let mut names = Names::new();
        for (index, manner) in manners.iter().enumerate() {
            let broker = Broker::start(ca, u8::try_from(index).unwrap(), *manner).await;
            names = names.with(broker.server.host(), broker.address);
            started.push(broker);
        }
        let servers = started.iter().map(|broker| broker.server.clone());
        let list = ServerList::new(servers).unwrap();
        let installation = Installation::new().with(Service::PcpBroker, list);
        let policy = Policy::default();
        let clock = Clock::start();
        let connector = Connector::new(agent.tls.clone(), names);
        Self {
            brokers: Brokers::new(&installation, connector, policy, NAME),
            agent,
            started,
            began: clock.now(),
            clock,
        }
    }

    fn server(&self, index: usize) -> Server {
        self.started[index].server.clone()
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(self.began)
    }

    /// Associates with the second, the first having failed so after so long.
    async fn goes_to_the_second(manner: Manner, verdict: Verdict, millis: u64) -> Self {
        let site = Self::of(&[manner, Serves]).await;
        let association = site.brokers.associate().await.unwrap();
        let took = site.elapsed();
        assert_eq!(*association.server(), site.server(1));
        let [failed] = association.failed() else {
            panic!("{:?}", association.failed());
        };
        assert_eq!((&failed.server, failed.verdict), (&site.server(0), verdict));
        let expected = Duration::from_millis(millis);
        let late = expected + Duration::from_millis(5);
        assert!((expected..late).contains(&took), "{took:?}");
        site
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_is_taken_when_all_is_well() {
    let site = Site::of(&[Serves, Serves]).await;
    let association = site.brokers.associate().await.unwrap();
    assert_eq!(*association.server(), site.server(0));
    assert!(association.failed().is_empty());
    assert!(site.started[1].visits().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_asks_for_the_agents_path_and_shows_its_certificate() {
    let site = Site::of(&[Serves]).await;
    let _association = site.brokers.associate().await.unwrap();
    let visits = site.started[0].visits();
    assert_eq!(visits.len(), 1);
    assert_eq!(visits[0].path, "/pcp2/agent");
    assert_eq!(visits[0].certificate, site.agent.certificate);
}

#[tokio::test(start_paused = true)]
async fn messages_go_both_ways() {
    let site = Site::of(&[Serves]).await;
    let mut association = site.brokers.associate().await.unwrap();
    for text in ["one", "", "drei ÄÖÜ"] {
        association.send(text).await.unwrap();
        assert_eq!(association.next().await.unwrap(), format!("echo {text}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_many_megabytes_goes_through() {
    let site = Site::of(&[Serves]).await;
    let mut association = site.brokers.associate().await.unwrap();
    let text = "x".repeat(20 << 20);
    association.send(text.as_str()).await.unwrap();
    assert_eq!(
        association.next().await.unwrap().len(),
        "echo ".len() + text.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_moves_on_at_once() {
    Site::goes_to_the_second(Refuses, Verdict::Unreached(Unreached::Refused), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_silent_before_tls_costs_the_preference() {
    let passed_over = Verdict::Unreached(Unreached::PassedOver);
    Site::goes_to_the_second(SilentBeforeTls, passed_over, 2500).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_silent_in_the_upgrade_costs_the_limit() {
    let silent = Verdict::Lost(Loss::TimedOut);
    Site::goes_to_the_second(SilentInUpgrade, silent, 3100).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_in_the_upgrade_moves_on_at_once() {
    Site::goes_to_the_second(BreaksInUpgrade, Verdict::Lost(Loss::Reset), 0).await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_refused_with_503_moves_on_at_once() {
    let not_ready = Verdict::NotReady(Processed::No);
    Site::goes_to_the_second(Answers(UNAVAILABLE), not_ready, 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_broker_is_passed_at_once() {
    let garbage = Verdict::Lost(Loss::Garbage);
    Site::goes_to_the_second(Answers("220 mail.test ESMTP\r\n\r\n"), garbage, 0).await;
}

#[tokio::test(start_paused = true)]
async fn the_second_association_goes_straight_to_the_holder() {
    let not_ready = Verdict::NotReady(Processed::No);
    for (manner, verdict, millis) in [
        (
            SilentBeforeTls,
            Verdict::Unreached(Unreached::PassedOver),
            2500,
        ),
        (Answers(UNAVAILABLE), not_ready, 0),
    ] {
        let site = Site::goes_to_the_second(manner, verdict, millis).await;
        let before = site.elapsed();
        let again = site.brokers.associate().await.unwrap();
        assert_eq!(*again.server(), site.server(1));
        assert!(again.failed().is_empty(), "{:?}", again.failed());
        assert!(site.elapsed() - before < Duration::from_millis(5));
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_are_down_the_error_lists_them_all() {
    let site = Site::of(&[Refuses, Answers(UNAVAILABLE)]).await;
    let error = site.brokers.associate().await.unwrap_err();
    assert_eq!(error.kind(), AssociateErrorKind::Exhausted);
    let tried: Vec<_> = error
        .attempts()
        .iter()
        .map(|a| (&a.server, a.verdict))
        .collect();
    let refused = Verdict::Unreached(Unreached::Refused);
    let (first, second) = (site.server(0), site.server(1));
    assert_eq!(
        tried,
        [
            (&first, refused),
            (&second, Verdict::NotReady(Processed::No)),
            (&first, refused),
            (&second, Verdict::NotReady(Processed::No)),
        ]
    );
    assert_eq!(
        error.to_string(),
        format!(
            "association with a PCP broker: every broker was tried and none associated \
             ({first}: refused; {second}: not ready; {first}: refused; {second}: not ready)"
        )
    );
    assert!(
        error
            .report()
            .contains("refused the upgrade with status 503")
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_all_uses_up_nothing_so_each_is_still_tried() {
    let site = Site::of(&[Answers(UNAVAILABLE); 6]).await;
    for round in 0..8 {
        let error = site.brokers.associate().await.unwrap_err();
        for broker in &site.started {
            let tried = error.attempts().iter().any(|a| a.server == broker.server);
            assert!(tried, "round {round}: {} was left out", broker.server);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn brokers_that_do_not_trust_the_agent_are_told_from_dead_ones() {
    let ca = Ca::named("Puppet CA: test");
    let agent = ca.agent_signed_by(&Ca::named("Puppet CA: stranger"), NAME);
    let site = Site::with(&ca, agent, &[Serves, Serves]).await;
    let error = site.brokers.associate().await.unwrap_err();
    assert_eq!(
        error.kind(),
        AssociateErrorKind::Untrusted,
        "{}",
        error.report()
    );
    assert_eq!(error.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn brokers_follow_their_resolver() {
    let site = Site::of(&[Serves, Serves]).await;
    let only = |index| {
        let list = ServerList::new([site.server(index)]).unwrap();
        Installation::new().with(Service::PcpBroker, list)
    };
    let (change, lists) = tokio::sync::watch::channel(only(0));
    let brokers = site.brokers.clone().following(Shown(lists));
    assert_eq!(*brokers.associate().await.unwrap().server(), site.server(0));
    change.send_replace(only(1));
    while brokers.snapshot().classes[0].entries[0].server != site.server(1) {
        tokio::task::yield_now().await;
    }
    assert_eq!(*brokers.associate().await.unwrap().server(), site.server(1));
}

/// A resolver in the hands of the test.
#[derive(Debug)]
struct Shown(tokio::sync::watch::Receiver<Installation>);

impl standin_net::Resolver for Shown {
    fn watch(&self) -> tokio::sync::watch::Receiver<Installation> {
        self.0.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_list_the_error_says_what_to_configure() {
    let agent = Ca::named("Puppet CA: test").agent(NAME);
    let (installation, policy) = (Installation::new(), Policy::default());
    let connector = Connector::new(agent.tls.clone(), Names::new());
    let brokers = Brokers::new(&installation, connector, policy, NAME);
    let error = brokers.associate().await.unwrap_err();
    assert_eq!(error.kind(), AssociateErrorKind::NoBrokers);
    assert!(error.to_string().contains("pcp_broker_list"));
}

#[tokio::test(start_paused = true)]
async fn a_close_carries_its_code_and_what_to_do() {
    for (code, after) in [
        (1011, AfterClose::NextBroker),
        (1012, AfterClose::SameBroker),
        (4003, AfterClose::Misconfigured),
    ] {
        let site = Site::of(&[Serves]).await;
        let mut association = site.brokers.associate().await.unwrap();
        association.send(format!("close {code}")).await.unwrap();
        let ended = association.next().await.unwrap_err();
        assert_eq!(ended.after(), after);
        let Ended::Closed {
            code: got, reason, ..
        } = ended
        else {
            panic!("{ended:?}");
        };
        assert_eq!((got, reason.as_str()), (code, "on cue"));
        assert!(association.next().await.is_err());
        assert!(association.send("too late").await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn binary_messages_are_refused_by_name() {
    let site = Site::of(&[Serves]).await;
    let mut association = site.brokers.associate().await.unwrap();
    association.send("binary").await.unwrap();
    assert!(matches!(
        association.next().await,
        Err(Ended::Binary { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_message_can_be_given_up_without_losing_it() {
    let site = Site::of(&[Serves]).await;
    let mut association = site.brokers.associate().await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_secs(1), association.next()).await;
    assert!(given_up.is_err());
    association.send("still here").await.unwrap();
    assert_eq!(association.next().await.unwrap(), "echo still here");
}

#[tokio::test(start_paused = true)]
async fn a_message_beyond_the_bound_ends_the_association() {
    let site = Site::of(&[Serves]).await;
    let mut association = site.brokers.associate().await.unwrap();
    association.send("huge").await.unwrap();
    let ended = association.next().await.unwrap_err();
    assert!(matches!(ended, Ended::Broke { .. }), "{ended:?}");
}

/// An association may be held by a task of its own.
#[test]
fn associations_and_brokers_can_be_sent() {
    fn sendable<T: Send>() {}
    sendable::<standin_pcp::Association>();
    sendable::<Brokers>();
    sendable::<standin_pcp::AssociateError>();
}
