//! Entries on their way to a server, at last.

use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use standin::config::{Overrides, Settings};
use standin::policy::{Commands, Repeats, Submission};
use standin::spool::{DeliveredBy, Entry, Kind, Spool, StopReason};
use standin::{Body, Client, ErrorKind, Policy, Spooled};
use standin_lab::{Fault, Service};
use tempfile::TempDir;

use super::{Spooling, command, nodes};
use crate::harness::{Errand, MASTER, REPLICA, Stage, eventually, names, policy, sources};

#[tokio::test]
async fn they_are_delivered_once_a_server_of_their_service_answers() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let faults = stage.fault_both(Fault::Refuse).await;
    spooling.keep(Errand::Report.request()).await;
    spooling.keep(Errand::Command.request()).await;
    for fault in faults {
        fault.lift().await;
    }
    stage.ask(Errand::Node).await.unwrap();
    eventually(async || (spooling.depth().await == 1).then_some(())).await;
    assert!(spooling.taken().is_empty(), "no PuppetDB has answered yet");
    stage.ask(Errand::Query).await.unwrap();
    eventually(async || (spooling.depth().await == 0).then_some(())).await;
    let hosts = [stage.lab.master(), stage.lab.replica()];
    let reports: usize = hosts.map(|host| host.store().reports().len()).iter().sum();
    assert_eq!((reports, spooling.taken().len()), (1, 1));
}

#[tokio::test]
async fn a_command_keeps_its_producer_timestamp_its_body_and_what_it_is() {
    let spooling = Spooling::start().await;
    let faults = spooling.stage.fault_both(Fault::Refuse).await;
    let undated = "/pdb/cmd/v1?command=deactivate_node&version=3&certname=a.test";
    let request = Request::post(undated)
        .header(CONTENT_TYPE, "application/json")
        .body(r#"{"certname":"a.test"}"#.into());
    spooling.keep(request.unwrap()).await;
    let file = fs::read(&spooling.files()[0]).unwrap();
    let entry = Entry::decode(&file.into()).unwrap();
    for fault in faults {
        fault.lift().await;
    }
    assert_eq!(spooling.stage.client.deliver().await.unwrap().delivered, 1);
    let commands = spooling.stage.lab.master().store().commands();
    assert_eq!(commands[0].body, entry.body());
    let query = entry.target().query().unwrap();
    let date = commands[0].producer_timestamp.replace(':', "%3A");
    assert!(
        query.ends_with(&format!("producer-timestamp={date}")),
        "{query}"
    );
    assert_eq!(entry.certname().unwrap(), "a.test");
}

#[tokio::test]
async fn delivery_is_oldest_first_and_by_the_next_process_if_need_be() {
    let spooling = Spooling::start().await;
    spooling.keep_commands(5).await;
    let delivery = spooling.next().deliver().await.unwrap();
    assert_eq!((delivery.delivered, delivery.left), (5, 0));
    assert!(delivery.stops.is_empty());
    assert_eq!(spooling.taken(), nodes(0..5));
}

#[tokio::test]
async fn one_entry_is_under_way_at_a_time_and_half_of_the_time_none_is() {
    let spooling = Spooling::start().await;
    spooling.keep_commands(4).await;
    let slow = Duration::from_millis(60);
    let _fault = spooling
        .stage
        .fault_host(MASTER, Fault::WorkDelay(slow))
        .await;
    spooling.stage.client.deliver().await.unwrap();
    let got = spooling.stage.got(MASTER, Service::PuppetDb);
    assert_eq!(got.len(), 4);
    for two in got.windows(2) {
        let apart = two[1].at - two[0].at;
        assert!(apart >= slow * 2, "{apart:?}");
    }
}

#[tokio::test]
async fn delivery_stops_at_the_first_server_failure_for_that_kind_alone() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let faults = stage.fault_both(Fault::Refuse).await;
    for errand in [Errand::Command, Errand::Command, Errand::Report] {
        spooling.keep(errand.request()).await;
    }
    for fault in faults {
        fault.lift().await;
    }
    let _master = stage.fault(Service::PuppetDb, Fault::Refuse).await;
    let _replica = stage
        .fault_at(REPLICA, Service::PuppetDb, Fault::Refuse)
        .await;
    let delivery = stage.client.deliver().await.unwrap();
    assert_eq!((delivery.delivered, delivery.left), (1, 2));
    assert_eq!(delivery.stops.len(), 1);
    assert_eq!(delivery.stops[0].kind, Kind::Command);
    let StopReason::Unanswered(error) = &delivery.stops[0].why else {
        panic!("{:?}", delivery.stops)
    };
    assert_eq!(error.kind(), ErrorKind::Exhausted);
}

