//! How a broker rids itself of clients: codes, reasons, and whether it takes others.

use std::time::Duration;

use standin_lab::Service::{Orchestrator, PcpBroker, PuppetServer};
use standin_lab::{CertSpec, Fault, Host, HostSpec, Lab, PcpEvent, Role, State, Target};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::pcp::{AGENT, PcpClient, refusal};
use crate::support::{Client, LONG, Names, lab, soon};

#[tokio::test]
async fn a_client_without_a_certificate_is_closed_with_4003() {
    let lab = lab().await;
    let client = Client::anonymous(&lab, Names::Ignored);
    let mut client = PcpClient::connect(&client, lab.master(), "/pcp2/agent").await;
    assert_eq!(client.closed().await, close(4003, "No client certificate."));
    let refused = PcpEvent::Refused {
        code: 4003,
        reason: "No client certificate.",
    };
    assert_eq!(lab.journal().pcp()[0].event, refused);
}

#[tokio::test]
async fn a_client_that_is_not_authorized_is_closed_with_4002() {
    let lab = lab().await;
    let broker = lab.master().broker();
    broker.deny("agent.test");
    let unsuccessful = close(4002, "Association unsuccessful.");
    assert_eq!(
        PcpClient::agent(&lab, lab.master()).await.closed().await,
        unsuccessful
    );
    broker.allow("agent.test");
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    let client = Client::agent(&lab);
    let mut server = PcpClient::connect(&client, lab.master(), "/pcp2/server").await;
    assert_eq!(server.closed().await, unsuccessful);
}

#[tokio::test]
async fn beyond_the_limit_clients_are_closed_with_1011() {
    let lab = lab().await;
    let broker = lab.master().broker();
    broker.set_connection_limit(Some(1));
    let first = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    let exceeded = close(1011, "Connection limit exceeded.");
    assert_eq!(other(&lab, lab.master()).await.closed().await, exceeded);
    assert!(broker.controller("c.test").is_err());
    first.close().await;
    broker.wait_for(<[String]>::is_empty).await;
    let _other = other(&lab, lab.master()).await;
    broker.associated("pcp://other.test/agent").await;
}

#[tokio::test]
async fn the_newer_connection_of_a_uri_wins_and_the_older_gets_no_close_frame() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut old = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    let mut new = PcpClient::agent(&lab, lab.master()).await;
    match old.frame().await {
        Some(Err(Error::Io(_) | Error::Protocol(_))) | None => {}
        other => panic!("{other:?}"),
    }
    lab.journal()
        .wait_for_pcp(|receipt| receipt.event == PcpEvent::Superseded)
        .await;
    assert_eq!(broker.associations(), [AGENT]);
    let controller = broker.controller("c.test").unwrap();
    controller.send(AGENT, "test/ask", serde_json::json!(1));
    assert_eq!(new.message().await["data"], 1);
}

#[tokio::test]
async fn a_broker_that_is_starting_closes_new_clients_and_old_ones_at_their_next_message() {
    let lab = lab().await;
    let mut old = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
    let not_running = close(1011, "Broker is not running.");
    let fault = fault(&lab, Fault::NotReady(State::Starting)).await;
    assert_eq!(other(&lab, lab.master()).await.closed().await, not_running);
    assert_eq!(lab.master().broker().associations(), [AGENT]);
    assert_eq!(
        status(&lab, lab.master()).await,
        (503, "starting".to_owned())
    );
    old.send_text("{}").await;
    assert_eq!(old.closed().await, not_running);
    fault.lift().await;
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
}

#[tokio::test]
async fn without_controllers_newcomers_are_closed_and_those_there_stay_for_the_grace_period() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    assert_eq!(
        status(&lab, lab.master()).await,
        (200, "running".to_owned())
    );
    broker.lose_controllers();
    let disconnected = close(1011, "All controllers disconnected.");
    assert_eq!(other(&lab, lab.master()).await.closed().await, disconnected);
    assert_eq!(status(&lab, lab.master()).await, (503, "error".to_owned()));
    assert_eq!(agent.ping("there").await, "there");
}

