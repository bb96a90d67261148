//! Answers have the status, headers and shape of the captures from Puppet Server 7.9.5 and PuppetDB 7.12.1.

use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use standin_lab::Service::{
    Activity, CertificateAuthority, CodeManager, NodeClassifier, Orchestrator, PuppetServer, Rbac,
};

use crate::support::{Client, Names, lab};

const JSON: Option<&str> = Some("application/json;charset=utf-8");

#[tokio::test]
async fn a_catalog_names_the_node_and_the_server_that_compiled_it() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    for host in lab.hosts() {
        let mut connection = client.connect(host, PuppetServer).await.unwrap();
        let request = Request::post("/puppet/v3/catalog/agent.test?environment=production")
            .header("host", host.name())
            .header(
                "accept",
                "application/vnd.puppet.rich+json, application/json, text/pson",
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(
                "facts_format=application%2Fjson&facts=%257B%257D",
            ))
            .unwrap();
        let reply = connection.raw(request).await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("application/vnd.puppet.rich+json; charset=utf-8")
        );
        assert_eq!(reply.header("x-puppet-version"), Some("7.23.0"));
        let catalog = reply.json();
        assert_eq!(
            (&catalog["name"], &catalog["environment"]),
            (&json!("agent.test"), &json!("production"))
        );
        let notify = catalog["resources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["type"] == "Notify")
            .unwrap();
        assert_eq!(notify["title"], format!("compiled by {}", host.name()));
        assert_eq!(notify["parameters"]["message"], host.name());
    }
    let path = "/puppet/v3/catalog/agent.test?environment=production";
    let empty = client
        .send(lab.master(), PuppetServer, Method::POST, path, "")
        .await
        .unwrap();
    assert_eq!(empty.status, 400);
}

#[tokio::test]
async fn puppet_server_answers_what_a_run_asks() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let mut connection = client.connect(lab.master(), PuppetServer).await.unwrap();

    let node = connection
        .send(
            Method::GET,
            "/puppet/v3/node/agent.test?environment=production",
            "",
        )
        .await
        .unwrap();
    assert_eq!(
        (node.status.as_u16(), node.header("content-type")),
        (200, JSON)
    );
    assert_eq!(node.json()["name"], "agent.test");

    let plugins = "/puppet/v3/file_metadatas/plugins?environment=production&recurse";
    let all = connection
        .send(Method::GET, &format!("{plugins}=true"), "")
        .await
        .unwrap()
        .json();
    let paths: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["relative_path"].clone())
        .collect();
    assert_eq!(paths, [".", "facter", "facter/demo_fact.rb"]);
    assert!(
        all[2]["checksum"]["value"]
            .as_str()
            .unwrap()
            .starts_with("{sha256}")
    );
    let root = connection
        .send(Method::GET, &format!("{plugins}=false"), "")
        .await
        .unwrap()
        .json();
    assert_eq!(root.as_array().unwrap().len(), 1);

    let path = "/puppet/v3/file_content/modules/demo/a.txt?environment=production";
    let content = connection.send(Method::GET, path, "").await.unwrap();
    assert_eq!(content.text(), "a file\n");
    assert_eq!(
        content.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(content.header("content-length"), Some("7"));

    let path = "/puppet/v3/report/agent.test?environment=production";
    let report = connection
        .send(Method::PUT, path, r#"{"status":"changed"}"#)
        .await
        .unwrap();
    assert_eq!(report.json(), json!(["store", "puppetdb"]));
    assert_eq!(report.header("vary"), None);
    let stored = lab.master().store().reports();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (stored[0].certname.as_str(), &stored[0].body[..]),
        ("agent.test", &br#"{"status":"changed"}"#[..])
    );

    let environments = connection
        .send(Method::GET, "/puppet/v3/environments", "")
        .await
        .unwrap()
        .json();
    assert!(environments["environments"]["production"]["settings"].is_object());
}

#[tokio::test]
async fn an_unknown_environment_and_an_unknown_path_are_404_each_in_its_way() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let path = "/puppet/v3/node/agent.test?environment=nosuch";
    let reply = client.get(lab.master(), PuppetServer, path).await.unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (404, JSON)
    );
    assert_eq!(
        reply.json(),
        json!({"message": "Not Found: Could not find environment 'nosuch'", "issue_kind": "RUNTIME_ERROR"})
    );
    let path = "/puppet/v3/nosuch/x?environment=production";
    let reply = client.get(lab.master(), PuppetServer, path).await.unwrap();
    assert_eq!(reply.status, 404);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html;charset=iso-8859-1")
    );
    assert_eq!(reply.header("content-length"), Some("375"));
    assert_eq!(reply.header("x-puppet-version"), None);
}

