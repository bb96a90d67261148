//! A PCP client that hides nothing: WebSocket over the plain TLS client, JSON as it comes.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::Response;
use serde_json::{Value, json};
use standin_lab::{Host, Lab, Service};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{Client, LONG};

pub(crate) const AGENT: &str = "pcp://agent.test/agent";

pub(crate) struct PcpClient {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl PcpClient {
    /// The agent, connected.
    pub(crate) async fn agent(lab: &Lab, host: &Host) -> Self {
        Self::connect(&Client::agent(lab), host, "/pcp2/agent").await
    }

    pub(crate) async fn connect(client: &Client, host: &Host, path: &str) -> Self {
        Self::try_connect(client, host, path)
            .await
            .expect("an upgrade")
    }

    /// Connected, or what the upgrade failed with.
    pub(crate) async fn try_connect(
        client: &Client,
        host: &Host,
        path: &str,
    ) -> Result<Self, Error> {
        let tls = client.tls(host, Service::PcpBroker).await.expect("TLS");
        let uri = format!("wss://{}:8142{path}", host.name());
        let request = uri.into_client_request()?;
        let (socket, _) = client_async(request, tls).await?;
        Ok(Self { socket })
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    pub(crate) async fn send_binary(&mut self, bytes: String) {
        let bytes = Bytes::from(bytes);
        self.socket
            .send(Message::Binary(bytes))
            .await
            .expect("sent");
    }

    /// Announces a text message of so many bytes, and sends nothing of it.
    pub(crate) async fn announce(&mut self, bytes: u64) {
        let mut head = vec![0x81, 0xff];
        head.extend_from_slice(&bytes.to_be_bytes());
        head.extend_from_slice(&[0; 4]);
        let tls = self.socket.get_mut();
        tls.write_all(&head).await.expect("sent");
        tls.flush().await.expect("sent");
    }

    /// The next message, which must be there soon.
    pub(crate) async fn message(&mut self) -> Value {
        match self.frame().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(text.as_str()).expect("JSON"),
            other => panic!("no message but {other:?}"),
        }
    }

    /// The payload of the pong to a ping with that payload.
    pub(crate) async fn ping(&mut self, payload: &'static str) -> Bytes {
        let ping = Message::Ping(Bytes::from_static(payload.as_bytes()));
        self.socket.send(ping).await.expect("sent");
        match self.frame().await {
            Some(Ok(Message::Pong(payload))) => payload,
            other => panic!("no pong but {other:?}"),
        }
    }

    /// The code and the reason with which the broker closed.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.frame().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                (frame.code.into(), frame.reason.as_str().to_owned())
            }
            other => panic!("not closed but {other:?}"),
        }
    }

    /// Whatever comes next.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        timeout(LONG, self.socket.next()).await.expect("something")
    }

    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.expect("closed");
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// A message of that type, from nobody and for nobody.
pub(crate) fn envelope(message_type: &str) -> Value {
    let id = format!("00000000-0000-4000-8000-{:012x}", fastrand::u64(..1 << 48));
    json!({"id": id, "message_type": message_type})
}

pub(crate) fn is_uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|id| id.len() == 36)
}

/// The answer that was given instead of an upgrade.
pub(crate) fn refusal(result: Result<PcpClient, Error>) -> Response<Option<Vec<u8>>> {
    match result {
        Err(Error::Http(response)) => *response,
        Err(error) => panic!("no answer but {error:?}"),
        Ok(_) => panic!("upgraded"),
    }
}