#[tokio::test]
async fn clients_are_evicted_after_the_grace_period_and_taken_again_when_a_controller_is_back() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    let grace = Duration::from_millis(300);
    broker.set_grace_period(grace);
    let begun = Instant::now();
    broker.lose_controllers();
    let disconnected = close(1011, "All controllers disconnected.");
    assert_eq!(agent.closed().await, disconnected);
    assert!(begun.elapsed() >= grace);

    let refused = PcpClient::try_connect(&Client::agent(&lab), lab.master(), "/pcp2/agent").await;
    assert_eq!(refusal(refused).status(), 404);
    broker.restore_controllers();
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    assert_eq!(status(&lab, lab.master()).await.0, 200);
}

#[tokio::test]
async fn nobody_is_evicted_when_a_controller_returns_in_time() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    broker.associated(AGENT).await;
    broker.set_grace_period(Duration::from_millis(100));
    broker.lose_controllers();
    broker.restore_controllers();
    assert!(soon(agent.frame()).await.is_none());
    assert_eq!(agent.ping("there").await, "there");
}

#[tokio::test]
async fn an_evicting_broker_closes_everybody_at_once() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let mut second = other(&lab, lab.master()).await;
    broker.wait_for(|uris| uris.len() == 2).await;
    broker.evict();
    let disconnected = close(1011, "All controllers disconnected.");
    assert_eq!(agent.closed().await, disconnected);
    assert_eq!(second.closed().await, disconnected);
    broker.wait_for(<[String]>::is_empty).await;
}

#[tokio::test]
async fn with_its_handlers_stopped_a_broker_keeps_those_it_has() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    broker.stop_handlers();
    let client = Client::agent(&lab);
    let refused = PcpClient::try_connect(&client, lab.master(), "/pcp2/agent").await;
    assert_eq!(refusal(refused).status(), 404);
    assert_eq!(agent.ping("there").await, "there");
    broker.start_handlers();
    let _other = other(&lab, lab.master()).await;
    broker.wait_for(|uris| uris.len() == 2).await;
}

#[tokio::test]
async fn a_reloaded_crl_closes_clients_one_after_the_other_and_not_those_who_come_then() {
    let lab = lab().await;
    let broker = lab.master().broker();
    let mut clients = Vec::new();
    for number in 0..5 {
        clients.push(named(&lab, lab.master(), &format!("a{number}.test")).await);
    }
    broker.wait_for(|uris| uris.len() == 5).await;
    let begun = Instant::now();
    broker.reload_crl().await;
    assert!(begun.elapsed() >= Duration::from_millis(150));
    for client in &mut clients {
        assert_eq!(client.closed().await, close(1012, "CRL reloaded"));
    }
    broker.wait_for(<[String]>::is_empty).await;
    let mut after = named(&lab, lab.master(), "a0.test").await;
    assert_eq!(after.ping("there").await, "there");
}

#[tokio::test]
async fn an_idle_client_is_closed_with_1001_and_one_that_pings_is_not() {
    let lab = lab().await;
    let broker = lab.master().broker();
    broker.set_idle_timeout(Duration::from_millis(1500));
    let mut busy = PcpClient::agent(&lab, lab.master()).await;
    let mut idle = other(&lab, lab.master()).await;
    let idles = idle.closed();
    tokio::pin!(idles);
    let closed = loop {
        busy.ping("there").await;
        if let Ok(closed) = timeout(Duration::from_millis(100), &mut idles).await {
            break closed;
        }
    };
    assert_eq!(closed, close(1001, "Connection Idle Timeout"));
    assert_eq!(broker.associations(), [AGENT]);
}

#[tokio::test]
async fn a_message_beyond_64_mib_is_closed_with_1009() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    agent.announce((64 << 20) + 1).await;
    let too_large = close(1009, "Text message too large");
    assert_eq!(agent.closed().await, too_large);
}

#[tokio::test]
async fn a_broker_that_is_told_to_says_503_to_upgrades() {
    let lab = lab().await;
    let client = Client::agent(&lab);
    let _fault = fault(
        &lab,
        Fault::Unavailable {
            retry_after: Some(7),
        },
    )
    .await;
    let refused = PcpClient::try_connect(&client, lab.master(), "/pcp2/agent").await;
    let refused = refusal(refused);
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "7");
}

#[tokio::test]
async fn a_mute_broker_answers_the_upgrade_and_nothing_else_until_it_is_well() {
    let lab = lab().await;
    let fault = fault(&lab, Fault::WorkSilent).await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
    assert!(soon(agent.ping("there")).await.is_none());
    lab.master().broker().evict();
    assert!(soon(agent.frame()).await.is_none());
    fault.lift().await;
    let frames = [agent.frame().await, agent.frame().await];
    let is_close =
        |frame: &Option<Result<Message, _>>| matches!(frame, Some(Ok(Message::Close(_))));
    assert!(
        frames.iter().any(is_close) || is_close(&agent.frame().await),
        "{frames:?}"
    );
}

