//! A copy of a request that may have to be kept.

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Limited};
use standin_core::{Repeat, WallTime};

use super::entry::Entry;
use super::error::SpoolError;
use super::kind::Kind;
use crate::rebase::X_PUPPET_VERSION;
use crate::redirect::X_AUTHENTICATION;
use crate::route::{Route, route};
use crate::{Body, Client, ErrorKind};

/// What there is of a request once it was sent.
#[derive(Debug)]
pub(super) struct Copy {
    kind: Kind,
    target: PathAndQuery,
    headers: Vec<(HeaderName, HeaderValue)>,
    credentials: Option<HeaderName>,
    body: Option<Body>,
}

impl Copy {
    /// A copy of a report or command that goes to the servers of the installation and that may arrive
    /// twice. Bodies are counted references, so it costs a few headers.
    pub(super) fn of(client: &Client, request: &Request<Body>) -> Option<Self> {
        let kind = Kind::of(request.method(), request.uri().path())?;
        let shared = client.now();
        let Ok(Route::To(operation)) = route(&shared, request) else {
            return None;
        };
        if operation.repeat == Repeat::Harmful {
            return None;
        }
        let headers = request.headers();
        let is_secret = |name: &&HeaderName| {
            SECRET.contains(name) || headers.get_all(*name).iter().any(HeaderValue::is_sensitive)
        };
        Some(Self {
            kind,
            target: request.uri().path_and_query()?.clone(),
            headers: headers
                .iter()
                .filter(|(name, _)| KEPT.contains(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            credentials: headers.keys().find(is_secret).cloned(),
            body: request.body().try_clone(),
        })
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The entry for it, if it can be kept: a body that was sent in part has to be there still.
    pub(super) async fn entry(self, now: WallTime, most: u64) -> Result<Entry, SpoolError> {
        if let Some(header) = self.credentials {
            return Err(SpoolError::Credentials { header });
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let body = match self.body {
            Some(body) => whole(body, most).await?,
            None => return Err(SpoolError::Body("it is a stream that was not kept".into())),
        };
        Ok(Entry::new(self.kind, self.target, self.headers, now, body))
    }
}

async fn whole(body: Body, most: usize) -> Result<Bytes, SpoolError> {
    let reading = Limited::new(body, most).collect();
    let read = tokio::time::timeout(READ_WITHIN, reading).await;
    let read = read.map_err(|late| SpoolError::Body(late.into()))?;
    let read = read.map_err(SpoolError::Body)?;
    match read.trailers() {
        Some(_) => Err(SpoolError::Body("it has trailers".into())),
        None => Ok(read.to_bytes()),
    }
}

/// Whether a request that ended so is kept: nobody took it, for a reason that may pass without a new
/// request. A lack of trust ends with a renewed certificate or list of revocations, and what is wrong with
/// this machine ends with its network's return. What is not kept is answered elsewhere (`Redirected`), has
/// to be asked anew (`GroupBroken`), or never goes anywhere as things are set.
pub(super) const fn is_to_be_kept(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Redirected
            | ErrorKind::GroupBroken
            | ErrorKind::NotDuringFailover
            | ErrorKind::TwoMasters
            | ErrorKind::NoServers
            | ErrorKind::NoService
    )
}

/// The headers that say how a request is to be read and answered. PuppetDB's terminus sends the last one
/// with a compressed command.
const KEPT: [HeaderName; 6] = [
    ACCEPT,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    USER_AGENT,
    X_PUPPET_VERSION,
    HeaderName::from_static("x-uncompressed-length"),
];

const SECRET: [HeaderName; 4] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, X_AUTHENTICATION];

/// A stream that was not sent is read only now, and its source may be slow.
const READ_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);
