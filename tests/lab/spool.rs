//! Reports and commands that nobody takes: kept, and delivered when somebody does again.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use standin::config::Settings;
use standin::policy::Repeats;
use standin::spool::{Spool, SpoolError};
use standin::{
    Body, Client, ClientBuilder, Deadline, Error, ErrorKind, OnLoss, Policy, Served, Spooled,
};
use standin_lab::{Fault, Flaw, Service};
use tempfile::TempDir;

use crate::harness::{Errand, MASTER, Stage, eventually, names, policy, sources};

mod delivery;

/// A stage whose client has a spool.
struct Spooling {
    stage: Stage,
    parent: TempDir,
}

impl Spooling {
    async fn start() -> Self {
        Self::with(policy(), |spool| spool).await
    }

    async fn with(policy: Policy, set: fn(Spool) -> Spool) -> Self {
        Self::built(set, |builder| builder.policy(policy)).await
    }

    async fn built(
        set: fn(Spool) -> Spool,
        build: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let Stage { lab, .. } = Stage::start().await;
        let parent = TempDir::new().unwrap();
        let spool = set(Spool::at(parent.path().join("spool")));
        let settings = Settings::read(&sources(&lab)).unwrap();
        let builder = Client::from_settings(&settings).unwrap();
        let builder = builder.names(names(&lab)).policy(policy());
        let builder = build(builder.without_memory().spool(spool));
        let stage = Stage {
            lab,
            client: builder.build().unwrap(),
        };
        Self { stage, parent }
    }

    /// Another process of the same agent.
    fn next(&self) -> Client {
        let settings = Settings::read(&sources(&self.stage.lab)).unwrap();
        let builder = Client::from_settings(&settings).unwrap();
        let builder = builder.names(names(&self.stage.lab)).policy(policy());
        let spool = Spool::at(self.parent.path().join("spool"));
        builder.without_memory().spool(spool).build().unwrap()
    }

    /// Sends what nobody takes now.
    async fn keep(&self, request: Request<Body>) -> Spooled {
        let response = self.stage.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        response.extensions().get::<Spooled>().unwrap().clone()
    }

    /// Keeps so many commands while everybody is away.
    async fn keep_commands(&self, count: usize) {
        let faults = self.stage.fault_both(Fault::Refuse).await;
        for number in 0..count {
            self.keep(command(number)).await;
        }
        for fault in faults {
            fault.lift().await;
        }
    }

    async fn depth(&self) -> usize {
        let depth = self.stage.client.spool().await.unwrap().unwrap();
        depth.entries
    }

    /// The files of entries, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let directory = fs::read_dir(self.parent.path().join("spool")).unwrap();
        let files = directory.map(|file| file.unwrap().path());
        let is_entry = |path: &PathBuf| {
            let kind = path.extension().unwrap_or_default();
            kind == "report" || kind == "command"
        };
        let mut files: Vec<PathBuf> = files.filter(is_entry).collect();
        files.sort();
        files
    }

    /// The notes of what was set aside.
    fn notes(&self) -> Vec<String> {
        let directory = fs::read_dir(self.parent.path().join("spool/set-aside")).unwrap();
        let files = directory.map(|file| file.unwrap().path());
        let notes = files.filter(|path| path.extension().is_some_and(|kind| kind == "why"));
        notes
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }

    /// The certnames of the commands that master and replica took, in order each.
    fn taken(&self) -> Vec<String> {
        let lab = &self.stage.lab;
        let hosts = [lab.master(), lab.replica()];
        let commands = hosts.into_iter().flat_map(|host| host.store().commands());
        commands.map(|command| command.certname).collect()
    }
}