#[tokio::test]
async fn silence_after_tls_leaves_the_upgrade_without_an_answer() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let fault = fault(&lab, Fault::SilentAfterTls).await;
    assert!(soon(other(&lab, lab.master())).await.is_none());
    assert!(soon(agent.ping("there")).await.is_none());
    fault.lift().await;
    agent.frame().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_is_cut_after_the_upgrade_gets_no_close_frame() {
    let lab = lab().await;
    let _fault = fault(&lab, Fault::ResetBody { after: 0 }).await;
    let client = Client::agent(&lab);
    match PcpClient::try_connect(&client, lab.master(), "/pcp2/agent").await {
        Ok(mut client) => assert!(!matches!(client.frame().await, Some(Ok(_)))),
        Err(Error::Io(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
    assert!(lab.master().broker().associations().is_empty());
}

#[tokio::test]
async fn refusal_ends_associations() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
    let fault = fault(&lab, Fault::Refuse).await;
    assert!(matches!(agent.frame().await, Some(Err(_)) | None));
    assert!(lab.master().broker().associations().is_empty());
    fault.lift().await;
    let _agent = PcpClient::agent(&lab, lab.master()).await;
    lab.master().broker().associated(AGENT).await;
}

#[tokio::test]
async fn a_frozen_host_takes_connections_and_answers_nothing() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let fault = fault(&lab, Fault::Silent).await;
    assert!(soon(agent.ping("there")).await.is_none());
    let tls = Client::agent(&lab);
    assert!(soon(tls.tls(lab.master(), PcpBroker)).await.is_none());
    fault.lift().await;
    agent.frame().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_host_that_hangs_up_takes_and_closes() {
    let lab = lab().await;
    let mut agent = PcpClient::agent(&lab, lab.master()).await;
    let fault = fault(&lab, Fault::HangUp).await;
    let tls = Client::agent(&lab);
    let hung_up = timeout(LONG, tls.tls(lab.master(), PcpBroker));
    assert!(hung_up.await.expect("an end").is_err());
    assert_eq!(agent.ping("there").await, "there");
    fault.lift().await;
    other(&lab, lab.master()).await;
}

#[tokio::test]
async fn the_status_is_where_the_process_of_the_broker_has_it() {
    let pool = [
        HostSpec::master("master.test"),
        HostSpec::replica("replica.test"),
        HostSpec::pool("compile.test"),
    ];
    let lab = Lab::builder().hosts(pool).start().await.unwrap();
    let compile = &lab.hosts()[2];
    assert_eq!(compile.role(), Role::Pool);
    let client = Client::agent(&lab);
    let simple = |host, service| client.simple(host, service, "broker-service");
    assert_eq!(simple(lab.master(), Orchestrator).await.0, 200);
    assert_eq!(simple(lab.master(), PuppetServer).await.0, 404);
    assert_eq!(simple(lab.replica(), PuppetServer).await.0, 404);
    assert_eq!(
        simple(compile, PuppetServer).await,
        (200, "running".to_owned())
    );
    // It takes the whole compile master along, as a load balancer sees it.
    compile.broker().evict();
    let all = client
        .get(compile, PuppetServer, "/status/v1/simple")
        .await
        .unwrap();
    assert_eq!((all.status.as_u16(), all.text()), (503, "error".to_owned()));
    assert_eq!(client.simple(compile, PuppetServer, "server").await.0, 200);
}

async fn fault(lab: &Lab, fault: Fault) -> standin_lab::FaultGuard {
    let target = Target::Service("master.test", PcpBroker);
    lab.fault(target, fault).await.expect("a fault")
}

async fn status(lab: &Lab, host: &Host) -> (u16, String) {
    let client = Client::agent(lab);
    client.simple(host, Orchestrator, "broker-service").await
}

async fn other(lab: &Lab, host: &Host) -> PcpClient {
    named(lab, host, "other.test").await
}

async fn named(lab: &Lab, host: &Host, certname: &str) -> PcpClient {
    let certificate = lab
        .certificate(&CertSpec::new(certname))
        .expect("a certificate");
    let client = Client::with(lab, &certificate);
    PcpClient::connect(&client, host, "/pcp2/agent").await
}

fn close(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}
