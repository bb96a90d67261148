//! What a replica does not do, what a promoted one does, and compile masters.

use std::io::ErrorKind;

use http::Method;
use serde_json::json;
use standin_lab::Service::{
    CertificateAuthority, CodeManager, NodeClassifier, Orchestrator, PuppetDb, PuppetServer, Rbac,
};
use standin_lab::{HostSpec, Lab, LabError, Role};
use tokio::net::TcpStream;

use crate::support::{Client, lab};

const GROUPS: &str = "/classifier-api/v1/groups";

#[tokio::test]
async fn a_write_to_the_replicas_classifier_is_denied_and_in_the_journal() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let reply = client
        .send(lab.replica(), NodeClassifier, Method::POST, GROUPS, "{}")
        .await
        .unwrap();
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["kind"], "application-error");
    assert!(
        reply.json()["msg"]
            .as_str()
            .unwrap()
            .contains("permission denied")
    );
    assert!(lab.replica().store().groups().is_empty());
    assert_eq!(lab.journal().work("replica.test", NodeClassifier).len(), 1);
    let token = client
        .send(
            lab.replica(),
            Rbac,
            Method::POST,
            "/rbac-api/v1/auth/token",
            "{}",
        )
        .await
        .unwrap();
    assert_eq!(token.status, 500);
}

#[tokio::test]
async fn nothing_listens_for_deploys_and_jobs_on_the_replica() {
    let lab = lab().await;
    for service in [CodeManager, Orchestrator] {
        let refused = TcpStream::connect(lab.replica().server(service))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn a_promoted_replica_is_a_master() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    lab.promote("replica.test").await.unwrap();
    assert_eq!(lab.replica().role(), Role::Master);
    let group = json!({"name": "late"}).to_string();
    let reply = client
        .send(lab.replica(), NodeClassifier, Method::POST, GROUPS, group)
        .await
        .unwrap();
    assert_eq!(reply.status, 303);
    let status = client
        .get(lab.replica(), NodeClassifier, "/status/v1/services")
        .await
        .unwrap()
        .json();
    assert_eq!(
        status["classifier-service"]["status"]["replication"]["mode"],
        "source"
    );
    let ca = "/puppet-ca/v1/certificate/ca";
    assert_eq!(
        client
            .get(lab.replica(), CertificateAuthority, ca)
            .await
            .unwrap()
            .status,
        200
    );
    assert!(
        TcpStream::connect(lab.replica().server(CodeManager))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_compile_master_compiles_and_nothing_else() {
    let hosts = [
        HostSpec::master("m.test"),
        HostSpec::replica("r.test"),
        HostSpec::pool("c.test"),
    ];
    let lab = Lab::builder().hosts(hosts).start().await.unwrap();
    let compiler = &lab.hosts()[2];
    assert_eq!(compiler.role(), Role::Pool);
    let client = Client::agent(&lab);
    let node = "/puppet/v3/node/agent.test?environment=production";
    let reply = client.get(compiler, PuppetServer, node).await.unwrap();
    assert_eq!(reply.json()["parameters"]["servername"], "c.test");
    for service in [PuppetDb, NodeClassifier, CodeManager] {
        assert!(TcpStream::connect(compiler.server(service)).await.is_err());
    }
    assert_eq!(client.simple(compiler, PuppetServer, "ca").await.0, 404);
}

#[tokio::test]
async fn a_lab_has_one_master_and_one_replica() {
    let started = Lab::builder()
        .hosts([HostSpec::master("m.test")])
        .start()
        .await;
    assert!(matches!(
        started,
        Err(LabError::Hosts {
            role: Role::Replica,
            found: 0
        })
    ));
    let twice = [HostSpec::master("m.test"), HostSpec::replica("m.test")];
    assert!(matches!(
        Lab::builder().hosts(twice).start().await,
        Err(LabError::RepeatedHost { .. })
    ));
}
