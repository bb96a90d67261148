//! What came of a request, and what must come of it.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use standin::verdict::{Loss, Unreached};
use standin::{Attempt, Body, Client, ErrorKind, Served, Verdict};

use crate::server::{Act, Script};
use crate::site::{Errand, MASTER, REPLICA, Site};

pub(crate) const RESET: Verdict = Verdict::Lost(Loss::Reset);
pub(crate) const SILENT: Verdict = Verdict::Lost(Loss::Silent);
pub(crate) const UNSENT: Verdict = Verdict::Unreached(Unreached::Reset);
pub(crate) const PASSED_OVER: Verdict = Verdict::Unreached(Unreached::PassedOver);

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) end: Ending,
    /// The attempts that failed, by host.
    pub(crate) failed: Vec<(String, Verdict)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The host that answered, and the body.
    Answered(String, Bytes),
    /// The host that answered, whose answer broke off.
    Cut(String),
    Failed(ErrorKind),
}

pub(crate) async fn ask(client: &Client, request: Request<Body>) -> Outcome {
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => {
            return Outcome {
                end: Ending::Failed(error.kind()),
                failed: told(error.attempts()),
            };
        }
    };
    let served = response.extensions().get::<Served>().unwrap().clone();
    let host = served.server.host().to_owned();
    Outcome {
        end: match response.into_body().collect().await {
            Ok(body) => Ending::Answered(host, body.to_bytes()),
            Err(_) => Ending::Cut(host),
        },
        failed: told(&served.failed),
    }
}

fn told(attempts: &[Attempt]) -> Vec<(String, Verdict)> {
    let told = |attempt: &Attempt| (attempt.server.host().to_owned(), attempt.verdict);
    attempts.iter().map(told).collect()
}

/// On what kind of connection a request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    New,
    /// One that has served a request just now.
    Warm,
}

impl Connection {
    pub(crate) const BOTH: [Self; 2] = [Self::New, Self::Warm];
}

/// What is known when it failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Nothing of it was sent.
    Unsent,
    /// It was sent, and no whole answer came.
    Sent,
    /// The answer began.
    Head,
    /// All of this answer's body came, or what cannot be told from all.
    Whole(&'static str),
}

/// What must come of a request that fails so at the master, on every connection.
pub(crate) fn expected(errand: Errand, connection: Connection, phase: Phase, act: Act) -> Outcome {
    let well = || Ending::Answered(REPLICA.to_owned(), Bytes::from_static(b"well"));
    let silent = act == Act::FallSilent;
    let (end, failed) = match phase {
        Phase::Unsent if silent => (well(), vec![PASSED_OVER]),
        Phase::Unsent => (well(), vec![UNSENT]),
        Phase::Sent => {
            let lost = if silent { SILENT } else { RESET };
            match (errand, connection) {
                (Errand::Harmful, _) => (Ending::Failed(ErrorKind::MaybeProcessed), vec![lost]),
                // It may have crossed a close, so the same server is asked once more.
                (_, Connection::Warm) if !silent => (well(), vec![lost, lost]),
                _ => (well(), vec![lost]),
            }
        }
        Phase::Head => (Ending::Cut(MASTER.to_owned()), vec![]),
        Phase::Whole(body) => {
            let body = Bytes::from_static(body.as_bytes());
            (Ending::Answered(MASTER.to_owned(), body), vec![])
        }
    };
    let at_master = |verdict| (MASTER.to_owned(), verdict);
    Outcome {
        end,
        failed: failed.into_iter().map(at_master).collect(),
    }
}

/// Sends a request to a master that plays this, and tells what came of it and what must.
pub(crate) async fn play(
    site: &Site,
    script: Script,
    errand: Errand,
    connection: Connection,
    request: Request<Body>,
) -> Outcome {
    let warm = usize::from(connection == Connection::Warm);
    site.plays(move |number| match script.act {
        // A server that falls silent does so towards everybody.
        Act::FallSilent if number > 0 => Script::SILENT,
        _ => Script {
            well: if number == 0 { warm } else { 0 },
            ..script
        },
    });
    let client = site.client();
    if connection == Connection::Warm {
        let warmed = ask(&client, Errand::Read.request()).await;
        assert!(warmed.failed.is_empty(), "{warmed:?}");
    }
    let outcome = ask(&client, request).await;
    let context = || format!("{script:?} {errand:?} {connection:?}: {outcome:?}");
    if errand == Errand::Harmful && outcome.end == Ending::Failed(ErrorKind::MaybeProcessed) {
        assert_eq!(site.replica.heard(), 0, "{}", context());
    }
    let whole = site.master.got().len() + site.replica.got().len();
    let sendings = outcome.failed.len() + usize::from(!matches!(outcome.end, Ending::Failed(_)));
    assert!(whole <= sendings, "somebody repeats unasked: {}", context());
    outcome
}
