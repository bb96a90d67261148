//! An agent's work on a real pair of Puppet Servers and PuppetDBs, while they are killed, cut off
//! and brought back.
//!
//! `tests/real_puppet/run` installs and starts them, and then this; it is no part of an ordinary
//! `cargo test`. The steps share one pair of hosts, so they are one test, told as it goes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one tells its story"
)]

mod agent;
mod proxy;
mod stack;
mod wire;

use std::time::Duration;

use agent::{Agent, Errand};
use proxy::Proxy;
use stack::Stack;
use standin::{ErrorKind, OnLoss, Service, Switched};
use wire::Wire;

/// What a request may wait on a connection that went dead under it: patience, two misses, and the
/// replica's own work (its PuppetDB terminus tries the master for 5 s, twice in a catalog).
const DEAD_UNDER_IT: Duration = Duration::from_secs(30);
/// What a request may wait when its server's packets vanish before it connects.
const BLACK_HOLE: Duration = Duration::from_millis(3100);
/// What a request may wait when its server refuses.
const REFUSED: Duration = Duration::from_millis(500);

const MASTER: &str = "master.test";
const REPLICA: &str = "replica.test";

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_work_survives_its_real_master() {
    let stack = Stack::find().await;
    let mut agent = Agent::from_settings(&stack);

    step("all well: a whole run on the master");
    let run = agent.begin_run();
    for errand in Errand::RUN {
        let answer = agent.go(errand, &run).await;
        assert_eq!(answer.host, MASTER, "{errand:?}");
        assert!(answer.failed.is_empty(), "{errand:?}: {:?}", answer.failed);
    }
    let catalog = agent.go(Errand::Catalog, &run).await;
    assert!(catalog.text.contains("compiled by master.test"));

    step("the same through a proxy, with mutual TLS inside");
    let proxy = Proxy::start().await;
    let mut inside = Agent::newcomer_with(&stack, proxy.settings("secret"));
    let run = inside.begin_run();
    for errand in Errand::RUN {
        let answer = inside.go(errand, &run).await;
        assert_eq!(answer.host, MASTER, "{errand:?}");
        assert!(answer.failed.is_empty(), "{errand:?}: {:?}", answer.failed);
    }
    for server in ["master.test:8140", "master.test:8081"] {
        assert!(proxy.was_asked_for(server), "{server}");
    }
    let mut stranger = Agent::newcomer_with(&stack, proxy.settings("wrong"));
    let refused = stranger.try_once(Errand::Node).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Local, "{}", refused.report());
    assert!(
        refused.report().contains("set http_proxy_user"),
        "{}",
        refused.report()
    );

    step("a wire before the master that breaks, while the master is well");
    let wire = Wire::before_the_master(&stack).await;
    let names = wire.names(&stack);
    let mut behind = Agent::newcomer_by(&stack, &names);
    let run = behind.begin_run();
    for errand in Errand::RUN {
        assert_eq!(behind.go(errand, &run).await.host, MASTER, "{errand:?}");
    }
    for relay in [&wire.puppet_server, &wire.puppetdb] {
        let passages = relay.journal().passages();
        assert!(passages.iter().any(|passage| passage.to_client > 0));
    }
    let mut behind = vec![behind];
    for fault in wire::FATAL {
        println!("   {fault:?}");
        let _broken = wire.breaks(fault).await;
        let mut newcomer = Agent::newcomer_by(&stack, &names);
        let run = newcomer.begin_run();
        for errand in Errand::RUN {
            let answer = newcomer.go(errand, &run).await;
            assert_eq!(answer.host, REPLICA, "{fault:?} {errand:?}");
            assert!(
                answer.waited < BLACK_HOLE,
                "{errand:?}: {:?}",
                answer.waited
            );
        }
        behind.push(newcomer);
    }

    step("the master's Puppet Server is killed in mid-run");
    let run = agent.begin_run();
    for errand in [Errand::Node, Errand::Catalog, Errand::Metadata] {
        assert_eq!(agent.go(errand, &run).await.host, MASTER, "{errand:?}");
    }
    stack.run(&["kill", "master-puppetserver"]).await;
    for errand in [Errand::Content, Errand::Report, Errand::Catalog] {
        let answer = agent.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert_eq!(answer.switched, Switched::Yes, "{errand:?}");
        assert!(answer.waited < REFUSED, "{errand:?}: {:?}", answer.waited);
    }
    for errand in [Errand::Query, Errand::Command] {
        let answer = agent.go(errand, &run).await;
        assert_eq!(
            answer.host, MASTER,
            "a partial failure stays partial: {errand:?}"
        );
    }
    let refused = agent
        .try_once(Errand::CertificateRequest)
        .await
        .unwrap_err();
    assert_eq!(
        refused.kind(),
        ErrorKind::NotDuringFailover,
        "{}",
        refused.report()
    );

    step("it comes back");
    stack.run(&["start", "master-puppetserver"]).await;
    agent.until_back(Errand::Node).await;

    step("the master's PostgreSQL is stopped: its PuppetDB takes commands, and queries move");
    stack.run(&["stop_database", "master"]).await;
    let run = agent.begin_run();
    for (errand, expected) in [
        (Errand::Command, MASTER),
        (Errand::Query, REPLICA),
        (Errand::Command, MASTER),
    ] {
        assert_eq!(agent.go(errand, &run).await.host, expected, "{errand:?}");
    }

    step("the master's PuppetDB is killed, with those commands in its queue");
    stack.run(&["kill", "master-puppetdb"]).await;
    let run = agent.begin_run();
    for errand in Errand::RUN {
        let expected = match errand {
            Errand::Query | Errand::Command => REPLICA,
            _ => MASTER,
        };
        let answer = agent.go(errand, &run).await;
        assert_eq!(answer.host, expected, "{errand:?}");
        assert!(answer.waited < REFUSED, "{errand:?}: {:?}", answer.waited);
    }

    step("then its Puppet Server too: a new process finds both gone");
    stack.run(&["kill", "master-puppetserver"]).await;
    let mut newcomer = Agent::newcomer(&stack);
    let run = newcomer.begin_run();
    for errand in Errand::RUN {
        let answer = newcomer.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert!(answer.waited < REFUSED, "{errand:?}: {:?}", answer.waited);
    }

    step("the replica is out of reach, too: what nobody takes is kept");
    stack.run(&["drop", "replica"]).await;
    let mut keeper = Agent::with_spool(&stack);
    let run = keeper.begin_run();
    for errand in [Errand::Report, Errand::Command, Errand::Command] {
        keeper.keep(errand, &run).await;
    }
    stack.run(&["undrop", "replica"]).await;
    let delivery = Agent::with_spool(&stack).deliver().await;
    assert_eq!((delivery.delivered, delivery.left), (3, 0), "{delivery:?}");

    step("both come back, and PostgreSQL");
    stack.run(&["start_database", "master"]).await;
    stack
        .run(&["start", "master-puppetserver", "master-puppetdb"])
        .await;
    for errand in [Errand::Node, Errand::Query, Errand::Command] {
        agent.until_back(errand).await;
    }

    step("the master's packets vanish in mid-run");
    let run = agent.begin_run();
    for errand in [Errand::Node, Errand::Query] {
        assert_eq!(agent.go(errand, &run).await.host, MASTER, "{errand:?}");
    }
    stack.run(&["drop", "master"]).await;
    for errand in Errand::RUN {
        let answer = agent.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert!(
            answer.waited < DEAD_UNDER_IT,
            "{errand:?}: {:?}",
            answer.waited
        );
    }
    let run = agent.begin_run();
    for errand in Errand::RUN {
        let answer = agent.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert!(
            answer.waited < REFUSED,
            "known by now: {errand:?}: {:?}",
            answer.waited
        );
    }

    step("a new process meets vanishing packets");
    let mut newcomer_in_the_dark = Agent::newcomer(&stack);
    let run = newcomer_in_the_dark.begin_run();
    for errand in Errand::RUN {
        let answer = newcomer_in_the_dark.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert!(
            answer.waited < BLACK_HOLE,
            "{errand:?}: {:?}",
            answer.waited
        );
    }

    step("a new process that was told of it waits for nothing");
    agent.remember().await;
    let mut successor = Agent::from_settings(&stack);
    let run = successor.begin_run();
    for errand in Errand::RUN {
        let answer = successor.go(errand, &run).await;
        assert_eq!(answer.host, REPLICA, "{errand:?}");
        assert!(answer.failed.is_empty(), "{errand:?}: {:?}", answer.failed);
        assert!(answer.waited < REFUSED, "{errand:?}: {:?}", answer.waited);
    }

    step("they flow again");
    stack.run(&["undrop", "master"]).await;
    for errand in [Errand::Node, Errand::Query, Errand::Command] {
        agent.until_back(errand).await;
    }

    step("a run that must not cross servers ends when it would");
    let run = agent.begin_run_with(OnLoss::Restart);
    assert_eq!(agent.go(Errand::Node, &run).await.host, MASTER);
    stack.run(&["kill", "master-puppetserver"]).await;
    let broken = agent.try_in(Errand::Catalog, &run).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::GroupBroken, "{}", broken.report());
    stack
        .run(&["start", "--no-wait", "master-puppetserver"])
        .await;

    step("a report is submitted twice to PuppetDB, and another twice to Puppet Server");
    let to_puppetdb = keeper.report_twice(Service::PuppetDb).await;
    let to_puppet_server = keeper.report_twice(Service::PuppetServer).await;

    step("nothing acknowledged is missing in PuppetDB");
    let mut commands = Vec::new();
    let mut reports = Vec::new();
    let agents = [
        &agent,
        &inside,
        &keeper,
        &newcomer,
        &newcomer_in_the_dark,
        &successor,
    ];
    let agents = agents.into_iter().chain(&behind);
    for agent in agents.clone() {
        commands.extend_from_slice(&agent.acknowledged_commands);
        reports.extend_from_slice(&agent.acknowledged_reports);
    }
    agent.find_in_puppetdb(&commands, &reports).await;
    // A Puppet Server dates each report that it hands on. These came last, so all before are stored by then.
    agent.until_stored(&to_puppet_server, 2).await;
    assert_eq!(agent.times_stored(&to_puppetdb).await, 1);

    let requests: usize = agents.map(|agent| agent.sent).sum();
    println!(
        "real puppet: {requests} requests, {} commands and {} reports acknowledged, none missing",
        commands.len(),
        reports.len()
    );
}

fn step(title: &str) {
    println!("-- {title}");
}