fn command(number: usize) -> Request<Body> {
    Request::post(format!(
        "/pdb/cmd/v1?command=replace_facts&version=5&certname=node{number}.test\
         &producer-timestamp=2026-11-23T00:00:00.000Z"
    ))
    .header(CONTENT_TYPE, "application/json")
    .body(format!(r#"{{"certname":"node{number}.test","values":{{}}}}"#).into())
    .unwrap()
}

fn nodes(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let node = |number| format!("node{number}.test");
    numbers.into_iter().map(node).collect()
}

/// Why a request was not kept.
fn refusal(error: &Error) -> &SpoolError {
    error.spool().expect("a refusal")
}

#[tokio::test]
async fn a_report_and_a_command_that_nobody_takes_are_accepted_and_kept() {
    let spooling = Spooling::start().await;
    let _faults = spooling.stage.fault_both(Fault::Refuse).await;
    for errand in [Errand::Report, Errand::Command] {
        let request = errand.request();
        let response = spooling.stage.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert!(response.extensions().get::<Served>().is_none());
        let spooled = response.extensions().get::<Spooled>().unwrap().clone();
        assert_eq!(spooled.error.kind(), ErrorKind::Exhausted);
        assert!(spooled.error.attempts().len() >= 2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!(r#"{{"spooled":"{}"}}"#, spooled.id));
    }
    let depth = spooling.stage.client.spool().await.unwrap().unwrap();
    assert_eq!((depth.entries, depth.done.kept), (2, 2));
    assert!(depth.bytes > 0 && depth.oldest.is_some());
}

#[tokio::test]
async fn an_answer_is_handed_back_and_never_kept() {
    let spooling = Spooling::start().await;
    let bad = Request::post("/pdb/cmd/v1?version=5&producer-timestamp=x");
    let answer = spooling.stage.client.request(bad.body("{}").unwrap()).await;
    assert_eq!(answer.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(spooling.depth().await, 0);
}

#[tokio::test]
async fn a_lack_of_trust_and_a_request_that_was_lost_are_reasons_to_keep() {
    for (fault, kind) in [
        (Fault::Untrusted(Flaw::Expired), ErrorKind::Untrusted),
        (Fault::ResetRequest, ErrorKind::Exhausted),
    ] {
        let spooling = Spooling::start().await;
        let faults = spooling.stage.fault_both(fault).await;
        let spooled = spooling.keep(command(0)).await;
        assert_eq!(spooled.error.kind(), kind);
        for fault in faults {
            fault.lift().await;
        }
        assert_eq!(spooling.stage.client.deliver().await.unwrap().delivered, 1);
    }
}

#[tokio::test]
async fn a_full_spool_gives_the_error_that_there_would_be_without_it() {
    let spooling = Spooling::with(policy(), |spool| spool.entries(1)).await;
    let _faults = spooling.stage.fault_both(Fault::Refuse).await;
    spooling.keep(command(0)).await;
    let error = spooling.stage.client.request(command(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert!(matches!(
        refusal(&error),
        SpoolError::Full { entries: 1, .. }
    ));
    assert!(
        error.report().contains("not spooled: the spool"),
        "{}",
        error.report()
    );
    let depth = spooling.stage.client.spool().await.unwrap().unwrap();
    assert_eq!((depth.entries, depth.done.not_kept), (1, 1));
}

#[tokio::test]
async fn credentials_do_not_get_onto_the_disk() {
    let spooling = Spooling::start().await;
    let _faults = spooling.stage.fault_both(Fault::Refuse).await;
    let mut request = command(0);
    request
        .headers_mut()
        .insert(AUTHORIZATION, "secret".parse().unwrap());
    let error = spooling.stage.client.request(request).await.unwrap_err();
    assert!(matches!(refusal(&error), SpoolError::Credentials { .. }));
    assert_eq!(spooling.depth().await, 0);
    let mut request = command(0);
    request
        .headers_mut()
        .insert("x-nobody-knows", "secret".parse().unwrap());
    spooling.keep(request).await;
    let file = fs::read(&spooling.files()[0]).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains("secret"));
}

#[tokio::test]
async fn a_stream_is_kept_if_it_is_still_there() {
    let spooling = Spooling::start().await;
    let _faults = spooling.stage.fault_both(Fault::ResetRequest).await;
    let with = |body: Body| command(0).map(|_| body);
    spooling.keep(with(Body::stream(Body::from("{}")))).await;
    let large = Body::stream(Body::from(vec![b' '; standin::KEPT_MOST + 1]));
    let error = spooling
        .stage
        .client
        .request(with(large))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MaybeProcessed);
    assert!(matches!(refusal(&error), SpoolError::Body(_)));
    assert_eq!(spooling.depth().await, 1);
}

#[tokio::test]
async fn nothing_else_is_kept() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let _faults = stage.fault_both(Fault::Refuse).await;
    let errands = [
        Errand::Node,
        Errand::Catalog,
        Errand::Query,
        Errand::ClassifierEdit,
    ];
    for errand in errands {
        let error = stage.ask(errand).await.unwrap_err();
        assert!(error.spool().is_none(), "{errand:?}");
    }
    let elsewhere = command(0);
    let uri = format!("https://127.0.0.1:1{}", elsewhere.uri());
    let elsewhere = Request::post(uri).body("{}").unwrap();
    assert!(
        stage
            .client
            .request(elsewhere)
            .await
            .unwrap_err()
            .spool()
            .is_none()
    );
    assert_eq!(spooling.depth().await, 0);
}

#[tokio::test]
async fn a_directory_that_cannot_be_one_is_told_when_the_client_is_built() {
    let stage = Stage::start().await;
    let settings = Settings::read(&sources(&stage.lab)).unwrap();
    let builder = Client::from_settings(&settings).unwrap();
    let spool = Spool::at(stage.lab.conf_dir().join("puppet.conf"));
    let error = builder.spool(spool).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Local);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("puppet.conf is no directory"), "{cause}");
}

#[tokio::test]
async fn without_a_spool_there_is_nothing_to_deliver_and_no_depth() {
    let stage = Stage::start().await;
    assert_eq!(stage.client.deliver().await.unwrap().delivered, 0);
    assert_eq!(stage.client.spool().await.unwrap(), None);
}

#[tokio::test]
async fn so_is_a_deadline_that_passes() {
    let spooling = Spooling::start().await;
    let _faults = spooling.stage.fault_both(Fault::BlackHole).await;
    let mut request = command(0);
    let soon = Deadline::within(Duration::from_millis(200));
    request.extensions_mut().insert(soon);
    let spooled = spooling.keep(request).await;
    assert_eq!(spooled.error.kind(), ErrorKind::DeadlinePassed);
}

#[tokio::test]
async fn so_is_a_budget_that_is_spent() {
    let nothing_left = Policy {
        repeats: Repeats {
            percent: 0,
            reserve: 0,
            ..Repeats::default()
        },
        ..policy()
    };
    let spooling = Spooling::with(nothing_left, |spool| spool).await;
    let _faults = spooling.stage.fault_both(Fault::ResetRequest).await;
    let spooled = spooling.keep(command(0)).await;
    assert_eq!(spooled.error.kind(), ErrorKind::OverBudget);
}

#[tokio::test]
async fn so_is_a_fault_of_this_machine() {
    let spooling = Spooling::built(|spool| spool, |builder| builder.connections(1)).await;
    let stage = &spooling.stage;
    let slow = Fault::WorkDelay(Duration::from_secs(60));
    let fault = stage.fault(Service::PuppetDb, slow).await;
    let client = stage.client.clone();
    let query = tokio::spawn(async move { client.request(Errand::Query.request()).await });
    eventually(async || (!stage.got(MASTER, Service::PuppetDb).is_empty()).then_some(())).await;
    let spooled = spooling.keep(command(0)).await;
    assert_eq!(spooled.error.kind(), ErrorKind::Local);
    fault.lift().await;
    query.await.unwrap().unwrap();
    eventually(async || (spooling.depth().await == 0).then_some(())).await;
}

#[tokio::test]
async fn a_run_that_is_to_begin_again_is_told_so() {
    let spooling = Spooling::start().await;
    let stage = &spooling.stage;
    let run = stage.client.begin_run(OnLoss::Restart);
    stage.ask_in(&run, Errand::Node).await.unwrap();
    let _fault = stage.fault(Service::PuppetServer, Fault::Refuse).await;
    let error = stage.ask_in(&run, Errand::Report).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupBroken);
    assert_eq!(spooling.depth().await, 0);
}
