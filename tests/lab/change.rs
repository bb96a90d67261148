//! Lists that change while work is under way, and an operator's word.

use std::time::Duration;

use futures_util::future::join_all;
use standin::{Installation, OnLoss, Role, Server, ServerList, State, Switched, Target};
use standin_core::Service as Known;
use standin_lab::{Fault, Service};

use crate::harness::{Errand, MASTER, REPLICA, Stage};

fn only(hosts: &[(&str, Role)]) -> Installation {
    let entries = hosts
        .iter()
        .map(|(host, role)| (Server::new(host, 8140).unwrap(), *role));
    let list = ServerList::with_roles(entries).unwrap();
    Installation::new().with(Known::PuppetServer, list)
}

fn server(host: &str) -> Target {
    Target::Server(Server::new(host, 8140).unwrap())
}

#[tokio::test]
async fn work_goes_where_the_new_lists_say() {
    let stage = Stage::start().await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), MASTER);
    let promoted = only(&[(REPLICA, Role::Master)]);
    stage.client.set_installation(&promoted).unwrap();
    let answer = stage.ask(Errand::Node).await.unwrap();
    assert_eq!((answer.by(), answer.served.role), (REPLICA, Role::Master));
}

#[tokio::test]
async fn requests_under_way_finish_where_they_are() {
    let stage = Stage::start().await;
    let slow = Fault::WorkDelay(Duration::from_millis(800));
    let _fault = stage.fault(Service::PuppetServer, slow).await;
    let asked = join_all((0..8).map(|_| stage.ask(Errand::Node)));
    let change = async {
        let arrived = |receipt: &standin_lab::Receipt| &*receipt.host == MASTER;
        stage.lab.journal().wait_for(arrived).await;
        let promoted = only(&[(REPLICA, Role::Master)]);
        stage.client.set_installation(&promoted).unwrap();
        stage.ask(Errand::Node).await.unwrap()
    };
    let (answers, after) = tokio::join!(asked, change);
    for answer in answers {
        assert!(answer.unwrap().is_untroubled());
    }
    assert_eq!(after.by(), REPLICA);
}

#[tokio::test]
async fn changes_under_load_lose_no_request() {
    let stage = Stage::start().await;
    let lists = [
        only(&[(MASTER, Role::Master), (REPLICA, Role::Replica)]),
        only(&[(REPLICA, Role::Replica), (MASTER, Role::Master)]),
        only(&[(REPLICA, Role::Master)]),
    ];
    let load = async {
        for _ in 0..20 {
            let answers = join_all((0..6).map(|_| stage.ask(Errand::Node))).await;
            assert!(answers.iter().all(Result::is_ok));
        }
    };
    let changes = async {
        for list in lists.iter().cycle() {
            stage.client.set_installation(list).unwrap();
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    };
    tokio::select! {
        () = load => {}
        () = changes => {}
    }
}

#[tokio::test]
async fn what_is_known_of_a_server_stays_known_wherever_it_stands() {
    let stage = Stage::start().await;
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    let reordered = only(&[(REPLICA, Role::Replica), (MASTER, Role::Master)]);
    stage.client.set_installation(&reordered).unwrap();
    let class = stage.client.snapshot().classes.remove(0);
    assert_eq!(class.entries[1].server_state, State::Benched);
    assert_eq!(class.holder.host(), REPLICA);
}

#[tokio::test]
async fn a_run_keeps_to_its_server_when_the_order_changes() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    assert_eq!(stage.ask_in(&run, Errand::Node).await.unwrap().by(), MASTER);
    let reordered = only(&[(REPLICA, Role::Replica), (MASTER, Role::Master)]);
    stage.client.set_installation(&reordered).unwrap();
    assert_eq!(
        stage.ask_in(&run, Errand::Catalog).await.unwrap().by(),
        MASTER
    );
}

#[tokio::test]
async fn a_run_whose_server_left_the_lists_is_switched() {
    let stage = Stage::start().await;
    let run = stage.client.begin_run(OnLoss::Cross);
    assert_eq!(stage.ask_in(&run, Errand::Node).await.unwrap().by(), MASTER);
    let promoted = only(&[(REPLICA, Role::Master)]);
    stage.client.set_installation(&promoted).unwrap();
    let answer = stage.ask_in(&run, Errand::Catalog).await.unwrap();
    assert_eq!(
        (answer.by(), answer.served.switched),
        (REPLICA, Switched::Yes)
    );
}

#[tokio::test]
async fn who_is_forced_down_is_left_and_who_is_forced_up_is_back() {
    let stage = Stage::start().await;
    let mut health = stage.client.watch();
    health.mark_unchanged();
    stage.client.force_down(&server(MASTER));
    assert!(health.has_changed().unwrap());
    let entry = health.borrow_and_update().classes[0].entries[0].clone();
    assert_eq!(entry.server_state, State::Benched);
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), REPLICA);
    assert!(stage.got_any(MASTER).is_empty());
    stage.client.force_up(&server(MASTER));
    stage.client.force_down(&server(REPLICA));
    assert_eq!(stage.ask(Errand::Node).await.unwrap().by(), MASTER);
}
