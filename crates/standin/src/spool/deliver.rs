//! Delivers the entries of a spool: one after the other, oldest first, and no faster than half of the
//! time.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;

use super::entry::{Entry, EntryError};
use super::error::SpoolError;
use super::fate::{Fate, TRIES_MOST};
use super::kind::Kind;
use super::name::Name;
use super::room::Item;
use super::store::{Holding, Store};
use crate::drive::OwnBudget;
use crate::https::ResponseBody;
use crate::{Client, Error};

/// What came of delivering what a spool holds.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Delivery {
    /// Entries that a server took.
    pub delivered: usize,
    /// Entries that no server will ever take, which are in the directory `set-aside` now.
    pub set_aside: usize,
    /// Entries that were too old and were removed.
    pub outlived: usize,
    /// Entries that are still there.
    pub left: usize,
    /// Why entries were left, if it was for a server.
    pub stops: Vec<Stop>,
    /// Whether another process is delivering, so that this one did nothing.
    pub by: DeliveredBy,
}

/// Who delivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveredBy {
    /// This process.
    #[default]
    This,
    /// Another one that shares the spool, and was at it.
    Another,
}

/// Why entries of a kind wait.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Reports or commands.
    pub kind: Kind,
    /// The reason.
    pub why: StopReason,
}

/// What a server said, or that there was none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StopReason {
    /// Nobody answered.
    Unanswered(Arc<Error>),
    /// A server answered that it does not take it now, or failed at it.
    Answered(StatusCode),
}

/// Delivers the entries of these kinds, until a server fails.
pub(super) async fn round(
    client: &Client,
    store: &Store,
    budget: &OwnBudget,
    kinds: &[Kind],
) -> Result<Delivery, SpoolError> {
    let mut delivery = Delivery::default();
    let Some(holding) = store.hold().await? else {
        delivery.by = DeliveredBy::Another;
        delivery.left = store.items().await?[0].len();
        return Ok(delivery);
    };
    delivery.outlived = holding.expire(client.clock().wall()).await?;
    let (mut last, mut pause) = (None, Duration::ZERO);
    // What is kept while entries are delivered comes last, and is delivered, too.
    loop {
        let mut items = holding.items().await?;
        delivery.left = items.len();
        items.retain(|item| Some(item.name.id) > last);
        let Some(newest) = items.last() else {
            break;
        };
        last = Some(newest.name.id);
        for Item { name, .. } in items {
            let is_stopped = |stop: &Stop| stop.kind == name.kind;
            if delivery.stops.iter().any(is_stopped) || !kinds.contains(&name.kind) {
                continue;
            }
            tokio::time::sleep(pause).await;
            let began = client.clock().now();
            match deliver(client, &holding, budget, name).await? {
                Came::Delivered => delivery.delivered += 1,
                Came::SetAside => delivery.set_aside += 1,
                Came::Stopped(why) => delivery.stops.push(Stop {
                    kind: name.kind,
                    why,
                }),
                Came::Unknown => {}
            }
            pause = client.clock().now().since(began).max(PAUSE_LEAST);
        }
    }
    holding.sync().await?;
    Ok(delivery)
}

/// What came of one entry.
enum Came {
    Delivered,
    SetAside,
    Stopped(StopReason),
    /// Somebody removed it, or it is another release's.
    Unknown,
}

async fn deliver(
    client: &Client,
    holding: &Holding,
    budget: &OwnBudget,
    name: Name,
) -> Result<Came, SpoolError> {
    let (id, kind) = (name.id, name.kind);
    let entry = match holding.read(name).await? {
        None => return Ok(Came::Unknown),
        Some(Ok(file)) => match Entry::decode(&file) {
            Ok(entry) if entry.kind() == kind => entry,
            Ok(entry) => {
                let why = format!("it holds a {} and is called a {kind}", entry.kind());
                return set_aside(holding, name, why).await;
            }
            Err(error @ EntryError::Version { .. }) => {
                tracing::warn!(%id, %kind, %error, "spooled entry is passed over");
                return Ok(Came::Unknown);
            }
            Err(error) => return set_aside(holding, name, story(&error)).await,
        },
        Some(Err(unreadable)) => return set_aside(holding, name, story(&unreadable)).await,
    };
    let mut request = entry.request();
    budget.0.deposit();
    request.extensions_mut().insert(budget.clone());
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return Ok(Came::Stopped(StopReason::Unanswered(Arc::new(error)))),
    };
    let status = response.status();
    let tries = name.tried_again().tries;
    match Fate::of(status) {
        Fate::Delivered => {
            holding.remove(name).await?;
            tracing::debug!(%id, %kind, "spooled entry is delivered");
            text_of(response).await;
            Ok(Came::Delivered)
        }
        Fate::Later => Ok(Came::Stopped(StopReason::Answered(status))),
        Fate::Doubtful if tries < TRIES_MOST => {
            holding.count_try(name).await?;
            Ok(Came::Stopped(StopReason::Answered(status)))
        }
        Fate::Refused | Fate::Doubtful => {
            let said = text_of(response).await;
            let why = format!("a server answered {status}, after {tries} tries\n{said}");
            set_aside(holding, name, why).await
        }
    }
}

async fn set_aside(holding: &Holding, name: Name, why: String) -> Result<Came, SpoolError> {
    let (id, kind) = (name.id, name.kind);
    tracing::warn!(%id, %kind, why, "spooled entry is set aside: nobody will take it");
    holding.set_aside(name, why).await?;
    Ok(Came::SetAside)
}

/// What a server said, as far as it helps somebody. Read to its end it gives the connection back for the
/// next entry.
async fn text_of(response: Response<ResponseBody>) -> String {
    let body = Limited::new(response.into_body(), ANSWER_MOST);
    match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(error) => format!("(its answer was not read: {error})"),
    }
}

/// An error and what lies beneath it, in a line.
pub(crate) fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Between one entry and the next, however fast a server is: at most 50 a second.
const PAUSE_LEAST: Duration = Duration::from_millis(20);
/// Far more than what Puppet's servers say of an error.
const ANSWER_MOST: usize = 64 << 10;
