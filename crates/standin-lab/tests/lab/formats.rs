//! Formats are negotiated as Puppet 7.23 does it; the messages are those of its `network/http/request.rb` and
//! `network/http/error.rb`, and of Puppet Server's `master_core.clj`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use standin_lab::{Lab, Service};

use crate::support::{Client, Reply, lab};

const CATALOG: &str = "/puppet/v3/catalog/agent.test?environment=production";
const FILE: &str = "/puppet/v3/file_content/modules/demo/a.txt?environment=production";
const RECORDS: &str = "/puppet/v3/file_metadatas/plugins?environment=production&recurse=true";
const REPORT: &str = "/puppet/v3/report/agent.test?environment=production";

async fn ask(lab: &Lab, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let client = Client::agent(lab);
    let connection = client.connect(lab.master(), Service::PuppetServer).await;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "master.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from("facts={}")).unwrap();
    connection.unwrap().raw(request).await.unwrap()
}

async fn get(lab: &Lab, path: &str, accept: &str) -> Reply {
    ask(lab, Method::GET, path, &[("accept", accept)]).await
}

#[tokio::test]
async fn the_first_format_that_both_know_is_taken() {
    let lab = lab().await;
    for (path, accept, content_type) in [
        (
            CATALOG,
            "application/json, application/vnd.puppet.rich+json",
            "application/json;charset=utf-8",
        ),
        (
            CATALOG,
            "text/html, application/vnd.puppet.rich+json;q=0.1",
            "application/vnd.puppet.rich+json; charset=utf-8",
        ),
        (
            CATALOG,
            "*/*",
            "application/vnd.puppet.rich+json; charset=utf-8",
        ),
        (CATALOG, "text/pson", "text/pson"),
        (
            RECORDS,
            "application/json, text/pson",
            "application/json;charset=utf-8",
        ),
        (FILE, "*/*", "application/octet-stream"),
    ] {
        let reply = get(&lab, path, accept).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, Some(content_type)),
            "{path} {accept}"
        );
    }
}

#[tokio::test]
async fn a_report_in_a_format_that_nobody_reads_is_refused_and_not_kept() {
    let lab = lab().await;
    let yaml = [("content-type", "text/yaml; charset=utf-8")];
    let reply = ask(&lab, Method::PUT, REPORT, &yaml).await;
    let message = "Unsupported Media Type: Client sent a mime-type (text/yaml; charset=utf-8) that doesn't correspond to a format we support";
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (
            415,
            json!({"message": message, "issue_kind": "UNSUPPORTED_MEDIA_TYPE"})
        )
    );
    assert!(lab.master().store().reports().is_empty());
    let json = [
        ("content-type", "application/json"),
        ("accept", "text/html"),
    ];
    let reply = ask(&lab, Method::PUT, REPORT, &json).await;
    assert_eq!(reply.status, 200);
    assert_eq!(lab.master().store().reports().len(), 1);
}

#[tokio::test]
async fn static_files_are_those_of_modules_at_a_code_id() {
    let lab = lab().await;
    let ask = async |path: &str, query: &str| {
        let path = format!("/puppet/v3/static_file_content/{path}?{query}");
        let reply = get(&lab, &path, "*/*").await;
        (reply.status.as_u16(), reply.text())
    };
    let whole = "environment=production&code_id=1234";
    assert_eq!(
        ask("modules/demo/files/a.txt", whole).await,
        (200, "a file\n".to_owned())
    );
    let (status, text) = ask("modules/demo/files/a.txt", "environment=production").await;
    assert_eq!(status, 400);
    assert_eq!(
        text,
        "Error: A /static_file_content request requires an environment, a code-id, and a file-path"
    );
    let (status, text) = ask("modules/demo/manifests/init.pp", whole).await;
    assert_eq!(status, 403);
    assert!(text.starts_with("Request Denied: "), "{text}");
}

#[tokio::test]
async fn a_catalog_is_compiled_from_the_facts_that_came_with_it() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let facts = "facts_format=application%2Fjson&facts=%257B%2522values%2522%253A%257B%2522demo_fact%2522%253A%2522seen%2522%257D%257D";
    let (host, service) = (lab.master(), Service::PuppetServer);
    let reply = client
        .send(host, service, Method::POST, CATALOG, facts)
        .await;
    let catalog = reply.unwrap().json();
    let resources = catalog["resources"].as_array().unwrap();
    let is_text = |resource: &&Value| resource["parameters"]["content"].is_string();
    let file = resources.iter().find(is_text).unwrap();
    assert_eq!(
        file["parameters"]["content"],
        "agent.test has demo_fact seen\n"
    );
    let path = file["title"].as_str().unwrap();
    assert!(path.starts_with(lab.conf_dir().to_str().unwrap()), "{path}");
}
