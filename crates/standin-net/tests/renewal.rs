//! Renewed files: taken up without a restart, and only when they are good.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use standin_net::TrustFailure;
use standin_net::trust::Trouble;
use tokio::io::AsyncReadExt;

use support::pki::{LEAF_SERIAL, Pki, certificate, crl};
use support::said::Said;
use support::server::{Agent, Serving};

mod support;

/// Longer than the pause between two looks at the files.
const NEXT_LOOK: Duration = Duration::from_millis(1500);

/// As a program does that wants no reader to see half of it.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_renewed_certificate_and_key_serve_the_next_connection() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let _first = agent.dial(&master).await.unwrap();
    master.shown(1).await;
    let renewed = agent.pki.issue(&certificate("agent.example.com"));
    replace(&agent.files.cert, &renewed.pem);
    replace(&agent.files.key, &renewed.key.serialize_pem());
    tokio::time::advance(NEXT_LOOK).await;
    let _second = agent.dial(&master).await.unwrap();
    assert_eq!(master.shown(2).await, renewed.der);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_before_a_renewal_is_told_from_one_after_it() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let before = agent.dial(&master).await.unwrap();
    assert_eq!(before.generation(), agent.connector.generation());
    let renewed = agent.pki.issue(&certificate("agent.example.com"));
    replace(&agent.files.cert, &renewed.pem);
    replace(&agent.files.key, &renewed.key.serialize_pem());
    tokio::time::advance(NEXT_LOOK).await;
    let after = agent.dial(&master).await.unwrap();
    assert_ne!(before.generation(), after.generation());
    assert_eq!(after.generation(), agent.connector.generation());
}

#[tokio::test(start_paused = true)]
async fn files_that_were_only_touched_leave_connections_in_use() {
    let agent = Agent::of(Pki::new());
    let before = agent.connector.generation();
    replace(
        &agent.files.ca,
        &fs::read_to_string(&agent.files.ca).unwrap(),
    );
    tokio::time::advance(NEXT_LOOK).await;
    let master = Serving::master(&agent.pki).await;
    agent.dial(&master).await.unwrap();
    assert_eq!(agent.connector.generation(), before);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_list_of_revocations_is_taken_up() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    agent.dial(&master).await.unwrap();
    let lists = [
        crl(&agent.pki.ca, &[LEAF_SERIAL], 2120).pem().unwrap(),
        crl(&agent.pki.root, &[], 2120).pem().unwrap(),
    ];
    replace(&agent.files.crl, &lists.concat());
    tokio::time::advance(NEXT_LOOK).await;
    let error = agent.dial(&master).await.unwrap_err();
    let failure = TrustFailure::find(&error).unwrap();
    assert_eq!(failure.trouble(), Trouble::Revoked);
}

#[tokio::test(start_paused = true)]
async fn a_ca_that_was_made_anew_is_taken_up() {
    let agent = Agent::of(Pki::new());
    let anew = Pki::new();
    let master = Serving::master(&anew).await;
    let error = agent.dial(&master).await.unwrap_err();
    let failure = TrustFailure::find(&error).unwrap();
    assert_eq!(failure.trouble(), Trouble::UnknownIssuer);
    let own = anew.issue(&certificate("agent.example.com"));
    replace(&agent.files.ca, &anew.ca_pem());
    replace(&agent.files.crl, &anew.crl_pem());
    replace(&agent.files.cert, &own.pem);
    replace(&agent.files.key, &own.key.serialize_pem());
    tokio::time::advance(NEXT_LOOK).await;
    agent.dial(&master).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sessions_are_resumed_and_forgotten_after_an_hour() {
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    let mut dialled = 0;
    let mut resumes = async || {
        let stream = agent.dial(&master).await.unwrap();
        dialled += 1;
        master.shown(dialled).await;
        // The ticket comes after the handshake, and is taken in as something is read.
        let mut stream = TokioIo::new(stream);
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read_u8());
        assert!(read.await.is_err());
        master.was_resumed(dialled)
    };
    assert!(!resumes().await);
    assert!(resumes().await);
    tokio::time::advance(Duration::from_secs(3590)).await;
    assert!(resumes().await);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(!resumes().await);
    assert!(resumes().await);
}

#[tokio::test(start_paused = true)]
async fn a_half_written_file_leaves_the_old_in_use_with_one_warning() {
    let said = Said::listen();
    let agent = Agent::of(Pki::new());
    let master = Serving::master(&agent.pki).await;
    agent.dial(&master).await.unwrap();
    let first = master.shown(1).await;
    let renewed = agent.pki.issue(&certificate("agent.example.com"));
    fs::write(&agent.files.cert, &renewed.pem[..renewed.pem.len() / 2]).unwrap();
    for connection in 2..5 {
        tokio::time::advance(NEXT_LOOK).await;
        agent.dial(&master).await.unwrap();
        assert_eq!(master.shown(connection).await, first);
    }
    let warnings = said.warnings_of(agent.files.cert.to_str().unwrap());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("those read before stay in use"),
        "{warnings:?}"
    );

    // The rest of it comes, and the key.
    fs::write(&agent.files.cert, &renewed.pem).unwrap();
    replace(&agent.files.key, &renewed.key.serialize_pem());
    tokio::time::advance(NEXT_LOOK).await;
    agent.dial(&master).await.unwrap();
    assert_eq!(master.shown(5).await, renewed.der);
    assert_eq!(
        said.warnings_of(agent.files.cert.to_str().unwrap()).len(),
        1
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_everybody_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let said = Said::listen();
    let allow = |mode: u32| {
        Agent::with(Pki::new(), |files| {
            fs::set_permissions(&files.key, fs::Permissions::from_mode(mode)).unwrap();
        })
    };
    assert_eq!(
        said.warnings_of(allow(0o640).files.key.to_str().unwrap())
            .len(),
        0
    );
    assert_eq!(
        said.warnings_of(allow(0o644).files.key.to_str().unwrap())
            .len(),
        1
    );
}
