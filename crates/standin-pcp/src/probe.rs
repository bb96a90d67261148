//! Asks a broker whether it is well, without an association.

use std::sync::Arc;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use standin_core::health::{Alone, Health, Probe, Probed};
use standin_core::verdict::{Loss, Processed};
use standin_core::{Server, Verdict};
use standin_net::Stream;

use crate::shared::{CLASS, Shared};

/// Asks with a plain GET of the path that associations are asked for at. A broker that is cut off from
/// its controllers stops its handlers and answers with a server error; one that is well says that this
/// is no WebSocket, or ends the connection. Neither counts the client as connected.
pub(crate) async fn ask(shared: Arc<Shared>, health: &Health, probe: &Probe) -> Probed {
    let now = shared.clock.now();
    let limit = health.connect_limit(CLASS, probe.place(), Alone::No, now);
    let Some(entry) = health.entry(CLASS, probe.place()) else {
        return Probed::Dropped;
    };
    let server = &entry.server;
    let stream = match shared.connector.connect(server, limit).await {
        Ok(stream) => stream,
        Err(error) => return Probed::Bad(error.verdict()),
    };
    let asked = tokio::time::timeout(limit, get(&shared, server, stream)).await;
    match asked {
        Ok(Some(status)) if status.is_server_error() => {
            Probed::Bad(Verdict::NotReady(Processed::No))
        }
        Ok(_) => Probed::Good,
        Err(_) => Probed::Bad(Verdict::Lost(Loss::TimedOut)),
    }
}

/// The status; `None` when the broker ended the connection instead.
async fn get(shared: &Shared, server: &Server, stream: Stream) -> Option<StatusCode> {
    let (mut send, connection) = http1::handshake(stream).await.ok()?;
    let request = Request::get(shared.uri(server).path())
        .header(HOST, server.authority())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        response = send.send_request(request) => Some(response.ok()?.status()),
        _ = &mut connection => None,
    }
}
