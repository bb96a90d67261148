//! An association: messages both ways, until it ends.

use std::fmt;

use futures_util::{FutureExt, SinkExt, StreamExt};
use standin_core::Server;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::upgrade::{Socket, cause};
use crate::{Attempt, Ended};

/// An agent's association with a broker. Dropping it closes the connection.
pub struct Association {
    server: Server,
    socket: Socket,
    failed: Vec<Attempt>,
}

impl Association {
    pub(crate) const fn new(server: Server, socket: Socket, failed: Vec<Attempt>) -> Self {
        Self {
            server,
            socket,
            failed,
        }
    }

    /// The broker.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The attempts that failed before, in order; empty when the first succeeded.
    #[must_use]
    pub fn failed(&self) -> &[Attempt] {
        &self.failed
    }

    /// The next message. It waits for it without a limit, and meanwhile answers the broker's pings,
    /// so it should be awaited whenever nothing else is done.
    ///
    /// A message is at most 64 MiB, pxp-agent's `max-message-size`; a larger one ends the
    /// association.
    ///
    /// # Errors
    /// When the association has ended. It stays so.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<String, Ended> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Err(self.closed(frame)),
                Some(Ok(Message::Binary(_))) => {
                    let server = self.server.clone();
                    return Err(Ended::Binary { server });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(self.broke(error)),
                None => return Err(self.broke(tungstenite::Error::AlreadyClosed)),
            }
        }
    }

    /// Sends a message. It waits, without a limit, until the kernel has taken it: that a broker got
    /// it only an answer shows.
    ///
    /// # Errors
    /// When the association has ended.
    ///
    /// # Cancel safety
    /// A message whose future was dropped may be sent later, with the next one, or never; it is
    /// never sent in part.
    pub async fn send(&mut self, text: impl Into<String>) -> Result<(), Ended> {
        let message = Message::text(text.into());
        let sent = self.socket.send(message).await;
        sent.map_err(|error| self.broke(error))
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> Ended {
        // The answer to the close goes out if it can at once; nobody waits for it.
        let _ = self.socket.flush().now_or_never();
        let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
            (frame.code.into(), frame.reason.as_str().to_owned())
        });
        Ended::Closed {
            server: self.server.clone(),
            code,
            reason,
        }
    }

    fn broke(&self, error: tungstenite::Error) -> Ended {
        Ended::Broke {
            server: self.server.clone(),
            source: cause(error),
        }
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("server", &self.server)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// RFC 6455, 7.1.5: the code of a close frame without one.
const NO_STATUS: u16 = 1005;
