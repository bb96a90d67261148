//! A WebSocket to a broker: messages, pings and a farewell, one at a time each way.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use standin_core::Moment;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Bytes, Message as Frame, Utf8Bytes};

use crate::Ended;
use crate::candidate::Candidate;
use crate::upgrade::{Socket, cause};

/// A WebSocket to a broker. Dropping it closes the connection without a farewell.
pub(crate) struct Link {
    pub(crate) number: u64,
    pub(crate) broker: Candidate,
    pub(crate) since: Moment,
    socket: Socket,
    out: Out,
    /// The number of the last message that was begun to be written.
    written: u64,
    ping: Ping,
    parting: Parting,
}

/// Something happened on a link.
#[derive(Debug)]
pub(crate) enum Happened {
    /// A message came.
    Text(Utf8Bytes),
    /// An answer to a ping came: the broker has everything up to the message with this number.
    Pong(u64),
    /// Something else came.
    Traffic,
    /// A message was written.
    Wrote,
    /// A ping was written.
    Pinged,
    /// It is over.
    Ended(Ended),
}

/// Whether what comes is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Yes,
    No,
}

/// Whether the broker has confirmed all that was written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    All,
    NotYet,
}

/// What is being written.
enum Out {
    Nothing,
    Begun(Frame, What),
    Flushing(What),
}

#[derive(Clone, Copy)]
enum What {
    Message,
    Ping,
    Farewell,
}

#[derive(PartialEq, Eq)]
enum Ping {
    NotWanted,
    Wanted,
}

/// How far a connection is left.
#[derive(PartialEq, Eq)]
enum Parting {
    No,
    /// A ping is to confirm all that was written.
    Confirming,
    /// The farewell is being said.
    Said,
}

impl Link {
    pub(crate) const fn new(number: u64, broker: Candidate, socket: Socket, now: Moment) -> Self {
        Self {
            number,
            broker,
            since: now,
            socket,
            out: Out::Nothing,
            written: 0,
            ping: Ping::NotWanted,
            parting: Parting::No,
        }
    }

    /// A ping is to be written as soon as nothing else is.
    pub(crate) fn want_ping(&mut self) {
        self.ping = Ping::Wanted;
        self.begin_ping();
    }

    /// Whether a message may be begun.
    pub(crate) fn may_write(&mut self) -> bool {
        self.begin_ping();
        matches!(self.out, Out::Nothing)
    }

    /// Begins to write a message.
    pub(crate) fn write(&mut self, number: u64, text: Utf8Bytes) {
        self.written = number;
        self.out = Out::Begun(Frame::Text(text), What::Message);
    }

    /// Leaves in good order: once what was written is confirmed, or nothing was, it says farewell; the
    /// broker closes then, and that is the end.
    pub(crate) fn leave(&mut self, written: Confirmed) {
        match (&self.parting, written) {
            (Parting::Said | Parting::Confirming, Confirmed::NotYet) => {}
            (Parting::Said, Confirmed::All) => {}
            (Parting::No, Confirmed::NotYet) => {
                self.parting = Parting::Confirming;
                self.want_ping();
            }
            (_, Confirmed::All) => {
                if self.may_write() {
                    self.parting = Parting::Said;
                    let frame = CloseFrame {
                        code: CloseCode::Normal,
                        reason: Utf8Bytes::from_static(""),
                    };
                    self.out = Out::Begun(Frame::Close(Some(frame)), What::Farewell);
                }
            }
        }
    }

    /// Writes and reads until something happens. It keeps what it began when it is not polled again.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, read: Read) -> Poll<Happened> {
        if let Some(happened) = self.poll_write(context) {
            return Poll::Ready(happened);
        }
        if read == Read::No {
            return Poll::Pending;
        }
        let Poll::Ready(read) = Pin::new(&mut self.socket).poll_next(context) else {
            return Poll::Pending;
        };
        Poll::Ready(match read {
            Some(Ok(Frame::Text(text))) => Happened::Text(text),
            Some(Ok(Frame::Pong(payload))) => match <[u8; 8]>::try_from(&*payload) {
                Ok(number) => Happened::Pong(u64::from_be_bytes(number)),
                Err(_) => Happened::Traffic,
            },
            Some(Ok(Frame::Ping(_) | Frame::Frame(_))) => Happened::Traffic,
            Some(Ok(Frame::Binary(_))) => Happened::Ended(Ended::Binary {
                server: self.broker.server.clone(),
            }),
            Some(Ok(Frame::Close(frame))) => Happened::Ended(self.closed(context, frame)),
            Some(Err(error)) => Happened::Ended(self.broke(error)),
            None => Happened::Ended(self.broke(tungstenite::Error::AlreadyClosed)),
        })
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Option<Happened> {
        loop {
            self.begin_ping();
            let mut socket = Pin::new(&mut self.socket);
            let what = match &self.out {
                Out::Nothing => return None,
                Out::Begun(_, what) => match socket.as_mut().poll_ready(context) {
                    Poll::Pending => return None,
                    Poll::Ready(Err(error)) => return Some(Happened::Ended(self.broke(error))),
                    Poll::Ready(Ok(())) => {
                        let next = Out::Flushing(*what);
                        let Out::Begun(frame, _) = std::mem::replace(&mut self.out, next) else {
                            return None;
                        };
                        if let Err(error) = socket.start_send(frame) {
                            return Some(Happened::Ended(self.broke(error)));
                        }
                        continue;
                    }
                },
                Out::Flushing(what) => *what,
            };
            match socket.poll_flush(context) {
                Poll::Pending => return None,
                Poll::Ready(Err(error)) => return Some(Happened::Ended(self.broke(error))),
                Poll::Ready(Ok(())) => self.out = Out::Nothing,
            }
            match what {
                What::Message => return Some(Happened::Wrote),
                What::Ping => return Some(Happened::Pinged),
                What::Farewell => {}
            }
        }
    }

    fn begin_ping(&mut self) {
        if self.ping == Ping::Wanted && matches!(self.out, Out::Nothing) {
            self.ping = Ping::NotWanted;
            let covers = Bytes::copy_from_slice(&self.written.to_be_bytes());
            self.out = Out::Begun(Frame::Ping(covers), What::Ping);
        }
    }

    fn closed(&mut self, context: &mut Context<'_>, frame: Option<CloseFrame>) -> Ended {
        // The answer to the close goes out if it can at once; nobody waits for it.
        let _ = Pin::new(&mut self.socket).poll_flush(context);
        let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
            (frame.code.into(), frame.reason.as_str().to_owned())
        });
        Ended::Closed {
            server: self.broker.server.clone(),
            code,
            reason,
        }
    }

    fn broke(&self, error: tungstenite::Error) -> Ended {
        Ended::Broke {
            server: self.broker.server.clone(),
            source: cause(error),
        }
    }
}

/// RFC 6455, 7.1.5: the code of a close frame without one.
const NO_STATUS: u16 = 1005;