#[tokio::test]
async fn delivery_that_fails_leaves_the_budget_of_repeats_to_live_work() {
    let two_repeats = Policy {
        repeats: Repeats {
            percent: 0,
            reserve: 2,
            ..Repeats::default()
        },
        ..policy()
    };
    let spooling = Spooling::with(two_repeats, |spool| spool).await;
    spooling.keep_commands(1).await;
    let stage = &spooling.stage;
    let _faults = stage.fault_both(Fault::ResetRequest).await;
    for _ in 0..3 {
        let delivery = stage.client.deliver().await.unwrap();
        assert_eq!((delivery.delivered, delivery.left), (0, 1));
    }
    let kind = stage.ask(Errand::Node).await.unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Exhausted, "both repeats were there");
}

#[tokio::test]
async fn what_a_server_refuses_is_set_aside_with_its_answer_and_the_rest_goes_on() {
    let spooling = Spooling::start().await;
    let faults = spooling.stage.fault_both(Fault::Refuse).await;
    let bad = Request::post("/pdb/cmd/v1?version=5&producer-timestamp=x");
    spooling.keep(bad.body("{}".into()).unwrap()).await;
    spooling.keep(command(1)).await;
    for fault in faults {
        fault.lift().await;
    }
    let delivery = spooling.stage.client.deliver().await.unwrap();
    assert_eq!(
        (delivery.set_aside, delivery.delivered, delivery.left),
        (1, 1, 0)
    );
    let notes = spooling.notes();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("400 Bad Request"), "{}", notes[0]);
    assert!(notes[0].contains("Supply the parameters"), "{}", notes[0]);
}

#[tokio::test]
async fn a_broken_entry_is_set_aside_and_the_rest_goes_on() {
    let spooling = Spooling::start().await;
    spooling.keep_commands(3).await;
    let file = &spooling.files()[1];
    let mut contents = fs::read(file).unwrap();
    contents.pop();
    fs::write(file, contents).unwrap();
    let delivery = spooling.stage.client.deliver().await.unwrap();
    assert_eq!((delivery.set_aside, delivery.delivered), (1, 2));
    assert!(spooling.notes()[0].contains("cut off or changed"));
    assert_eq!(spooling.taken(), nodes([0, 2]));
}

#[tokio::test]
async fn an_entry_of_another_release_is_left_alone() {
    let spooling = Spooling::start().await;
    spooling.keep_commands(2).await;
    let file = &spooling.files()[0];
    let text = "standin-spool 9\n?";
    let seal = "8cb958c17affb85f7e72a825f8bd3a5fb4ef1caa9723b3ce9455498ad12b9f69";
    fs::write(file, format!("sha256 {seal}\n{text}")).unwrap();
    let delivery = spooling.stage.client.deliver().await.unwrap();
    assert_eq!((delivery.delivered, delivery.left), (1, 1));
    assert!(file.exists());
}

#[tokio::test]
async fn an_entry_at_which_servers_fail_again_and_again_lets_the_others_pass_in_the_end() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let faults = stage.fault_both(Fault::Refuse).await;
    spooling.keep(Errand::Report.request()).await;
    for fault in faults {
        fault.lift().await;
    }
    let _faults = stage.fault_both(Fault::InternalError).await;
    for tries in 1..8 {
        let delivery = stage.client.deliver().await.unwrap();
        assert_eq!((delivery.set_aside, delivery.left), (0, 1), "{tries}");
        let failed = StatusCode::INTERNAL_SERVER_ERROR;
        assert!(matches!(delivery.stops[0].why, StopReason::Answered(status) if status == failed));
    }
    let delivery = stage.client.deliver().await.unwrap();
    assert_eq!((delivery.set_aside, delivery.left), (1, 0));
    assert!(spooling.notes()[0].contains("after 8 tries"));
}

#[tokio::test]
async fn a_report_for_a_report_server_is_kept_for_it() {
    let Stage { lab, .. } = Stage::start().await;
    let parent = TempDir::new().unwrap();
    let overrides = Overrides::new().with("report_server", REPLICA);
    let settings = Settings::read(&sources(&lab).with_overrides(overrides)).unwrap();
    let builder = Client::from_settings(&settings).unwrap();
    let spool = Spool::at(parent.path().join("spool"));
    let client = builder.names(names(&lab)).spool(spool).build().unwrap();
    let stage = Stage { lab, client };
    let fault = stage.fault_host(REPLICA, Fault::ResetRequest).await;
    let response = stage
        .client
        .request(Errand::Report.request())
        .await
        .unwrap();
    let spooled = response.extensions().get::<Spooled>().unwrap();
    assert_eq!(spooled.error.kind(), ErrorKind::MaybeProcessed);
    fault.lift().await;
    assert_eq!(stage.client.deliver().await.unwrap().delivered, 1);
    assert_eq!(stage.lab.replica().store().reports().len(), 1);
    assert!(stage.lab.master().store().reports().is_empty());
}

