//! What is counted while a service fails over.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use metrics_exporter_prometheus::PrometheusBuilder;
use standin::policy::{Policy, Probing};
use standin::spool::Spool;
use standin::telling::describe_metrics;
use standin::{Client, ClientBuilder, Installation, Names, SslFiles, Tls};
use standin_lab::{Fault, Lab, Service, Target};

/// The value of a metric with these labels, whatever their order.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut lines = text.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    lines.next()?.rsplit(' ').next()?.parse().ok()
}

fn client(lab: &Lab) -> ClientBuilder {
    let addresses = lab.resolve().into_iter();
    let names = addresses.fold(Names::new(), |names, (host, address)| {
        names.with(&host, address)
    });
    let installation = Installation::of_hosts("master.test", Some("replica.test")).unwrap();
    let tls = Tls::from_files(&SslFiles::in_dir(lab.ssl_dir(), "agent.test")).unwrap();
    Client::builder(installation, tls).names(names)
}

#[tokio::test]
async fn attempts_failovers_states_budget_and_probes_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    describe_metrics();

    let lab = Lab::builder().start().await.unwrap();
    let policy = Policy {
        probing: Probing::USUAL,
        ..Policy::default()
    };
    let client = client(&lab).policy(policy).build().unwrap();

    let text = shown.render();
    let master = [r#"server="master.test:4433""#, r#"service="classifier""#];
    assert_eq!(value(&text, "standin_service_state", &master), Some(0.0));
    assert_eq!(
        value(&text, "standin_server_state", &master[..1]),
        Some(0.0)
    );

    // The first round of probes is over before anything breaks.
    let probed = async {
        let master = [r#"server="master.test:4433""#];
        loop {
            let count = value(&shown.render(), "standin_probe_seconds_count", &master);
            if count.is_some_and(|count| count > 0.0) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), probed)
        .await
        .unwrap();

    let classifier = Target::Service("master.test", Service::NodeClassifier);
    let _fault = lab.fault(classifier, Fault::Refuse).await.unwrap();
    for _ in 0..2 {
        client.get("/classifier-api/v1/groups").await.unwrap();
    }
    let text = shown.render();
    let outcome = |server: &str, outcome: &str| {
        let labels = [
            r#"service="classifier""#.to_owned(),
            format!(r#"server="{server}:4433""#),
            format!(r#"outcome="{outcome}""#),
        ];
        let labels = labels.each_ref().map(String::as_str);
        value(&text, "standin_attempts_total", &labels)
    };
    assert_eq!(outcome("master.test", "unreached"), Some(1.0), "{text}");
    assert_eq!(outcome("replica.test", "answered"), Some(2.0), "{text}");
    assert_eq!(
        value(&text, "standin_failovers_total", &master[1..]),
        Some(1.0),
        "{text}"
    );
    assert_eq!(
        value(&text, "standin_server_state", &master[..1]),
        Some(3.0),
        "{text}"
    );
    assert_eq!(
        value(&text, "standin_budget_repeats", &[]),
        Some(10.0),
        "{text}"
    );
    assert!(text.contains("# HELP standin_failovers_total "), "{text}");
}

#[tokio::test]
async fn entries_of_the_spool_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);

    let lab = Lab::builder().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::at(dir.path().join("spool"));
    let client = client(&lab).spool(spool).build().unwrap();
    let mut faults = Vec::new();
    for host in ["master.test", "replica.test"] {
        let target = Target::Service(host, Service::PuppetServer);
        faults.push(lab.fault(target, Fault::Refuse).await.unwrap());
    }
    let report = http::Request::put("/puppet/v3/report/agent.test?environment=production")
        .header("Content-Type", "application/json")
        .body(r#"{"host":"agent.test"}"#)
        .unwrap();
    let answer = client.request(report).await.unwrap();
    assert_eq!(answer.status(), 202);
    let entries = || value(&shown.render(), "standin_spool_entries", &[]);
    assert_eq!(entries(), Some(1.0));

    for fault in faults {
        fault.lift().await;
    }
    assert_eq!(client.deliver().await.unwrap().delivered, 1);
    assert_eq!(entries(), Some(0.0));
}
