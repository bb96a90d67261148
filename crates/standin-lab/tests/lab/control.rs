//! A lab that is told over HTTP what to do.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use standin_lab::control::Control;
use standin_lab::{Lab, Role, Service};
use tokio::net::TcpStream;

use crate::support::{Client, lab};

struct Desk {
    lab: Arc<Lab>,
    control: Control,
}

impl Desk {
    async fn open() -> Self {
        let lab = Arc::new(lab().await);
        let address = "127.0.0.1:0".parse().expect("an address");
        let control = Control::start(Arc::clone(&lab), address)
            .await
            .expect("a control");
        Self { lab, control }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let stream = TcpStream::connect(self.control.address())
            .await
            .expect("a connection");
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let body = match body {
            Value::Null => Bytes::new(),
            body => body.to_string().into(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "lab");
        let request = request.body(Full::new(body)).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let body = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&body).expect("JSON"),
        };
        (status, body)
    }
}

#[tokio::test]
async fn a_fault_is_switched_on_shown_and_lifted() {
    let desk = Desk::open().await;
    let server = desk.lab.master().server(Service::PuppetDb);
    let wish = json!({ "host": "master.test", "service": "puppetdb", "what": "refuse" });
    let (status, made) = desk.ask(Method::POST, "/v1/faults", wish).await;
    assert_eq!((status, &made["id"]), (StatusCode::CREATED, &json!(1)));
    assert!(TcpStream::connect(server).await.is_err());
    let (_, on) = desk.ask(Method::GET, "/v1/faults", Value::Null).await;
    assert_eq!(
        on,
        json!([{ "id": 1, "host": "master.test", "service": "puppetdb", "what": "refuse" }])
    );
    let (status, _) = desk.ask(Method::DELETE, "/v1/faults/1", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(TcpStream::connect(server).await.is_ok());
    let (status, _) = desk.ask(Method::DELETE, "/v1/faults/1", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn all_faults_are_lifted_at_once() {
    let desk = Desk::open().await;
    for host in ["master.test", "replica.test"] {
        let wish = json!({ "host": host, "what": { "delay": "5s" } });
        desk.ask(Method::POST, "/v1/faults", wish).await;
    }
    let (status, _) = desk.ask(Method::DELETE, "/v1/faults", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, on) = desk.ask(Method::GET, "/v1/faults", Value::Null).await;
    assert_eq!(on, json!([]));
}

#[tokio::test]
async fn the_journal_is_shown_and_forgotten() {
    let desk = Desk::open().await;
    let path = "/puppet/v3/node/agent.test?environment=production";
    let agent = Client::agent(&desk.lab);
    agent
        .get(desk.lab.master(), Service::PuppetServer, path)
        .await
        .expect("an answer");
    let (_, journal) = desk.ask(Method::GET, "/v1/journal", Value::Null).await;
    let receipt = &journal[0];
    for (key, value) in [
        ("host", json!("master.test")),
        ("service", json!("puppet-server")),
        ("purpose", json!("work")),
        ("method", json!("GET")),
        ("path", json!(path)),
        ("whole", json!(true)),
        ("answered", json!(200)),
        ("certname", json!("agent.test")),
    ] {
        assert_eq!(receipt[key], value, "{key}");
    }
    desk.ask(Method::DELETE, "/v1/journal", Value::Null).await;
    assert!(desk.lab.journal().entries().is_empty());
}

#[tokio::test]
async fn a_replica_is_promoted() {
    let desk = Desk::open().await;
    let wish = json!({ "host": "replica.test" });
    let (status, _) = desk.ask(Method::POST, "/v1/promote", wish).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(desk.lab.replica().role(), Role::Master);
    let (_, place) = desk.ask(Method::GET, "/v1/lab", Value::Null).await;
    assert_eq!(place["hosts"][1]["role"], "master");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let desk = Desk::open().await;
    let ask = |method, path, body| desk.ask(method, path, body);
    let (status, said) = ask(
        Method::POST,
        "/v1/faults",
        json!({ "host": "nobody.test", "what": "refuse" }),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(said["error"], "no host of this lab is called nobody.test");
    let wish = json!({ "host": "master.test", "what": "refuse", "hwo": 1 });
    let (status, said) = ask(Method::POST, "/v1/faults", wish).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        said["error"].as_str().expect("a text").contains("hwo"),
        "{said}"
    );
    let (status, _) = ask(Method::PUT, "/v1/lab", Value::Null).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let (status, said) = ask(Method::GET, "/v1/gremlins", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        said["error"].as_str().expect("a text").contains("journal"),
        "{said}"
    );
}
