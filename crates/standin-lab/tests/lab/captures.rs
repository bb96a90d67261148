//! The lab answers as real servers did: each file below `captures` is a request that was sent to Puppet Server 7.9.5 or
//! PuppetDB 7.12.1 and what came back, with PEM and facts of the machine taken out. The folder says in which state they
//! were.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use standin_lab::{Fault, FaultGuard, Lab, LabBuilder, Service, State, Target};

use crate::support::{Client, Names, Reply};

#[tokio::test]
async fn a_healthy_pair_answers_as_the_real_one() {
    let lab = Lab::builder().start().await.unwrap();
    stored(&lab).await;
    assert_eq!(compare("healthy", &lab, &Client::agent(&lab)).await, 29);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_answered_as_by_the_real_one() {
    let lab = Lab::builder().start().await.unwrap();
    stored(&lab).await;
    let client = Client::anonymous(&lab, Names::Ignored);
    assert_eq!(compare("no-certificate", &lab, &client).await, 15);
}

#[tokio::test]
async fn formats_are_negotiated_and_files_missed_as_by_the_real_one() {
    let lab = Lab::builder().start().await.unwrap();
    assert_eq!(compare("formats", &lab, &Client::agent(&lab)).await, 19);
}

#[tokio::test]
async fn an_overloaded_puppet_server_answers_as_the_real_one() {
    let overloaded = Fault::Unavailable {
        retry_after: Some(4),
    };
    let (lab, _fault) = broken(Service::PuppetServer, overloaded).await;
    assert_eq!(compare("overload", &lab, &Client::agent(&lab)).await, 6);
}

#[tokio::test]
async fn a_puppetdb_in_maintenance_answers_as_the_real_one() {
    let (lab, _fault) = broken(Service::PuppetDb, Fault::NotReady(State::Unknown)).await;
    assert_eq!(compare("maintenance", &lab, &Client::agent(&lab)).await, 5);
}

#[tokio::test]
async fn a_puppetdb_without_its_database_answers_as_the_real_one() {
    let (lab, _fault) = broken(Service::PuppetDb, Fault::DatabaseDown).await;
    assert_eq!(
        compare("database-down", &lab, &Client::agent(&lab)).await,
        10
    );
}

#[tokio::test]
async fn a_puppetdb_with_an_allowlist_answers_as_the_real_one() {
    let lab = allowlist(["agent.test"]).start().await.unwrap();
    stored(&lab).await;
    assert_eq!(compare("allowlist", &lab, &Client::agent(&lab)).await, 8);
    let anonymous = Client::anonymous(&lab, Names::Ignored);
    assert_eq!(
        compare("allowlist-no-certificate", &lab, &anonymous).await,
        10
    );
}

#[tokio::test]
async fn a_certname_that_is_not_in_the_allowlist_is_named() {
    let lab = allowlist(["master.test"]).start().await.unwrap();
    let client = Client::agent(&lab);
    let path = "/pdb/query/v4/nodes";
    let reply = client
        .get(lab.master(), Service::PuppetDb, path)
        .await
        .unwrap();
    assert_eq!(reply.status, 403);
    let text = reply.text();
    assert!(
        text.starts_with("Permission denied: The client certificate name agent.test doesnt appear"),
        "{text}"
    );
}

fn allowlist<const N: usize>(certnames: [&str; N]) -> LabBuilder {
    Lab::builder().puppetdb_allowlist(certnames)
}

async fn broken(service: Service, fault: Fault) -> (Lab, FaultGuard) {
    let lab = Lab::builder().start().await.unwrap();
    let target = Target::Service("master.test", service);
    let guard = lab.fault(target, fault).await.unwrap();
    (lab, guard)
}

/// What the real PuppetDB knew of the agent.
async fn stored(lab: &Lab) {
    let client = Client::agent(lab);
    let environment = "production";
    let facts = json!({"environment": environment, "values": {"demo_fact": "demo"}});
    let report = json!({
        "environment": environment, "status": "changed", "noop": false, "noop_pending": false, "job_id": null,
        "corrective_change": null, "cached_catalog_status": "not_used",
    });
    for (command, version, body) in [
        ("replace_facts", 5, facts),
        ("replace_catalog", 9, json!({"environment": environment})),
        ("store_report", 8, report),
    ] {
        let path = format!("/pdb/cmd/v1?command={command}&version={version}&certname=agent.test");
        let (host, service) = (lab.master(), Service::PuppetDb);
        let reply = client
            .send(host, service, Method::POST, &path, body.to_string())
            .await;
        assert_eq!(reply.unwrap().status, 200);
    }
}

/// Sends every request of a folder to the master, and returns how many there were.
async fn compare(folder: &str, lab: &Lab, client: &Client) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/captures");
    let files = fs::read_dir(root.join(folder)).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in &files {
        let capture = Capture::read(file);
        let mut connection = client.connect(lab.master(), capture.service).await.unwrap();
        let reply = connection.raw(capture.request()).await.unwrap();
        capture.compare(&reply, &file.display().to_string());
    }
    files.len()
}

struct Capture {
    service: Service,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    answered: Vec<(String, String)>,
    answer: String,
}