#[tokio::test]
async fn work_is_forbidden_without_a_certificate_and_for_another_node() {
    let lab = lab().await;
    let anonymous = Client::anonymous(&lab, Names::Ignored);
    let agent = Client::agent(&lab);
    let own = "/puppet/v3/catalog/agent.test?environment=production";
    let other = "/puppet/v3/catalog/other.test?environment=production";
    for (client, path) in [(&anonymous, own), (&agent, other)] {
        let reply = client
            .send(lab.master(), PuppetServer, Method::POST, path, "facts=x")
            .await
            .unwrap();
        let path = path.split('?').next().unwrap();
        assert_eq!(reply.status, 403);
        assert_eq!(
            reply.text(),
            format!(
                "Forbidden request: {path} (method :post). Please see the server logs for details."
            )
        );
        assert_eq!(reply.header("content-type"), None);
        assert_eq!(reply.header("x-puppet-version"), Some("7.23.0"));
    }
    for (service, path) in [
        (NodeClassifier, "/classifier-api/v1/groups"),
        (Rbac, "/rbac-api/v1/users"),
        (Activity, "/activity-api/v1/events"),
        (CodeManager, "/code-manager/v1/deploys/status"),
    ] {
        assert_eq!(
            anonymous
                .get(lab.master(), service, path)
                .await
                .unwrap()
                .status,
            403
        );
        assert_eq!(
            agent.get(lab.master(), service, path).await.unwrap().status,
            200
        );
    }
}

#[tokio::test]
async fn the_authority_gives_its_certificate_and_list_to_anyone() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    for (path, file) in [
        ("/puppet-ca/v1/certificate/ca", "certs/ca.pem"),
        ("/puppet-ca/v1/certificate_revocation_list/ca", "crl.pem"),
    ] {
        let reply = client
            .get(lab.master(), CertificateAuthority, path)
            .await
            .unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, Some("text/plain"))
        );
        assert_eq!(
            reply.text().lines().next(),
            std::fs::read_to_string(lab.ssl_dir().join(file))
                .unwrap()
                .lines()
                .next()
        );
        let replica = client
            .get(lab.replica(), CertificateAuthority, path)
            .await
            .unwrap();
        assert_eq!(
            (replica.status.as_u16(), replica.header("content-type")),
            (404, Some("text/html;charset=iso-8859-1"))
        );
    }
}

#[tokio::test]
async fn the_classifier_puts_a_node_into_the_groups_that_name_it() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let group = json!({"name": "web", "rule": ["=", "name", "agent.test"], "classes": {"web": {"port": 80}}});
    let made = client
        .send(
            lab.master(),
            NodeClassifier,
            Method::POST,
            "/classifier-api/v1/groups",
            group.to_string(),
        )
        .await;
    let made = made.unwrap();
    assert_eq!(made.status, 303);
    assert!(
        made.header("location")
            .unwrap()
            .starts_with("/classifier-api/v1/groups/")
    );
    for host in lab.hosts() {
        let path = "/classifier-api/v1/classified/nodes/agent.test";
        let reply = client
            .send(host, NodeClassifier, Method::POST, path, "{}")
            .await
            .unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, JSON)
        );
        let node = reply.json();
        assert_eq!(node["name"], "agent.test");
        assert_eq!(node["environment"], "production");
        assert_eq!(node["groups"].as_array().unwrap().len(), 2);
        assert_eq!(node["classes"], json!({"demo": {}, "web": {"port": 80}}));
    }
}

#[tokio::test]
async fn deploys_and_jobs_are_taken_by_the_master() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let deploy = |body: &'static str| {
        client.send(
            lab.master(),
            CodeManager,
            Method::POST,
            "/code-manager/v1/deploys",
            body,
        )
    };
    assert_eq!(
        deploy(r#"{"environments":["production"]}"#)
            .await
            .unwrap()
            .status,
        202
    );
    let waited = deploy(r#"{"deploy-all":true,"wait":true}"#).await.unwrap();
    assert_eq!(
        (waited.status.as_u16(), &waited.json()[0]["status"]),
        (200, &json!("complete"))
    );
    assert_eq!(lab.store("master.test").unwrap().deploys().len(), 2);

    let path = "/orchestrator/v1/command/deploy";
    let job = client
        .send(
            lab.master(),
            Orchestrator,
            Method::POST,
            path,
            r#"{"environment":"production"}"#,
        )
        .await;
    let job = job.unwrap();
    assert_eq!(job.status, 202);
    assert_eq!(
        job.json()["job"]["id"],
        "https://master.test:8143/orchestrator/v1/jobs/1"
    );
    assert_eq!(lab.master().store().jobs().len(), 1);
}

#[tokio::test]
async fn a_connection_is_kept_for_many_requests() {
    let lab = lab().await;
    let mut connection = Client::agent(&lab)
        .connect(lab.master(), PuppetServer)
        .await
        .unwrap();
    for _ in 0..20 {
        assert_eq!(
            connection
                .send(Method::GET, "/status/v1/simple", "")
                .await
                .unwrap()
                .status,
            200
        );
    }
}
