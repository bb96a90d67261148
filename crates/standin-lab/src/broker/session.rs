//! One WebSocket connection, from the upgrade to its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame};

use super::hub::{Close, Outgoing};
use super::inventory::{self, Change};
use super::member::Member;
use super::message::Message;
use super::record::PcpEvent;
use super::uri::Uri;
use crate::scene::{Mood, Scene};
use crate::shared::Shared;
use crate::wire::Cut;

/// What is known of a client whose upgrade was answered.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: usize,
    pub(crate) certname: Option<Arc<str>>,
    pub(crate) client_type: String,
    pub(crate) cut: Arc<Cut>,
}

impl Session {
    pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(self, io: S) {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let mut scene = self.shared.subscribe();
        match self.mood(&mut scene) {
            Mood::NotRunning => return self.refuse(&mut socket, Close::NOT_RUNNING).await,
            Mood::Cut => return self.reset().await,
            Mood::Well | Mood::Mute => {}
        }
        let hub = &self.shared.machine(self.host).hub;
        let member = match hub.admit(self.certname.as_deref(), &self.client_type) {
            Ok(admitted) => Member::new(Arc::clone(&self.shared), self.host, admitted),
            Err(close) => return self.refuse(&mut socket, close).await,
        };
        let idle_timeout = hub.state().idle_timeout;
        self.converse(&mut socket, member, &mut scene, idle_timeout)
            .await;
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocketStream<S>,
        mut member: Member,
        scene: &mut watch::Receiver<Arc<Scene>>,
        idle_timeout: Duration,
    ) {
        let mut changes = Batch::default();
        let mut idle_at = later(idle_timeout);
        loop {
            let mood = self.mood(scene);
            let speaks = mood != Mood::Mute;
            if mood == Mood::Cut {
                return self.reset().await;
            }
            let sent = tokio::select! {
                _ = scene.changed() => continue,
                () = at(idle_at), if speaks => return end(socket, member, Close::IDLE).await,
                Some(outgoing) = member.next(), if speaks => match outgoing {
                    Outgoing::Message(message) => socket.send(text(&message)).await,
                    Outgoing::Change(change) => {
                        changes.add(change);
                        continue;
                    }
                    Outgoing::Close(close) => return end(socket, member, close).await,
                    Outgoing::Disconnect => return member.ends(PcpEvent::Superseded),
                },
                () = changes.due(), if speaks => {
                    socket.send(text(&changes.take(member.uri()))).await
                }
                frame = socket.next(), if speaks => match frame {
                    Some(Ok(Frame::Text(_) | Frame::Binary(_))) if mood == Mood::NotRunning => {
                        return end(socket, member, Close::NOT_RUNNING).await;
                    }
                    Some(Ok(Frame::Text(text))) => {
                        member.receive(text.as_str());
                        Ok(())
                    }
                    Some(Ok(Frame::Binary(_))) => {
                        member.receive_malformed();
                        Ok(())
                    }
                    Some(Ok(Frame::Close(_))) => return finish(socket).await,
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => Ok(()),
                    Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                        return end(socket, member, Close::TOO_LARGE).await;
                    }
                    Some(Err(_)) | None => return,
                },
            };
            if let Err(error) = sent {
                tracing::debug!(%error, client = %member.uri(), "a message was not sent");
                return;
            }
            idle_at = later(idle_timeout);
        }
    }

    fn mood(&self, scene: &mut watch::Receiver<Arc<Scene>>) -> Mood {
        scene.borrow_and_update().mood(self.host)
    }

    async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocketStream<S>,
        close: Close,
    ) {
        let name = self.certname.as_deref().unwrap_or_default();
        let event = PcpEvent::Refused {
            code: close.code,
            reason: close.reason,
        };
        let host = &self.shared.machine(self.host).name;
        let client = Uri::new(name, &self.client_type);
        self.shared.journal().record(host, &client, event);
        part(socket, close).await;
    }

    /// Cuts the connection, which ends this future too.
    async fn reset(&self) {
        self.cut.now();
        std::future::pending().await
    }
}

/// Closes an association, which leaves the inventory before the client can know.
async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    member: Member,
    close: Close,
) {
    member.ends(PcpEvent::Closed {
        code: close.code,
        reason: close.reason,
    });
    part(socket, close).await;
}

async fn part<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, close: Close) {
    let frame = CloseFrame {
        code: close.code.into(),
        reason: Utf8Bytes::from_static(close.reason),
    };
    if socket.close(Some(frame)).await.is_ok() {
        finish(socket).await;
    }
}

/// Waits for the client's part of the closing handshake and ends TLS properly.
async fn finish<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) {
    let closing = async {
        while let Some(Ok(_)) = socket.next().await {}
        tokio::io::AsyncWriteExt::shutdown(socket.get_mut()).await
    };
    match timeout(PATIENCE, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotConnected => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended badly"),
        Err(_) => tracing::debug!("a client did not close its side"),
    }
}

/// Changes of the inventory that a subscriber has not been told of.
#[derive(Debug, Default)]
struct Batch {
    changes: Vec<Change>,
    due: Option<Instant>,
}

impl Batch {
    fn add(&mut self, change: Change) {
        self.changes.push(change);
        if self.due.is_none() {
            self.due = later(BATCH);
        }
    }

    async fn due(&self) {
        at(self.due).await;
    }

    fn take(&mut self, subscriber: &Uri) -> Message {
        self.due = None;
        Message::new("http://puppetlabs.com/inventory_update")
            .to(subscriber)
            .data(inventory::update(&std::mem::take(&mut self.changes)))
    }
}

fn text(message: &Message) -> Frame {
    Frame::text(message.to_text())
}

fn later(after: Duration) -> Option<Instant> {
    Instant::now().checked_add(after)
}

/// Waits for that moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// How long the broker collects changes of the inventory.
const BATCH: Duration = Duration::from_secs(1);

/// `pcp-broker.max-message-size`.
const MAX_MESSAGE: usize = 64 << 20;

/// Two thousand clients are a few megabytes.
const BUFFER: usize = 4 << 10;

const PATIENCE: Duration = Duration::from_secs(5);
