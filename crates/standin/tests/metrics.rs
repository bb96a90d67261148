//! What is counted while a service fails over.

use metrics_exporter_prometheus::PrometheusBuilder;
use standin::policy::{Policy, Probing};
use standin::telling::describe_metrics;
use standin::{Client, Installation, Names, SslFiles, Tls};
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

#[tokio::test]
async fn attempts_failovers_states_budget_and_probes_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    describe_metrics();

    let lab = Lab::builder().start().await.unwrap();
    let names = lab
        .resolve()
        .into_iter()
        .fold(Names::new(), |names, (host, address)| {
            names.with(&host, address)
        });
    let installation = Installation::of_hosts("master.test", Some("replica.test")).unwrap();
    let tls = Tls::from_files(&SslFiles::in_dir(lab.ssl_dir(), "agent.test")).unwrap();
    let policy = Policy {
        probing: Probing::USUAL,
        ..Policy::default()
    };
    let client = Client::builder(installation, tls)
        .names(names)
        .policy(policy)
        .build()
        .unwrap();

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
