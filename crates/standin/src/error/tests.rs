use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use standin_core::verdict::{Loss, Unreached};
use standin_core::{Operation, Role, Server, Verdict};

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("connecting failed")]
struct Connecting(#[source] std::io::Error);

fn refused() -> Attempt {
    let error = Connecting(std::io::Error::other("connection refused"));
    Attempt {
        server: Server::new("master.test", 4433).unwrap(),
        role: Role::Master,
        verdict: Verdict::Unreached(Unreached::Refused),
        status: None,
        after: Duration::ZERO,
        took: Duration::from_millis(2),
        error: Some(Arc::new(error)),
    }
}

fn cut() -> Attempt {
    Attempt {
        server: Server::new("replica.test", 4433).unwrap(),
        role: Role::Replica,
        verdict: Verdict::Lost(Loss::Reset),
        took: Duration::from_millis(1500),
        error: None,
        ..refused()
    }
}

fn edit() -> Operation {
    Operation::of("POST", "/classifier-api/v1/groups").unwrap()
}

fn after(kind: ErrorKind, attempts: Vec<Attempt>) -> Error {
    let mut error = Error::new(kind, Some(edit()));
    error.0.attempts = attempts;
    error
}

#[test]
fn each_kind_says_what_happened_and_what_to_do() {
    let said: Vec<String> = KINDS
        .into_iter()
        .map(|kind| after(kind, Vec::new()).to_string())
        .collect();
    assert_eq!(
        said,
        [
            "write of classifier: no server answered; see at each why",
            "write of classifier: a replica serves only reads of classifier, and the master cannot be \
             reached; it does not work during failover, so try again when the master is back or its \
             replica is promoted",
            "write of classifier: more than one host says that it is the master, and this must not be \
             done at the wrong one; take the former master out of service, or make it a replica",
            "write of classifier: it was sent and no answer came; it may have been processed, so look \
             before you repeat it",
            "write of classifier: no server could be trusted, or none trusts this agent; see at each \
             which certificate it is",
            "write of classifier: the fault is this machine's and no server's; look at the cause \
             beneath",
            "write of classifier: the time for it ran out; see at each what took it, or give it more",
            "write of classifier: the first server did not serve it and too many requests were \
             repeated of late; ask again later",
            "write of classifier: its body was sent once and was too large to be kept, so it cannot go \
             to another server; keep more of it, make it with Body::rebuilt_by, or send it again",
            "write of classifier: it was answered with more than was asked for; take more with \
             WholeBody::at_most, or read the answer as it comes",
            "write of classifier: the run lost the server that it keeps to; begin the run again",
            "write of classifier: no server is configured for this service; name one in the settings",
            "write of classifier: it was sent on and on, or to where it is not followed; look at the \
             cause beneath",
            "write of classifier: its path belongs to no service of Puppet and its address names no \
             server; write a path of a service, or a whole URL",
        ]
    );
}

const KINDS: [ErrorKind; 14] = [
    ErrorKind::Exhausted,
    ErrorKind::NotDuringFailover,
    ErrorKind::TwoMasters,
    ErrorKind::MaybeProcessed,
    ErrorKind::Untrusted,
    ErrorKind::Local,
    ErrorKind::DeadlinePassed,
    ErrorKind::OverBudget,
    ErrorKind::BodyNotKept,
    ErrorKind::AnswerTooLarge,
    ErrorKind::GroupBroken,
    ErrorKind::NoServers,
    ErrorKind::Redirected,
    ErrorKind::NoService,
];

#[test]
fn what_does_not_work_during_failover_names_the_rule_and_the_service() {
    let sign = Operation::of("POST", "/puppet-ca/v1/sign").unwrap();
    let error = Error::new(ErrorKind::NotDuringFailover, Some(sign));
    assert_eq!(
        error.to_string(),
        "write of ca: a replica serves nothing of ca until it is promoted, and the master cannot be \
         reached; it does not work during failover, so try again when the master is back or its \
         replica is promoted"
    );
}

#[test]
fn a_panic_is_told() {
    let mut error = after(ErrorKind::Exhausted, Vec::new());
    error.0.mood = Mood::Panic;
    assert_eq!(
        error.to_string(),
        "write of classifier: no server answered; all had failed before, and all were tried all the \
         same; see at each why"
    );
}

#[test]
fn an_error_says_one_level_and_its_sources_the_next() {
    let error = after(ErrorKind::Exhausted, vec![cut(), refused()]);
    let mut levels = vec![error.to_string()];
    let mut source = error.source();
    while let Some(beneath) = source {
        levels.push(beneath.to_string());
        source = beneath.source();
    }
    assert_eq!(
        levels,
        [
            "write of classifier: no server answered; see at each why (tried replica.test:4433, \
             master.test:4433)",
            "master.test:4433 (master): refused after 0.002 s",
            "connecting failed",
            "connection refused",
        ]
    );
}

#[test]
fn a_report_has_a_line_for_each_attempt_and_each_cause() {
    let error = after(ErrorKind::Exhausted, vec![refused(), cut()]);
    assert_eq!(
        error.report(),
        "write of classifier: no server answered; see at each why\n  \
           tried master.test:4433 (master): refused after 0.002 s\n    \
             because connecting failed\n    \
             because connection refused\n  \
           tried replica.test:4433 (replica): connection broke before an answer after 1.500 s"
    );
}

#[test]
fn a_report_tells_what_lies_beneath_the_whole() {
    let hosts = Masters(vec!["a.test".to_owned(), "b.test".to_owned()]);
    let error = after(ErrorKind::TwoMasters, Vec::new()).beneath(hosts);
    let report = error.report();
    let lines: Vec<&str> = report.lines().skip(1).collect();
    assert_eq!(
        lines,
        ["  because a.test and b.test say that they are the source of replication"]
    );
    assert!(error.source().is_some_and(|source| source.is::<Masters>()));
}

#[test]
fn a_message_names_a_server_once_and_few_of_many() {
    let at = |number: u16| Attempt {
        server: Server::new("pool.test", number).unwrap(),
        ..refused()
    };
    let error = after(ErrorKind::Exhausted, vec![at(1), at(1), at(2)]);
    let told = error.to_string();
    assert!(told.ends_with("(tried pool.test:1, pool.test:2)"), "{told}");
    let many = after(ErrorKind::Exhausted, (1..=6).map(at).collect()).to_string();
    let few = "(tried pool.test:1, pool.test:2, pool.test:3, pool.test:4 and 2 more)";
    assert!(many.ends_with(few), "{many}");
}

#[test]
fn a_request_of_no_service_is_told_as_one() {
    let error = Error::new(ErrorKind::NoService, None);
    assert!(
        error.to_string().starts_with("request: its path"),
        "{error}"
    );
    assert_eq!(error.operation(), None);
}
