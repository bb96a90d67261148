//! A broker seen by its clients: association, delivery, inventory, and what it says to what it cannot do.

use serde_json::{Value, json};
use standin_lab::{CertSpec, PcpEvent};

use crate::pcp::{AGENT, PcpClient, envelope, is_uuid};
use crate::support::{Client, lab, soon};

#[tokio::test]
async fn a_client_is_associated_by_its_certificate_and_the_path() {
    let lab = lab().await;
    let broker = lab.master().broker();
    assert_eq!(broker.uri(), "wss://master.test:8142/pcp2/");
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    let controller = lab.certificate(&CertSpec::new("c.test")).unwrap();
    let client = Client::with(&lab, &controller);
    let _controller = PcpClient::connect(&client, lab.master(), "/pcp2/controller").await;
    let uris = broker.wait_for(|uris| uris.len() == 2).await;
    assert_eq!(uris, [AGENT, "pcp://c.test/controller"]);
    assert!(lab.replica().broker().associations().is_empty());
}

#[tokio::test]
async fn without_a_type_in_the_path_a_client_is_an_agent() {
    let lab = lab().await;
    let _client = PcpClient::connect(&Client::agent(&lab), lab.replica(), "/pcp2/").await;
    lab.replica().broker().associated(AGENT).await;
}

#[tokio::test]
async fn a_message_reaches_the_other_client_with_its_sender_filled_in() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
    let mut controller = lab.master().broker().controller("c.test").unwrap();
    let id = controller.send(AGENT, "test/ask", json!({"n": [1, null]}));
    let got = agent.message().await;
    assert_eq!(got["id"], id);
    assert_eq!(got["sender"], "pcp://c.test/controller");
    assert_eq!(got["target"], AGENT);
    assert_eq!(got["data"], json!({"n": [1, null]}));

    let mut answer = envelope("test/answer");
    answer["target"] = json!("pcp://c.test/controller");
    answer["in_reply_to"] = got["id"].clone();
    agent.send(&answer).await;
    let back = controller.receive().await.unwrap();
    assert_eq!(back.in_reply_to, Some(id));
    assert_eq!(back.sender.as_deref(), Some(AGENT));
    assert_eq!(back.data, None);
}

#[tokio::test]
async fn a_request_is_answered_by_the_message_in_reply_to_it() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
    let answering = tokio::spawn(async move {
        let got = agent.message().await;
        let mut unasked = envelope("test/unasked");
        unasked["target"] = got["sender"].clone();
        agent.send(&unasked).await;
        let mut answer = envelope("test/answer");
        answer["target"] = got["sender"].clone();
        answer["data"] = json!({"transaction_id": got["data"]["transaction_id"]});
        agent.send(&answer).await;
        agent
    });
    let mut controller = lab.master().broker().controller("c.test").unwrap();
    let data = json!({"transaction_id": "7"});
    let answer = controller.request(AGENT, "test/ask", data).await.unwrap();
    assert_eq!(answer.message_type, "test/answer");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_message_to_nobody_comes_back_as_an_error() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let mut message = envelope("test/ask");
    message["target"] = json!("pcp://nobody.test/agent");
    agent.send(&message).await;
    let error = agent.message().await;
    assert_eq!(error["message_type"], "http://puppetlabs.com/error_message");
    assert_eq!(error["in_reply_to"], message["id"]);
    assert_eq!(error["data"], "Not connected.");
    assert!(is_uuid(&error["id"]));
}

#[tokio::test]
async fn what_is_no_message_is_answered_with_an_error_that_names_none() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    for text in ["", "{}", "no JSON", r#"{"id": "1", "message_type": "x"}"#] {
        agent.send_text(text).await;
        let error = agent.message().await;
        assert_eq!(error["data"], "Could not decode message", "{text}");
        assert_eq!(error.get("in_reply_to"), None);
    }
    agent.send_binary(envelope("x").to_string()).await;
    assert_eq!(agent.message().await["data"], "Could not decode message");
    let malformed = |receipt: &_| matches!(receipt, PcpEvent::Malformed);
    let receipts = lab.journal().pcp();
    let count = receipts
        .iter()
        .filter(|receipt| malformed(&receipt.event))
        .count();
    assert_eq!(count, 5);
}

#[tokio::test]
async fn a_sender_must_have_the_name_in_the_certificate() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let mut message = envelope("test/ask");
    message["sender"] = json!("pcp://other.test/agent");
    message["target"] = json!(AGENT);
    agent.send(&message).await;
    assert_eq!(agent.message().await["data"], "Message not authenticated.");
}

#[tokio::test]
async fn wildcards_are_for_queries_alone() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let mut message = envelope("test/ask");
    message["target"] = json!("pcp://*/agent");
    agent.send(&message).await;
    let error = agent.message().await;
    assert_eq!(error["data"], "Multiple recipients no longer supported.");
    message["target"] = json!("pcp://a b/agent");
    agent.send(&message).await;
    assert_eq!(agent.message().await["data"], "Message not authorized.");
}

