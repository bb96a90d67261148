//! The status API, which is open to everyone on every port.

use serde_json::json;
use standin_lab::Service::{
    Activity, CertificateAuthority, CodeManager, FileSync, NodeClassifier, Orchestrator, PuppetDb,
    PuppetServer, Rbac,
};

use crate::support::{Client, Names, lab};

const JSON: Option<&str> = Some("application/json;charset=utf-8");
const TEXT: Option<&str> = Some("text/plain;charset=utf-8");

#[tokio::test]
async fn the_simple_status_is_one_word() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    for (service, name) in [
        (PuppetServer, "server"),
        (PuppetServer, "master"),
        (PuppetServer, "pe-master"),
        (FileSync, "file-sync-client-service"),
        (PuppetDb, "puppetdb-status"),
        (NodeClassifier, "classifier-service"),
        (Rbac, "rbac-service"),
        (Activity, "activity-service"),
    ] {
        for host in lab.hosts() {
            assert_eq!(
                client.simple(host, service, name).await,
                (200, "running".to_owned()),
                "{name}"
            );
        }
    }
    for (service, name) in [
        (CertificateAuthority, "ca"),
        (CodeManager, "code-manager-service"),
        (Orchestrator, "orchestrator-service"),
    ] {
        assert_eq!(
            client.simple(lab.master(), service, name).await,
            (200, "running".to_owned()),
            "{name}"
        );
    }
    let reply = client
        .get(lab.master(), PuppetServer, "/status/v1/simple")
        .await
        .unwrap();
    assert_eq!(reply.text(), "running");
    assert_eq!(reply.header("content-type"), TEXT);
    assert_eq!(reply.header("vary"), Some("Accept-Encoding, User-Agent"));
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert!(reply.header("date").is_some());
}

#[tokio::test]
async fn the_status_of_a_service_that_is_not_there_is_404() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    let reply = client
        .get(lab.master(), PuppetServer, "/status/v1/simple/nosuch")
        .await
        .unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (404, "not found: nosuch")
    );
    assert_eq!(reply.header("content-type"), TEXT);
    assert_eq!(
        client.simple(lab.replica(), PuppetServer, "ca").await.0,
        404
    );
    let reply = client
        .get(lab.master(), PuppetServer, "/status/v1/services/nosuch")
        .await
        .unwrap();
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["kind"], "service-not-found");
}

#[tokio::test]
async fn the_json_status_names_every_service_of_the_port() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    let reply = client
        .get(
            lab.master(),
            PuppetServer,
            "/status/v1/services?level=critical",
        )
        .await
        .unwrap();
    assert_eq!(reply.header("content-type"), JSON);
    assert_eq!(
        reply.json()["server"],
        json!({"service_version": "7.9.5", "service_status_version": 1, "detail_level": "critical",
               "state": "running", "status": {}, "active_alerts": []})
    );
    assert!(reply.json().get("ca").is_some());
    let reply = client
        .get(
            lab.master(),
            PuppetDb,
            "/status/v1/services/puppetdb-status",
        )
        .await
        .unwrap();
    assert_eq!(
        reply.json(),
        json!({"service_version": "7.12.1", "service_status_version": 1, "detail_level": "info",
               "state": "running", "status": {"maintenance_mode?": false, "queue_depth": 0, "read_db_up?": true,
               "write_db_up?": true, "write_dbs_up?": true, "write_db": {"default": {"up?": true}}},
               "active_alerts": [], "service_name": "puppetdb-status"})
    );
}

#[tokio::test]
async fn console_services_tell_which_side_of_replication_they_are() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    for (host, mode) in [(lab.master(), "source"), (lab.replica(), "replica")] {
        let status = client
            .get(host, Rbac, "/status/v1/services")
            .await
            .unwrap()
            .json();
        for name in ["classifier-service", "rbac-service", "activity-service"] {
            assert_eq!(
                status[name]["status"]["replication"],
                json!({"mode": mode, "status": "running"})
            );
        }
    }
}
