//! A visit to a server: is it there, is it trusted, until when, and what is its time?

use std::error::Error;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{DATE, HOST};
use http::{HeaderMap, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use standin::Server;
use standin::config::check::{Outcome, Visit};
use standin_net::trust::Trouble;
use standin_net::{Connector, TrustFailure, inspect};

use super::facts::now;
use crate::failure::chain;

/// Connects, and asks for the status, of which nothing but the time is read.
pub(super) async fn visit(server: Server, connector: &Connector) -> Visit {
    let outcome = match tokio::time::timeout(LONGEST_ANSWER, call(&server, connector)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => failed(error.as_ref()),
        Err(_) => Outcome::NotReached(format!(
            "no answer came within {} seconds",
            LONGEST_ANSWER.as_secs()
        )),
    };
    Visit { server, outcome }
}

async fn call(
    server: &Server,
    connector: &Connector,
) -> Result<Outcome, Box<dyn Error + Send + Sync>> {
    let stream = connector.connect(server, LONGEST_CONNECT).await?;
    let not_after = inspect::shown(&stream).map(|certificate| certificate.not_after);
    let (mut sender, connection) = http1::handshake(stream).await?;
    let request = Request::get("/status/v1/simple")
        .header(HOST, server.authority())
        .body(Empty::<Bytes>::new())?;
    let talk = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    let at = now();
    talk.abort();
    Ok(Outcome::Answered {
        not_after,
        date: date(answer?.headers()),
        at,
    })
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

fn failed(error: &(dyn Error + 'static)) -> Outcome {
    match TrustFailure::find(error) {
        Some(failure) if failure.trouble() == Trouble::WrongName => {
            let names = match failure.names_found().as_slice() {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            Outcome::OtherName(format!("it is for {names}"))
        }
        Some(failure) => Outcome::NotTrusted(failure.to_string()),
        None => Outcome::NotReached(chain(error)),
    }
}

/// Just above the second retransmission of a SYN, as the policy's own limit.
const LONGEST_CONNECT: Duration = Duration::from_millis(3100);

/// For connecting and the answer together.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
