//! Agents that share nothing with standin, on the lab's brokers: what the lab gets wrong about PCP, its own client would
//! get wrong too.
//!
//! `tests/real_puppet/run` runs it; it is no part of an ordinary `cargo test`, for it needs root and `python3-websockets`.
//! Puppet's pxp-agent is in no registry. Where it is installed (Puppet's own packages put it into
//! `/opt/puppetlabs/puppet/bin`; `PXP_AGENT` names another), it has to do the same.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one tells what it tried"
)]

mod agent;
#[path = "../support/in_lab.rs"]
mod in_lab;

use std::time::Duration;

use agent::Agent;
use serde_json::{Value, json};
use standin_lab::{Controller, Fault, FaultGuard, Host, Lab, PcpEvent, Service, Target};
use tokio::time::timeout;

const AGENT: &str = "pcp://agent.test/agent";

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_agent_works_on_the_labs_brokers() {
    let lab = Lab::builder().start().await.unwrap();
    let agent = Agent::python(&lab);
    works_and_moves(&lab, agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn puppets_pxp_agent_works_on_the_labs_brokers() {
    let lab = Lab::builder().start().await.unwrap();
    let Some(agent) = Agent::pxp_agent(&lab) else {
        println!("foreign PCP: pxp-agent is not installed here, and was not tried");
        return;
    };
    works_and_moves(&lab, agent).await;
}

/// Associates, answers, comes back when it is told to, moves to the second broker when the first is gone, and comes
/// through its restart.
async fn works_and_moves(lab: &Lab, agent: Agent) {
    let (master, replica) = (lab.master(), lab.replica());
    associated(master, &agent).await;
    answers(master).await;

    master.broker().reload_crl().await;
    let told = |event: &_| matches!(event, PcpEvent::Closed { code: 1012, .. });
    lab.journal()
        .wait_for_pcp(|receipt| told(&receipt.event))
        .await;
    associated(master, &agent).await;
    answers(master).await;

    let down = refuse(lab, "master.test").await;
    associated(replica, &agent).await;
    answers(replica).await;

    down.lift().await;
    let _down = refuse(lab, "replica.test").await;
    associated(master, &agent).await;
    answers(master).await;

    let broken = |event: &_| matches!(event, PcpEvent::Malformed | PcpEvent::Refused { .. });
    let receipts = lab.journal().pcp();
    let broken: Vec<_> = receipts
        .iter()
        .filter(|receipt| broken(&receipt.event))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    println!("foreign PCP: {agent} answered, moved and came back");
}

async fn associated(host: &Host, agent: &Agent) {
    let broker = host.broker();
    if timeout(LONG, broker.associated(AGENT)).await.is_err() {
        panic!(
            "{agent} is not associated with {}:\n{}",
            host.name(),
            agent.log()
        );
    }
}

async fn refuse(lab: &Lab, host: &str) -> FaultGuard {
    let target = Target::Service(host, Service::PcpBroker);
    lab.fault(target, Fault::Refuse).await.unwrap()
}

/// Both blocking requests that every pxp-agent can answer.
async fn answers(host: &Host) {
    let mut controller = host.broker().controller("orchestrator.test").unwrap();
    ask(&mut controller, "ping", "ping", json!({})).await;
    let job = json!({"transaction_id": "no such job"});
    let results = ask(&mut controller, "status", "query", job).await;
    assert_eq!(results["status"], "unknown", "{results}");
}

async fn ask(controller: &mut Controller, module: &str, action: &str, params: Value) -> Value {
    let transaction = format!("{module} {action}");
    let data = json!({
        "transaction_id": transaction, "module": module, "action": action, "params": params,
    });
    let request = controller.request(AGENT, "http://puppetlabs.com/rpc_blocking_request", data);
    let answer = timeout(LONG, request).await.unwrap().unwrap();
    assert_eq!(
        answer.message_type, "http://puppetlabs.com/rpc_blocking_response",
        "{answer:?}"
    );
    let data = answer.data.unwrap();
    assert_eq!(data["transaction_id"], transaction);
    data["results"].clone()
}

/// pxp-agent takes 7 s to move, and a Python interpreter starts slowly on a busy machine.
const LONG: Duration = Duration::from_secs(60);
