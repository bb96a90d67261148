//! Commands that every PuppetDB gets: who takes them, who is waited for, and what is told of the rest.

use std::num::NonZeroUsize;
use std::time::Duration;

use http::Request;
use standin::policy::{Commands, Submission, WriteFailure};
use standin::{
    Body, Client, Deadline, Error, ErrorKind, FailoverLayer, Installation, Names, Outcome, Policy,
    Server, ServerList, Service, State, Submissions, TooFew, Verdict,
};
use standin_core::verdict::Unreached;
use standin_lab::{Fault, Service as LabService};
use tokio::time::Instant;

use crate::harness::{
    AGENT, Errand, MASTER, REPLICA, SOON, Stage, client, eventually, names, policy, returning,
    sources, told, tried, whole,
};

/// [`policy`], with every command for every server.
fn to_all(least: usize) -> Policy {
    Policy {
        commands: commands(least),
        ..policy()
    }
}

fn commands(least: usize) -> Commands {
    Commands {
        submission: Submission::Broadcast {
            least: NonZeroUsize::new(least).unwrap(),
        },
        ..Commands::default()
    }
}

/// What came of the command at each host, by name.
async fn outcomes(submissions: Submissions) -> Vec<(String, Outcome)> {
    let all = tokio::time::timeout(SOON, submissions.all());
    let all = all.await.expect("the rest never ended").into_iter();
    let mut all: Vec<_> = all
        .map(|one| (one.server.host().to_owned(), one.outcome))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// Sends a command; who answered, and what became of it elsewhere.
async fn submit(client: &Client) -> Result<(Server, Submissions), Error> {
    let response = client.request(Errand::Command.request()).await?;
    assert_eq!(response.status(), 200);
    let served = response.extensions().get::<standin::Served>();
    let server = served.expect("who served it").server.clone();
    let submissions = response.extensions().get::<Submissions>();
    Ok((server, submissions.expect("the others").clone()))
}

fn commands_at(stage: &Stage, host: &str) -> usize {
    whole(&stage.got(host, LabService::PuppetDb))
}

/// Until both hosts have got a command whole.
async fn both_have_it(stage: &Stage) {
    eventually(async || {
        let have = [MASTER, REPLICA].map(|host| commands_at(stage, host));
        (have == [1, 1]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn all_get_a_command_at_once() {
    let stage = Stage::with(to_all(1)).await;
    // Nobody answers, so neither waited for the other.
    let [master, replica] = stage.fault_both(Fault::WorkSilent).await;
    let client = stage.client.clone();
    let submitting = tokio::spawn(async move { submit(&client).await });
    both_have_it(&stage).await;
    replica.lift().await;
    let (server, submissions) = submitting.await.unwrap().unwrap();
    assert_eq!(server.host(), REPLICA);
    assert_eq!(submissions.pending(), 1);
    master.lift().await;
    let outcomes = outcomes(submissions).await;
    assert!(
        matches!(&outcomes[..], [(_, Outcome::Taken), (_, Outcome::Taken)]),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_black_hole_is_not_waited_for_and_told_of_later() {
    let stage = Stage::with(to_all(1)).await;
    let _fault = stage.fault(LabService::PuppetDb, Fault::BlackHole).await;
    let (server, submissions) = submit(&stage.client).await.unwrap();
    assert_eq!(server.host(), REPLICA);
    assert_eq!(submissions.pending(), 1, "it waited");
    let outcomes = outcomes(submissions).await;
    let [(_, Outcome::Failed(error)), (_, Outcome::Taken)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    let timed_out = Verdict::Unreached(Unreached::TimedOut);
    assert!(tried(error).contains(&(MASTER, timed_out)), "{error}");
}

#[tokio::test]
async fn as_many_are_waited_for_as_have_to_take_it() {
    let stage = Stage::with(to_all(2)).await;
    let delay = Duration::from_millis(300);
    let _slow = stage
        .fault_at(REPLICA, LabService::PuppetDb, Fault::WorkDelay(delay))
        .await;
    let begun = Instant::now();
    let (_, submissions) = submit(&stage.client).await.unwrap();
    assert!(begun.elapsed() >= delay, "one was enough");
    assert_eq!(submissions.so_far().len(), 2);
}

#[tokio::test]
async fn too_few_is_an_error_that_says_who_took_it_and_who_did_not() {
    let stage = Stage::with(to_all(2)).await;
    let _fault = stage
        .fault_at(REPLICA, LabService::PuppetDb, Fault::Refuse)
        .await;
    let error = submit(&stage.client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooFew);
    let refused = Verdict::Unreached(Unreached::Refused);
    assert!(
        tried(&error)
            .iter()
            .all(|tried| *tried == (REPLICA, refused))
    );
    let source = std::error::Error::source(&error).unwrap();
    let Some(TooFew::Took { took, .. }) = source.downcast_ref() else {
        panic!("{source}");
    };
    assert_eq!(took.iter().map(Server::host).collect::<Vec<_>>(), [MASTER]);
    let text = source.to_string();
    assert_eq!(
        text,
        "1 of the 2 servers took it that have to: master.test:8081"
    );
}

#[tokio::test]
async fn when_all_are_down_the_error_lists_them_all() {
    let stage = Stage::with(to_all(1)).await;
    let _faults = stage.fault_both(Fault::Refuse).await;
    let error = submit(&stage.client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    for host in [MASTER, REPLICA] {
        assert!(tried(&error).iter().any(|tried| tried.0 == host), "{error}");
    }
}

#[tokio::test]
async fn a_command_that_a_server_is_not_ready_for_is_told_with_the_answer() {
    let stage = Stage::with(to_all(1)).await;
    let unavailable = Fault::Unavailable { retry_after: None };
    let _fault = stage.fault(LabService::PuppetDb, unavailable).await;
    let slow = Fault::WorkDelay(Duration::from_millis(200));
    let _slow = stage.fault_at(REPLICA, LabService::PuppetDb, slow).await;
    let answer = stage.ask(Errand::Command).await.unwrap();
    assert_eq!(answer.by(), REPLICA);
    assert!(answer.failed().iter().any(|failed| failed.0 == MASTER));
}

#[tokio::test]
async fn a_benched_server_gets_it_all_the_same_and_is_back_by_that() {
    let stage = Stage::with(to_all(1)).await;
    let fault = stage.fault(LabService::PuppetDb, Fault::Refuse).await;
    let state = || {
        let classes = stage.client.snapshot().classes;
        let commands = classes
            .into_iter()
            .find(|one| one.class == "puppetdb commands");
        commands.unwrap().entries[0].server_state
    };
    eventually(async || {
        submit(&stage.client).await.unwrap();
        (state() == State::Benched).then_some(())
    })
    .await;
    fault.lift().await;
    eventually(async || {
        let (_, submissions) = submit(&stage.client).await.unwrap();
        let outcomes = outcomes(submissions).await;
        matches!(outcomes[0].1, Outcome::Taken).then_some(())
    })
    .await;
    assert!(commands_at(&stage, MASTER) > 0);
}

#[tokio::test]
async fn what_goes_on_in_the_background_ends_with_the_deadline() {
    let stage = Stage::with(to_all(1)).await;
    let _fault = stage.fault(LabService::PuppetDb, Fault::WorkSilent).await;
    let span = Duration::from_millis(800);
    let begun = Instant::now();
    let mut request = Errand::Command.request();
    request.extensions_mut().insert(Deadline::within(span));
    let response = stage.client.request(request).await.unwrap();
    let submissions = response.extensions().get::<Submissions>().unwrap().clone();
    let outcomes = outcomes(submissions).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let [(_, Outcome::Failed(error)), (_, Outcome::Taken)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
}

#[tokio::test]
async fn a_caller_who_leaves_blames_nobody() {
    let stage = Stage::with(to_all(1)).await;
    let _faults = stage.fault_both(Fault::WorkSilent).await;
    let client = stage.client.clone();
    let submitting = tokio::spawn(async move { submit(&client).await });
    both_have_it(&stage).await;
    submitting.abort();
    assert!(submitting.await.unwrap_err().is_cancelled());
    for class in stage.client.snapshot().classes {
        for entry in class.entries {
            assert_eq!(entry.service_state, State::Ready, "{}", entry.server);
        }
    }
    assert_eq!(
        [MASTER, REPLICA].map(|host| commands_at(&stage, host)),
        [1, 1]
    );
}

#[tokio::test]
async fn queries_are_not_broadcast() {
    let stage = Stage::with(to_all(1)).await;
    assert!(stage.ask(Errand::Query).await.unwrap().is_untroubled());
    assert!(stage.got(REPLICA, LabService::PuppetDb).is_empty());
}

/// PuppetDB at the master alone, and its replica's as one that is only submitted to.
fn submit_only() -> Installation {
    let server = |host| Server::new(host, 8081).unwrap();
    Installation::new()
        .with(
            Service::PuppetDb,
            ServerList::new([server(MASTER)]).unwrap(),
        )
        .with_submit_only([server(REPLICA)])
}

fn client_of(stage: &Stage, policy: Policy, installation: Installation) -> Result<Client, Error> {
    let settings = standin::config::Settings::read(&sources(&stage.lab)).unwrap();
    let builder = Client::from_settings(&settings).unwrap().without_memory();
    let builder = builder.names(names(&stage.lab)).policy(policy);
    builder.installation(installation).build()
}

#[tokio::test]
async fn a_server_that_is_only_submitted_to_gets_commands_and_never_a_query() {
    let stage = Stage::start().await;
    let client = client_of(&stage, to_all(1), submit_only()).unwrap();
    let (_, submissions) = submit(&client).await.unwrap();
    assert_eq!(outcomes(submissions).await.len(), 2);
    assert_eq!(commands_at(&stage, REPLICA), 1);
    let _fault = stage.fault(LabService::PuppetDb, Fault::Refuse).await;
    let error = client.request(Errand::Query.request()).await.unwrap_err();
    assert!(
        tried(&error).iter().all(|tried| tried.0 == MASTER),
        "{error}"
    );
    assert_eq!(stage.got(REPLICA, LabService::PuppetDb).len(), 1);
}

#[tokio::test]
async fn without_broadcast_it_gets_those_that_the_others_did_not_take() {
    let stage = Stage::start().await;
    let client = client_of(&stage, policy(), submit_only()).unwrap();
    client.request(Errand::Command.request()).await.unwrap();
    assert_eq!(commands_at(&stage, REPLICA), 0);
    let _fault = stage.fault(LabService::PuppetDb, Fault::Refuse).await;
    client.request(Errand::Command.request()).await.unwrap();
    assert_eq!(commands_at(&stage, REPLICA), 1);
}

#[tokio::test]
async fn more_takers_than_servers_are_refused_at_once() {
    let stage = Stage::start().await;
    let error = client_of(&stage, to_all(2), submit_only()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("2 servers have to take each command"),
        "{source}"
    );
    let client = client(&stage.lab, to_all(2), names(&stage.lab));
    assert!(client.set_installation(&submit_only()).is_err());
    let (_, submissions) = submit(&client).await.unwrap();
    assert_eq!(outcomes(submissions).await.len(), 2);
}

/// A command that PuppetDB dates itself, in a form that nobody here can read.
fn undated() -> Request<Body> {
    Request::post("/pdb/cmd/v1?command=deactivate_node&version=3&certname=a.test")
        .header("content-encoding", "gzip")
        .body(Body::from("?"))
        .unwrap()
}

#[tokio::test]
async fn a_command_that_must_not_arrive_twice_goes_to_the_first_alone() {
    let stage = Stage::with(to_all(1)).await;
    assert!(stage.send(undated()).await.unwrap().is_untroubled());
    assert_eq!(
        [MASTER, REPLICA].map(|host| commands_at(&stage, host)),
        [1, 0]
    );
}

#[tokio::test]
async fn where_two_have_to_take_it_such_a_command_is_refused() {
    let stage = Stage::with(to_all(2)).await;
    let error = stage.send(undated()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooFew);
    let source = std::error::Error::source(&error).unwrap();
    assert!(matches!(
        source.downcast_ref(),
        Some(TooFew::MayArriveOnce { .. })
    ));
    assert_eq!(
        [MASTER, REPLICA].map(|host| commands_at(&stage, host)),
        [0, 0]
    );
}

#[tokio::test]
async fn a_soft_failure_is_told_from_one_that_fails_the_run() {
    for submission in [Submission::First, Submission::ALL] {
        let soft = Policy {
            commands: Commands {
                submission,
                failure: WriteFailure::IsLogged,
            },
            ..policy()
        };
        let stage = Stage::with(soft).await;
        let _faults = stage.fault_both(Fault::Refuse).await;
        let command = stage.ask(Errand::Command).await.unwrap_err();
        assert_eq!(command.failure(), WriteFailure::IsLogged, "{submission:?}");
        let query = stage.ask(Errand::Query).await.unwrap_err();
        assert_eq!(query.failure(), WriteFailure::FailsTheRun);
    }
}

#[tokio::test]
async fn the_layer_and_a_transport_of_ones_own_broadcast_too() {
    let stage = Stage::start().await;
    let installation = Installation::of_hosts(MASTER, Some(REPLICA)).unwrap();
    let layer = FailoverLayer::builder(installation)
        .agent(AGENT)
        .policy(to_all(2))
        .build()
        .unwrap();
    let over = layer.over(https(&stage, names(&stage.lab)));
    let response = over.request(Errand::Command.request()).await.unwrap();
    assert!(response.extensions().get::<Submissions>().is_some());
    both_have_it(&stage).await;
    let inner = tower::service_fn(|_: Request<Body>| {
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(())))
    });
    let service = tower::Layer::layer(&layer, inner);
    let response = tower::ServiceExt::oneshot(service, Errand::Command.request());
    let response = response.await.unwrap();
    let submissions = response.extensions().get::<Submissions>().unwrap();
    assert_eq!(submissions.so_far().len(), 2);
}

fn https(stage: &Stage, names: Names) -> standin::https::Https {
    let files = standin::SslFiles::in_dir(stage.lab.ssl_dir(), AGENT);
    let tls = standin::Tls::from_files(&files).unwrap();
    let connector = standin_net::Connector::new(tls, names);
    standin::https::Https::new(connector, standin::https::Keeping::default())
}

/// PuppetDB's `sticky_read_failover` never returns by itself.
#[tokio::test]
async fn reads_stay_where_they_went_and_return_when_the_first_is_well_again() {
    let stage = Stage::with(returning(Duration::from_millis(300))).await;
    let fault = stage.fault(LabService::PuppetDb, Fault::DatabaseDown).await;
    assert_eq!(stage.ask(Errand::Query).await.unwrap().by(), REPLICA);
    fault.lift().await;
    let answer = stage.ask(Errand::Query).await.unwrap();
    assert_eq!(
        (answer.by(), told(&answer.served.failed)),
        (REPLICA, vec![])
    );
    let back = stage.ask_until(Errand::Query, |answer| answer.by() == MASTER);
    assert!(back.await.is_untroubled());
}
