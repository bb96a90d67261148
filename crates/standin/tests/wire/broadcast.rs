//! Commands that every PuppetDB gets, where servers refuse them or are reached again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use standin::policy::{Commands, Submission};
use standin::{
    Body, Client, ErrorKind, Installation, Outcome, Policy, ServerList, Service, Submissions,
    Verdict,
};
use tokio::sync::Semaphore;

use crate::site::{Answer, Reply, Site, ask, ok, read};

fn refused() -> Reply {
    Reply::Says("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad".into())
}

/// A client for which so many PuppetDBs have to take a command.
fn client(site: &Site, least: usize) -> Client {
    let servers = [&site.master, &site.replica].map(|one| one.server.clone());
    let list = ServerList::new(servers).unwrap();
    let policy = Policy {
        commands: Commands {
            submission: Submission::Broadcast {
                least: NonZeroUsize::new(least).unwrap(),
            },
            ..Commands::default()
        },
        ..Policy::default()
    };
    // There being no second one, whoever needs a connection waits for the first to be given back.
    let builder = site.builder().policy(policy).connections(1);
    let installation = Installation::new().with(Service::PuppetDb, list);
    builder.installation(installation).build().unwrap()
}

fn command(body: impl Into<Body>) -> Request<Body> {
    let path =
        "/pdb/cmd/v1?command=replace_facts&version=5&certname=a&producer-timestamp=2026-01-01";
    Request::post(path).body(body.into()).unwrap()
}

/// The answer, and the status that each server refused the command with, if it did.
async fn submit(client: &Client, body: impl Into<Body>) -> (Answer, Vec<Option<u16>>) {
    let response = client.request(command(body)).await.unwrap();
    let submissions = response.extensions().get::<Submissions>().unwrap().clone();
    let all = submissions.all().await.into_iter();
    let refusals = all.map(|one| match one.outcome {
        Outcome::Taken => None,
        Outcome::Refused(status) => Some(status.as_u16()),
        other => panic!("{other:?}"),
    });
    let refusals = refusals.collect();
    (read(response).await, refusals)
}

#[tokio::test]
async fn a_refusal_is_told_with_the_answer_of_a_server_that_took_it() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let refuses = move |_: &str| {
        gate.add_permits(1);
        refused()
    };
    let site = Site::start(refuses, move |_| Reply::Holds(Arc::clone(&held))).await;
    let (answer, refusals) = submit(&client(&site, 1), "{}").await;
    assert_eq!(answer.status, 200);
    assert!(
        refusals.contains(&Some(400)) && refusals.contains(&None),
        "{refusals:?}"
    );
}

#[tokio::test]
async fn what_every_server_refuses_is_answered_with_a_refusal() {
    let site = Site::start(|_| refused(), |_| refused()).await;
    let (answer, refusals) = submit(&client(&site, 1), "{}").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (400, &b"bad"[..])
    );
    assert_eq!(refusals, [Some(400), Some(400)]);
}

#[tokio::test]
async fn a_refusal_is_among_the_attempts_where_too_few_took_it() {
    let site = Site::start(|_| ok(""), |_| refused()).await;
    let error = ask(&client(&site, 2), command("{}")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TooFew);
    let [attempt] = error.attempts() else {
        panic!("{}", error.report());
    };
    assert_eq!(attempt.server, site.replica.server);
    assert_eq!(attempt.verdict, Verdict::Answered);
    assert_eq!(attempt.status.unwrap(), 400);
}

#[tokio::test]
async fn connections_of_answers_that_nobody_reads_are_kept() {
    let site = Site::start(|_| ok("uuid"), |_| ok("uuid")).await;
    let client = client(&site, 2);
    for _ in 0..3 {
        submit(&client, "{}").await;
    }
    assert_eq!(
        [&site.master, &site.replica].map(|one| one.connections()),
        [1, 1]
    );
}

#[tokio::test]
async fn a_stream_reaches_every_server_whole() {
    let site = Site::start(|_| ok(""), |_| ok("")).await;
    let body = Body::stream(Full::new(Bytes::from("{\"a\":1}")));
    submit(&client(&site, 2), body).await;
    for server in [&site.master, &site.replica] {
        let got = server.got().remove(0);
        assert!(got.ends_with("\r\n\r\n{\"a\":1}"), "{got}");
    }
}

#[tokio::test]
async fn a_stream_that_is_too_large_to_be_kept_reaches_one_server_and_the_other_says_why() {
    let site = Site::start(|_| ok(""), |_| ok("")).await;
    let body = Body::stream_keeping(Full::new(Bytes::from(vec![b'x'; 100])), 10);
    let response = client(&site, 1).request(command(body)).await.unwrap();
    assert_eq!(response.status(), 200);
    let submissions = response.extensions().get::<Submissions>().unwrap().clone();
    let all = submissions.all().await;
    let failed = all.iter().find_map(|one| match &one.outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    });
    let error = failed.expect("both got it");
    assert_eq!(error.kind(), ErrorKind::Local);
    assert!(
        error.report().contains("too large to be kept"),
        "{}",
        error.report()
    );
}