impl Capture {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let (request, answer) = text.split_once("\nHTTP/1.1 ").unwrap();
        let (head, body) = request.split_once("\n\n").unwrap();
        let mut head = head.lines();
        let line: Vec<_> = head.next().unwrap().split(' ').collect();
        let [method, port, path] = line.as_slice() else {
            panic!("{line:?}");
        };
        let (answer_head, answer) = answer.split_once("\n\n").unwrap();
        let mut answer_head = answer_head.lines();
        let status = answer_head.next().unwrap()[..3].parse().unwrap();
        Self {
            service: match *port {
                "8140" => Service::PuppetServer,
                "8081" => Service::PuppetDb,
                other => panic!("{other}"),
            },
            method: method.parse().unwrap(),
            path: (*path).to_owned(),
            headers: head.map(pair).collect(),
            body: body.trim_end().to_owned(),
            status,
            answered: answer_head.map(pair).collect(),
            answer: answer.trim_end().to_owned(),
        }
    }

    fn request(&self) -> Request<Full<bytes::Bytes>> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header("host", "master.test");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }

    fn compare(&self, reply: &Reply, file: &str) {
        let text = reply.text();
        assert_eq!(reply.status, self.status, "{file}: {text}");
        let names: BTreeSet<_> = reply
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        let real: BTreeSet<_> = self.answered.iter().map(|(name, _)| name.clone()).collect();
        // Both are hyper's to choose where a connection is to be closed, and Jetty puts no date on its own pages.
        let own = |names: &BTreeSet<String>| -> BTreeSet<String> {
            let is_own = |name: &&String| !["date", "transfer-encoding"].contains(&name.as_str());
            names.iter().filter(is_own).cloned().collect()
        };
        assert_eq!(own(&names), own(&real), "{file}");
        let content_type = reply.header("content-type").unwrap_or_default().to_owned();
        let is_json = content_type.contains("json") || content_type.contains("pson");
        for (name, value) in &self.answered {
            let is_free = match name.as_str() {
                // A busy server draws the time to come again by lot.
                "date" | "transfer-encoding" | "retry-after" => true,
                "content-length" => is_json,
                _ => false,
            };
            assert!(
                is_free || reply.header(name) == Some(value),
                "{file}: {name}: {:?}",
                reply.header(name)
            );
        }
        if is_json {
            let parse = |text: &str| serde_json::from_str::<Value>(text).expect(file);
            same_shape(&parse(&self.answer), &parse(&text), file, "");
        } else {
            assert_eq!(without_pem(&text), self.answer, "{file}");
        }
    }
}

fn pair(line: &str) -> (String, String) {
    let (name, value) = line.split_once(": ").unwrap();
    (name.to_ascii_lowercase(), value.to_owned())
}

/// The first lines and the last, which is what is kept of the captures'.
fn without_pem(text: &str) -> String {
    let mut is_inside = false;
    let lines = text.trim_end().lines().filter(|line| {
        is_inside &= !line.starts_with("-----END");
        let is_kept = !is_inside;
        is_inside |= line.starts_with("-----BEGIN");
        is_kept
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Both have the same keys, and values of the same type; where the values do not depend on the place, the same values.
fn same_shape(real: &Value, ours: &Value, file: &str, at: &str) {
    match (real, ours) {
        (Value::Object(real), Value::Object(ours)) => {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            let (missing, more): (Vec<_>, Vec<_>) = (
                keys(real).difference(&keys(ours)).cloned().collect(),
                keys(ours).difference(&keys(real)).cloned().collect(),
            );
            assert!(missing.is_empty(), "{file}: {at} lacks {missing:?}");
            // Services that only Puppet Enterprise has; a node's parameters, which are the facts of a machine.
            let is_open = file.ends_with("services.http")
                || file.contains("services-critical")
                || at == ".parameters";
            assert!(more.is_empty() || is_open, "{file}: {at} has {more:?} too");
            for (key, value) in real {
                same_shape(value, &ours[key], file, &format!("{at}.{key}"));
            }
        }
        // The first stands for all.
        (Value::Array(real), Value::Array(ours)) => {
            assert_eq!(real.is_empty(), ours.is_empty(), "{file}: {at}");
            if let (Some(real), Some(ours)) = (real.first(), ours.first()) {
                same_shape(real, ours, file, &format!("{at}[0]"));
            }
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => {
            let last = at.rsplit('.').next().unwrap();
            // Versions of catalogs are times, and the other tree has other files.
            let is_its_own = real.is_number() && last == "version"
                || real.as_str().is_some_and(|text| text.starts_with('{'));
            if FIXED.contains(&last) && !is_its_own {
                assert_eq!(real, ours, "{file}: {at}");
            }
        }
        _ => assert_eq!(real, ours, "{file}: {at}"),
    }
}

/// What is the same on every installation.
const FIXED: &[&str] = &[
    "state",
    "status",
    "detail_level",
    "service_name",
    "service_version",
    "service_status_version",
    "message",
    "issue_kind",
    "version",
    "kind",
    "catalog_format",
    "name",
    "environment",
    "certname",
    "value",
    "links",
    "mode",
    "latest_report_status",
    "cached_catalog_status",
    "relative_path",
];
