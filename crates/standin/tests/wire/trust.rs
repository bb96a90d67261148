//! A walk that ends because nobody can be trusted.

use standin::trust::{Refusal, Trouble};
use standin::{ErrorKind, Verdict};

use crate::site::{Ca, MASTER, NODE, REPLICA, Scripted, Site, ask, get, ok};

#[tokio::test]
async fn the_same_at_every_server_is_told_once_with_what_to_renew() {
    let ca = Ca::new();
    let expired = |name: &str| ca.issue_until(name, 2021);
    let (one, other) = (expired(MASTER), expired(REPLICA));
    let master = Scripted::showing(one, &ca, MASTER, |_| ok("")).await;
    let replica = Scripted::showing(other, &ca, REPLICA, |_| ok("")).await;
    let site = Site::of(ca, master, replica);
    let error = ask(&site.client(), get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    let failure = error.common_distrust().unwrap();
    assert_eq!(failure.trouble(), Trouble::Expired);
    let text = error.to_string();
    assert!(text.contains("the same at every server"), "{text}");
    assert!(
        text.contains("renew the certificate that has expired"),
        "{text}"
    );
    let report = error.report();
    for part in [MASTER, REPLICA, "CN=master.example.com on Jan  1", "2021"] {
        assert!(report.contains(part), "{report}");
    }
    assert_eq!(error.attempts().len(), 2);
}

#[tokio::test]
async fn different_troubles_are_told_for_each_server() {
    let ca = Ca::new();
    let expired = ca.issue_until(MASTER, 2021);
    let wrong = ca.issue("other.example.com");
    let master = Scripted::showing(expired, &ca, MASTER, |_| ok("")).await;
    let replica = Scripted::showing(wrong, &ca, REPLICA, |_| ok("")).await;
    let site = Site::of(ca, master, replica);
    let error = ask(&site.client(), get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert!(error.common_distrust().is_none());
    let report = error.report();
    assert!(
        report.contains("expired") && report.contains("other.example.com"),
        "{report}"
    );
}

#[tokio::test]
async fn servers_that_refuse_us_after_the_request_end_the_walk_with_what_to_renew() {
    let (ca, strangers) = (Ca::new(), Ca::new());
    let master = Scripted::start(&ca, &strangers, MASTER, |_| ok("")).await;
    let replica = Scripted::start(&ca, &strangers, REPLICA, |_| ok("")).await;
    let site = Site::of(ca, master, replica);
    let error = ask(&site.client(), get(NODE)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{}", error.report());
    let failure = error.common_distrust().unwrap();
    let late = Trouble::RefusedLate(Refusal::UnknownIssuer);
    assert_eq!(failure.trouble(), late);
    assert!(
        error.to_string().contains("renew the agent's certificate"),
        "{error}"
    );
    for attempt in error.attempts() {
        assert_eq!(attempt.verdict, Verdict::Untrusted);
    }
    assert!(site.master.got().is_empty() && site.replica.got().is_empty());
}
