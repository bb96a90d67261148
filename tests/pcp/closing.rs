//! The ways in which the lab's broker, which behaves as pcp-broker, rids itself of an agent.

use standin_lab::{Fault, Lab, Service, State, Target};
use standin_pcp::Event;

use crate::agent::{Agent, MASTER, REPLICA, URI};

#[derive(Debug, PartialEq)]
enum Told {
    Lost(String),
    Evicted(String),
    Misconfigured(String),
}

async fn told(agent: &mut Agent) -> Told {
    agent
        .event(|event| match event {
            Event::Lost { ended, .. } => Some(Told::Lost(ended.to_string())),
            Event::Evicted { ended, .. } => Some(Told::Evicted(ended.to_string())),
            Event::Misconfigured { reason, .. } => Some(Told::Misconfigured(reason.clone())),
            _ => None,
        })
        .await
}

fn closed(code: u16, reason: &str) -> String {
    format!("the broker at {MASTER}:8142 closed the association with code {code}: {reason:?}")
}

#[tokio::test]
async fn an_isolated_broker_evicts_and_is_returned_to_when_it_has_controllers_again() {
    let lab = Lab::builder().start().await.unwrap();
    let master = lab.master().broker();
    let mut agent = Agent::quick(&lab);
    agent.stable(MASTER).await;
    master.evict();
    let evicted = closed(1011, "All controllers disconnected.");
    assert_eq!(told(&mut agent).await, Told::Evicted(evicted));
    agent.stable(REPLICA).await;
    master.restore_controllers();
    agent.stable(MASTER).await;
    lab.replica().broker().wait_for(<[String]>::is_empty).await;
    assert_eq!(master.associations(), [URI]);
}

#[tokio::test]
async fn a_broker_that_takes_nobody_more_is_left_for_the_next() {
    let lab = Lab::builder().start().await.unwrap();
    lab.master().broker().set_connection_limit(Some(0));
    let mut agent = Agent::quick(&lab);
    let exceeded = closed(1011, "Connection limit exceeded.");
    assert_eq!(told(&mut agent).await, Told::Lost(exceeded));
    agent.stable(REPLICA).await;
}

#[tokio::test]
async fn a_broker_that_is_starting_is_left_for_the_next() {
    let lab = Lab::builder().start().await.unwrap();
    let target = Target::Service(MASTER, Service::PcpBroker);
    let starting = Fault::NotReady(State::Starting);
    let _fault = lab.fault(target, starting).await.unwrap();
    let mut agent = Agent::quick(&lab);
    agent.stable(REPLICA).await;
}

#[tokio::test]
async fn stopped_handlers_are_passed_by() {
    let lab = Lab::builder().start().await.unwrap();
    lab.master().broker().stop_handlers();
    let mut agent = Agent::quick(&lab);
    let failed = agent
        .event(|event| match event {
            Event::Associated { failed, .. } => Some(failed.clone()),
            _ => None,
        })
        .await;
    assert!(
        failed[0]
            .to_string()
            .contains("refused the upgrade with status 404")
    );
    agent.stable(REPLICA).await;
}

#[tokio::test]
async fn reloaded_revocations_bring_the_agent_back_to_the_same_broker() {
    let lab = Lab::builder().start().await.unwrap();
    let mut agent = Agent::quick(&lab);
    agent.stable(MASTER).await;
    lab.master().broker().reload_crl().await;
    let reloaded = closed(1012, "CRL reloaded");
    assert_eq!(told(&mut agent).await, Told::Lost(reloaded));
    agent.stable(MASTER).await;
    assert!(lab.replica().broker().associations().is_empty());
}

#[tokio::test]
async fn an_agent_that_is_not_authorized_says_so_and_tries_seldom() {
    let lab = Lab::builder().start().await.unwrap();
    lab.master().broker().deny("agent.test");
    let mut agent = Agent::quick(&lab);
    let unsuccessful = closed(4002, "Association unsuccessful.");
    assert_eq!(told(&mut agent).await, Told::Misconfigured(unsuccessful));
    // Only this broker is wrong about it.
    agent.stable(REPLICA).await;
}

#[tokio::test]
async fn a_second_agent_of_the_same_name_takes_the_place_of_the_first() {
    let lab = Lab::builder().start().await.unwrap();
    let mut first = Agent::quick(&lab);
    first.stable(MASTER).await;
    let mut second = Agent::quick(&lab);
    second.stable(MASTER).await;
    let Told::Lost(words) = told(&mut first).await else {
        panic!("it was replaced");
    };
    assert!(words.contains("broke"), "{words}");
}