#[tokio::test]
async fn an_entry_that_is_too_old_is_removed_and_counted() {
    let spooling = Spooling::with(policy(), |spool| spool.age(Duration::ZERO)).await;
    spooling.keep_commands(1).await;
    let delivery = eventually(async || {
        let delivery = spooling.stage.client.deliver().await.unwrap();
        (delivery.outlived > 0 || delivery.delivered > 0).then_some(delivery)
    })
    .await;
    assert_eq!(
        (delivery.outlived, delivery.delivered, delivery.left),
        (1, 0, 0)
    );
    let depth = spooling.stage.client.spool().await.unwrap().unwrap();
    assert_eq!(depth.done.outlived, 1);
}

#[tokio::test]
async fn a_process_leaves_delivery_to_the_one_that_is_at_it() {
    let spooling = Spooling::start().await;
    spooling.keep_commands(2).await;
    let fault = spooling.stage.fault_both(Fault::WorkSilent).await;
    let client = spooling.stage.client.clone();
    let delivering = tokio::spawn(async move { client.deliver().await.unwrap() });
    eventually(async || {
        let got = spooling.stage.got(MASTER, Service::PuppetDb);
        (!got.is_empty()).then_some(())
    })
    .await;
    let other = spooling.next().deliver().await.unwrap();
    assert_eq!(
        (other.by, other.delivered, other.left),
        (DeliveredBy::Another, 0, 2)
    );
    for fault in fault {
        fault.lift().await;
    }
    assert_eq!(delivering.await.unwrap().delivered, 2);
}

#[tokio::test]
async fn two_processes_that_deliver_while_others_keep_lose_and_double_nothing() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let _master = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let _replica = stage
        .fault_at(REPLICA, Service::PuppetServer, Fault::Refuse)
        .await;
    spooling.keep_commands(20).await;
    let report = |number: usize| {
        let uri = format!("/puppet/v3/report/node{number}.test");
        Request::put(uri).body(Body::from("{}")).unwrap()
    };
    let [one, two, three, four] = [0; 4].map(|_| spooling.next());
    let keep = |client: Client, numbers: std::ops::Range<usize>| async move {
        for number in numbers {
            let kept = client.request(report(number)).await.unwrap();
            assert_eq!(kept.status(), StatusCode::ACCEPTED);
        }
    };
    let deliver = |client: Client| async move {
        eventually(async || {
            let delivery = client.deliver().await.unwrap();
            (delivery.left >= 20 && delivery.stops.len() == 1).then_some(())
        })
        .await;
    };
    tokio::join!(
        deliver(one),
        deliver(two),
        keep(three, 0..10),
        keep(four, 10..20)
    );
    assert_eq!(spooling.taken(), nodes(0..20));
    let nodes_kept = spooling.files().into_iter().map(|file| {
        let entry = Entry::decode(&fs::read(file).unwrap().into()).unwrap();
        entry.certname().unwrap().into_owned()
    });
    let mut kept: Vec<String> = nodes_kept.collect();
    kept.sort();
    let mut all = nodes(0..20);
    all.sort();
    assert_eq!(kept, all);
}

#[tokio::test]
async fn a_command_that_too_few_took_is_kept_and_delivered_to_as_many_as_it_takes() {
    let to_both = Policy {
        commands: Commands {
            submission: Submission::Broadcast {
                least: NonZeroUsize::new(2).unwrap(),
            },
            ..Commands::default()
        },
        ..policy()
    };
    let spooling = Spooling::with(to_both, |spool| spool).await;
    let stage = &spooling.stage;
    let fault = stage.fault_host(REPLICA, Fault::Refuse).await;
    let spooled = spooling.keep(command(0)).await;
    assert_eq!(spooled.error.kind(), ErrorKind::TooFew);
    assert_eq!(stage.client.deliver().await.unwrap().left, 1);
    fault.lift().await;
    assert_eq!(stage.client.deliver().await.unwrap().left, 0);
    let hosts = [stage.lab.master(), stage.lab.replica()];
    for host in hosts {
        assert!(!host.store().commands().is_empty(), "{}", host.name());
    }
}
