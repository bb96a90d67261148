//! Two thousand real agents and one broker that is restarted.

use std::collections::BTreeMap;
use std::time::Duration;

use standin_lab::{CertSpec, Fault, Lab, PcpEvent, Service, Target};
use standin_pcp::{Options, Outcome};
use tokio::time::{sleep, timeout};

use crate::agent::{Agent, MASTER};

const AGENTS: usize = 2000;

/// How long the broker is away.
const RESTART: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_agents_come_through_a_restart_and_not_as_one() {
    let lab = Lab::builder().start().await.unwrap();
    let broker = lab.master().broker();
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        let certname = format!("agent{number}.test");
        let certificate = lab.certificate(&CertSpec::new(&certname)).unwrap();
        certificate.save(lab.ssl_dir()).unwrap();
        agents.push(Agent::of(&lab, MASTER, &certname, Options::default()));
        tokio::task::yield_now().await;
    }
    let everybody = |uris: &[String]| uris.len() == AGENTS;
    let associated = broker.wait_for(everybody);
    timeout(Duration::from_secs(120), associated)
        .await
        .expect("all come");
    for agent in &mut agents {
        agent.stable(MASTER).await;
    }

    let before = lab.journal().pcp().len();
    let target = Target::Service(MASTER, Service::PcpBroker);
    let down = lab.fault(target, Fault::Refuse).await.unwrap();
    sleep(RESTART).await;
    assert!(broker.associations().is_empty());
    // What is said meanwhile waits.
    let message = || {
        let ping = standin_pcp::inventory::request(&[], standin_pcp::inventory::Subscribe::No);
        ping.unwrap()
    };
    let outcomes: Vec<_> = agents
        .iter()
        .map(|agent| agent.broker.send(message()))
        .collect();
    down.lift().await;
    let associated = broker.wait_for(everybody);
    timeout(Duration::from_secs(120), associated)
        .await
        .expect("all come again");
    for outcome in outcomes {
        let outcome = timeout(Duration::from_secs(60), outcome)
            .await
            .expect("an outcome");
        assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    }

    let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for receipt in &lab.journal().pcp()[before..] {
        if receipt.event == PcpEvent::Associated {
            *seconds.entry(receipt.at.as_secs()).or_default() += 1;
            *times.entry(receipt.client.clone()).or_default() += 1;
        }
    }
    let again = times.values().filter(|times| **times > 1).count();
    println!("arrivals after the restart, by second: {seconds:?}; {again} came more than once");
    assert_eq!(times.len(), AGENTS);
    // A busy machine answers some upgrades after their time.
    assert!(again < AGENTS / 20, "{again} came more than once");
    let worst = seconds.values().max().copied().unwrap_or_default();
    assert!(worst < AGENTS / 3, "{worst} came in one second");
}
