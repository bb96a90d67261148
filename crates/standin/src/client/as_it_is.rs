//! Sends a request to the server that it names itself.

use http::{Request, Response};
use standin_core::{Class, Role, Server, Verdict};
use standin_net::ConnectError;
use standin_net::error::find;

use crate::drive::verdict_of;
use crate::https::ResponseBody;
use crate::shared::Shared;
use crate::transport::{Connection, SendError, Transport};
use crate::{Body, Client, Deadline, Error, ErrorKind, TooLarge};

impl Client {
    /// One attempt at the server that the request names itself.
    pub(super) async fn send_as_it_is(
        &self,
        shared: &Shared,
        server: &Server,
        request: Request<Body>,
    ) -> Result<Response<ResponseBody>, Error> {
        let https = self.ways.to(shared, server);
        send_as_it_is(https, shared, server, request).await
    }
}

/// One attempt at the server that the request names itself, on `transport`.
pub(crate) async fn send_as_it_is<T: Transport>(
    transport: &T,
    shared: &Shared,
    server: &Server,
    mut request: Request<Body>,
) -> Result<Response<T::ResponseBody>, Error> {
    let made = request.body_mut().make();
    made.map_err(|error| Error::because(ErrorKind::Local, error))?;
    let policy = shared.health.policy();
    let usual = policy.deadline.cheap;
    let given = request.extensions().get::<Deadline>();
    let left = given.map_or(usual, |deadline| deadline.left().min(usual));
    let sending = async {
        let connection = match transport.warm(server, policy.connect.fresh) {
            Some(connection) => connection,
            None => transport.connect(server, policy.connect.limit).await?,
        };
        connection.send(request).await.map_err(Failed::Sending)
    };
    match tokio::time::timeout(left, sending).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(failed)) => Err(failed.into()),
        Err(_) => Err(Error::new(ErrorKind::DeadlinePassed, None)),
    }
}

/// What the host of a server is, if the installation has it.
pub(super) fn role_of(shared: &Shared, server: &Server) -> Option<Role> {
    Class::all()
        .filter_map(|class| shared.health.list(class))
        .flat_map(|list| list.entries())
        .find(|entry| entry.server.host() == server.host())
        .map(|entry| entry.role)
}

/// How the one attempt of a request that names its server failed.
enum Failed {
    Connecting(ConnectError),
    Sending(SendError),
}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        Self::Connecting(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Connecting(error) => Self::because(kind_of(error.verdict()), error),
            Failed::Sending(error) => unanswered(error),
        }
    }
}

/// What came of the one sending of a request when no answer did.
pub(crate) fn unanswered(error: SendError) -> Error {
    let kind = match error.unsent {
        Some(_) => ErrorKind::Exhausted,
        None if find::<TooLarge>(error.source.as_ref()).is_some() => ErrorKind::AnswerTooLarge,
        None => kind_of(verdict_of(error.source.as_ref())),
    };
    Error::because(kind, error.source)
}

fn kind_of(verdict: Verdict) -> ErrorKind {
    match verdict {
        Verdict::Untrusted => ErrorKind::Untrusted,
        Verdict::Local => ErrorKind::Local,
        Verdict::Lost(_) => ErrorKind::MaybeProcessed,
        _ => ErrorKind::Exhausted,
    }
}