#[tokio::test]
async fn the_inventory_lists_who_matches() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let _c = broker.controller("c.test").unwrap();
    let _d = broker.controller("d.test").unwrap();
    for (query, uris) in [
        (
            json!(["pcp://*/controller"]),
            json!(["pcp://c.test/controller", "pcp://d.test/controller"]),
        ),
        (json!(["pcp://agent.test/*", "pcp://x/y"]), json!([AGENT])),
        (json!([]), json!([])),
    ] {
        let request = inventory_request(json!({"query": query}));
        agent.send(&request).await;
        let answer = agent.message().await;
        assert_eq!(
            answer["message_type"],
            "http://puppetlabs.com/inventory_response"
        );
        assert_eq!(answer["in_reply_to"], request["id"]);
        assert_eq!(answer["data"]["uris"], uris);
    }
}

#[tokio::test]
async fn an_inventory_request_without_a_query_is_an_error() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let request = inventory_request(json!({"subscribe": true}));
    agent.send(&request).await;
    let error = agent.message().await;
    assert_eq!(error["in_reply_to"], request["id"]);
    assert!(
        error["data"]
            .as_str()
            .unwrap()
            .starts_with("Error :schema.core/error")
    );
}

#[tokio::test]
async fn a_subscriber_is_told_who_came_and_went() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    agent
        .send(&inventory_request(
            json!({"query": ["pcp://*/controller"], "subscribe": true}),
        ))
        .await;
    assert_eq!(agent.message().await["data"]["uris"], json!([]));
    drop(broker.controller("c.test").unwrap());
    let update = agent.message().await;
    assert_eq!(
        update["message_type"],
        "http://puppetlabs.com/inventory_update"
    );
    let c = "pcp://c.test/controller";
    let changes = json!([{"client": c, "change": 1}, {"client": c, "change": -1}]);
    assert_eq!(update["data"]["changes"], changes);

    agent
        .send(&inventory_request(json!({"query": [], "subscribe": false})))
        .await;
    agent.message().await;
    drop(broker.controller("c.test").unwrap());
    agent.send(&inventory_request(json!({"query": []}))).await;
    assert_eq!(agent.message().await["data"]["uris"], json!([]));
}

#[tokio::test]
async fn a_message_type_that_a_broker_does_not_know_is_not_answered() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    agent.send(&envelope("test/unknown")).await;
    // The next answer is that to the next question.
    let request = inventory_request(json!({"query": [AGENT]}));
    agent.send(&request).await;
    assert_eq!(agent.message().await["in_reply_to"], request["id"]);
}

#[tokio::test]
async fn an_associate_request_is_answered_though_version_2_needs_none() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let mut request = envelope("http://puppetlabs.com/associate_request");
    agent.send(&request).await;
    assert_eq!(agent.message().await["data"]["success"], true);
    request["sender"] = json!("pcp://agent.test/controller");
    agent.send(&request).await;
    assert_eq!(
        agent.message().await["data"]["reason"],
        "Session already associated."
    );
    assert_eq!(
        agent.closed().await,
        (4002, "Association unsuccessful.".to_owned())
    );
}

#[tokio::test]
async fn a_controller_is_told_of_changes_and_of_its_end() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut controller = broker.controller("c.test").unwrap();
    let data = json!({"query": ["pcp://*/agent"], "subscribe": true});
    let request = "http://puppetlabs.com/inventory_request";
    let answer = controller
        .request("pcp:///server", request, data)
        .await
        .unwrap();
    assert_eq!(answer.data, Some(json!({"uris": []})));
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    let update = controller.receive().await.unwrap();
    assert_eq!(
        update.data,
        Some(json!({"changes": [{"client": AGENT, "change": 1}]}))
    );
    broker.evict();
    assert_eq!(controller.receive().await, None);
    assert_eq!(controller.receive().await, None);
}

#[tokio::test]
async fn what_passed_is_in_the_journal() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    agent.send(&envelope("test/unknown")).await;
    let journal = lab.journal();
    let received = journal
        .wait_for_pcp(|receipt| matches!(receipt.event, PcpEvent::Received(_)))
        .await;
    assert_eq!(
        (&*received.host, received.client.as_str()),
        ("master.test", AGENT)
    );
    agent.close().await;
    let left = journal
        .wait_for_pcp(|receipt| receipt.event == PcpEvent::Left)
        .await;
    assert!(left.at >= received.at);
    assert_eq!(journal.pcp()[0].event, PcpEvent::Associated);
    assert!(lab.master().broker().associations().is_empty());
    let upgrade = &journal.work("master.test", standin_lab::Service::PcpBroker)[0];
    assert_eq!(upgrade.path_and_query, "/pcp2/agent");
    assert_eq!(upgrade.answered.unwrap(), 101);
    journal.clear();
    assert!(journal.pcp().is_empty());
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_carried() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    assert_eq!(agent.ping("1").await, "1");
    assert_eq!(agent.ping("2").await, "2");
}

#[tokio::test]
async fn without_an_upgrade_there_is_no_page() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    for path in ["/pcp2/agent", "/pcp/agent", "/status/v1/simple"] {
        let reply = client
            .get(lab.master(), standin_lab::Service::PcpBroker, path)
            .await
            .unwrap();
        assert_eq!(reply.status, 404, "{path}");
    }
    assert!(
        soon(lab.master().broker().associated(AGENT))
            .await
            .is_none()
    );
}

fn inventory_request(data: Value) -> Value {
    let mut request = envelope("http://puppetlabs.com/inventory_request");
    request["data"] = data;
    request
}
