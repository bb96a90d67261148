//! PuppetDB: commands, queries, and both hosts knowing the same.

use http::Method;
use serde_json::{Value, json};
use standin_lab::Service::PuppetDb;
use standin_lab::{Fault, Host, State, Target};

use crate::support::{Client, Names, Reply, lab};

async fn replace_facts(client: &Client, host: &Host, at: &str, value: u32) -> Reply {
    let path = format!(
        "/pdb/cmd/v1?command=replace_facts&version=5&certname=agent.test&producer-timestamp={at}"
    );
    let body =
        json!({"certname": "agent.test", "environment": "production", "values": {"a": value}});
    client
        .send(host, PuppetDb, Method::POST, &path, body.to_string())
        .await
        .expect("an answer")
}

fn fact(host: &Host) -> Option<Value> {
    host.store()
        .facts("agent.test")
        .map(|facts| facts["a"].clone())
}

#[tokio::test]
async fn a_command_is_taken_even_without_a_certificate_and_answered_with_a_uuid() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    let reply = replace_facts(&client, lab.master(), "2026-11-23T04:52:36.000Z", 1).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json;charset=utf-8")
    );
    let commands = lab.master().store().commands();
    assert_eq!(
        reply.text(),
        format!("{{\n  \"uuid\" : \"{}\"\n}}", commands[0].uuid)
    );
    assert_eq!(commands[0].producer_timestamp, "2026-11-23T04:52:36.000Z");
}

#[tokio::test]
async fn queries_find_what_commands_brought_on_either_host() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    replace_facts(&client, lab.master(), "2026-11-23T04:52:36.000Z", 1).await;
    let expected =
        json!([{"certname": "agent.test", "environment": "production", "name": "a", "value": 1}]);
    for host in lab.hosts() {
        for path in [
            "/pdb/query/v4/facts",
            "/pdb/query/v4/nodes/agent.test/facts/a",
            "/pdb/query/v4/facts?query=[%22=%22,%22name%22,%22a%22]",
            "/pdb/query/v4?query=[%22from%22,%22facts%22]",
        ] {
            let reply = client.get(host, PuppetDb, path).await.unwrap();
            assert_eq!(
                (reply.status.as_u16(), reply.json()),
                (200, expected.clone()),
                "{path}"
            );
            assert!(reply.header("content-length").is_some());
        }
        let posted = r#"{"query": ["=", "certname", "agent.test"]}"#;
        let nodes = client
            .send(host, PuppetDb, Method::POST, "/pdb/query/v4/nodes", posted)
            .await
            .unwrap();
        assert_eq!(
            nodes.json()[0]["facts_timestamp"],
            "2026-11-23T04:52:36.000Z"
        );
    }
    assert_eq!(
        client
            .get(lab.master(), PuppetDb, "/pdb/query/v4/nodes/x.test")
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn a_bad_query_is_400_in_plain_text() {
    let lab = lab().await;
    let reply = Client::agent(&lab)
        .get(lab.master(), PuppetDb, "/pdb/query/v4/nodes?query=nonsense")
        .await
        .unwrap();
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain;charset=utf-8")
    );
    assert!(reply.text().contains("Unrecognized token 'nonsense'"));
}

#[tokio::test]
async fn meta_tells_version_and_time() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let version = client
        .get(lab.master(), PuppetDb, "/pdb/meta/v1/version")
        .await
        .unwrap();
    assert_eq!(version.text(), "{\n  \"version\" : \"7.12.1\"\n}");
    let time = client
        .get(lab.master(), PuppetDb, "/pdb/meta/v1/server-time")
        .await
        .unwrap();
    assert!(time.json()["server_time"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_newest_producer_timestamp_wins_on_both_hosts() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    replace_facts(&client, lab.replica(), "2026-11-23T05:00:00Z", 2).await;
    replace_facts(&client, lab.master(), "2026-11-23T04:00:00Z", 1).await;
    assert_eq!(fact(lab.master()), Some(json!(2)));
    assert_eq!(fact(lab.replica()), Some(json!(2)));
    assert_eq!(lab.master().store().commands().len(), 1);
}

#[tokio::test]
async fn what_the_replica_took_alone_reaches_the_master_when_the_fault_is_lifted() {
    let lab = lab().await;
    let fault = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    replace_facts(
        &Client::agent(&lab),
        lab.replica(),
        "2026-11-23T05:00:00Z",
        2,
    )
    .await;
    assert_eq!(fact(lab.master()), None);
    fault.lift().await;
    assert_eq!(fact(lab.master()), Some(json!(2)));
}

#[tokio::test]
async fn without_its_database_it_takes_commands_and_no_queries() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let fault = lab
        .fault(
            Target::Service("master.test", PuppetDb),
            Fault::DatabaseDown,
        )
        .await
        .unwrap();
    assert_eq!(
        replace_facts(&client, lab.master(), "2026-11-23T05:00:00Z", 3)
            .await
            .status,
        200
    );
    let query = client
        .get(lab.master(), PuppetDb, "/pdb/query/v4/nodes")
        .await
        .unwrap();
    assert_eq!(
        (query.status.as_u16(), query.text().as_str()),
        (500, "Connection refused")
    );
    assert_eq!(
        query.header("content-type"),
        Some("text/plain;charset=utf-8")
    );
    assert_eq!(
        client
            .simple(lab.master(), PuppetDb, "puppetdb-status")
            .await,
        (503, "error".to_owned())
    );
    let status = client
        .get(lab.master(), PuppetDb, "/status/v1/services")
        .await
        .unwrap();
    assert_eq!(status.status, 503);
    assert_eq!(
        status.json()["puppetdb-status"]["status"]["read_db_up?"],
        false
    );
    assert_eq!(
        client
            .get(lab.master(), PuppetDb, "/pdb/meta/v1/version")
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(fact(lab.replica()), None);
    fault.lift().await;
    assert_eq!(fact(lab.replica()), Some(json!(3)));
}

#[tokio::test]
async fn in_maintenance_mode_everything_is_503_without_a_content_type() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let _fault = lab
        .fault(
            Target::Service("master.test", PuppetDb),
            Fault::NotReady(State::Unknown),
        )
        .await
        .unwrap();
    let reply = replace_facts(&client, lab.master(), "2026-11-23T05:00:00Z", 3).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (503, "PuppetDB is currently down. Try again later.")
    );
    assert_eq!(reply.header("content-type"), None);
    assert_eq!(
        client
            .simple(lab.master(), PuppetDb, "puppetdb-status")
            .await,
        (503, "unknown".to_owned())
    );
    assert!(lab.master().store().commands().is_empty());
}
