//! The seam between deciding and doing: how a request reaches one server.

use std::future::Future;
use std::time::Duration;

use http::{Request, Response};
use standin_core::Server;

pub use standin_net::ConnectError;

use crate::Body;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Reaches one server at a time. Which one, and in which order, is not its business.
///
/// A client that takes a whole request cannot connect first, so connecting and sending are apart:
/// connections may be raced, and only then is the request committed to one of them.
///
/// [`FailoverLayer::over`](crate::FailoverLayer::over) makes a client of one.
pub trait Transport: Clone + Send + Sync + 'static {
    /// The body of responses.
    type ResponseBody: Send + 'static;
    /// A connection that carries one request.
    type Connection: Connection<ResponseBody = Self::ResponseBody>;

    /// Whether a request that was not sent comes back with the error. Where it does not, it is
    /// copied before it is handed over.
    const GIVES_BACK: GivesBack;

    /// A connection to `server` that stands already and has been idle for at most `idle`.
    ///
    /// Called first for each attempt; it must not wait.
    fn warm(&self, server: &Server, idle: Duration) -> Option<Self::Connection>;

    /// A new connection to `server`, made within `limit`.
    ///
    /// It may be polled beside others, and finished when nobody needs it any more.
    fn connect(
        &self,
        server: &Server,
        limit: Duration,
    ) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send + 'static;

    /// Keeps a connection that was made and not used. By default it is dropped.
    fn keep(&self, server: &Server, connection: Self::Connection) {
        let _ = (server, connection);
    }

    /// Does away with the body of a response that nobody reads: to its end, if its connection can then
    /// be used again. By default it is dropped.
    fn drain(&self, body: Self::ResponseBody) -> impl Future<Output = ()> + Send + 'static {
        drop(body);
        std::future::ready(())
    }
}

/// Whether a transport hands an unsent request back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivesBack {
    /// It does, in [`SendError::unsent`].
    Unsent,
    /// It keeps what it is given.
    Nothing,
}

/// A connection to one server that carries one request.
pub trait Connection: Send + 'static {
    /// The body of the response.
    type ResponseBody;

    /// Sends the request and waits for the head of the response. Without a limit: that is set
    /// around it.
    ///
    /// Dropping the future abandons the request, which the server may have got.
    fn send(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Self::ResponseBody>, SendError>> + Send;
}

/// No response came.
#[derive(Debug)]
pub struct SendError {
    /// The request, if no part of it was sent.
    pub unsent: Option<Box<Request<Body>>>,
    /// What happened.
    pub source: BoxError,
}
