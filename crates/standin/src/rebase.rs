//! Points a request at one server.

use std::time::Duration;

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use standin_core::{Operation, Repeat, Server, Service};

use crate::redirect;
use crate::transport::GivesBack;
use crate::{Body, Error, ErrorKind, RequestBodyError};

/// Puppet Server sheds load only from clients that name a version of at least 5.3.1 here; others
/// queue.
pub(crate) const X_PUPPET_VERSION: HeaderName = HeaderName::from_static("x-puppet-version");

/// What there is of a request to hand over.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The request itself, boxed since it is moved about more often than it is here.
    whole: Option<Box<Request<Body>>>,
    /// For sending it once more, if it may be.
    kept: Option<Kept>,
    again: Again,
}

/// When what was kept may be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Freely,
    /// Once for each answer which says that it was not processed.
    IfDeclined,
    /// There was such an answer.
    Declined,
}

/// What it takes to make a request once more: all but the address. The headers are a plain list,
/// which costs half as much to make and drop as a map, and most are never needed.
#[derive(Debug)]
struct Kept {
    method: Method,
    path: Option<PathAndQuery>,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
    body: Body,
}

/// How a server is written in requests to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    authority: Authority,
    host: HeaderValue,
}

impl Target {
    pub(crate) fn of(server: &Server) -> Result<Self, Error> {
        let invalid = |error: http::Error| Error::because(ErrorKind::NoService, error);
        Ok(Self {
            authority: Authority::try_from(server.authority()).map_err(|e| invalid(e.into()))?,
            host: HeaderValue::try_from(server.authority()).map_err(|e| invalid(e.into()))?,
        })
    }

    /// Addresses a request to this server.
    pub(crate) fn address(&self, request: &mut Request<Body>) {
        let uri = request.uri();
        let named = uri.authority().map(Authority::as_str);
        if named != Some(self.authority.as_str()) || uri.scheme() != Some(&Scheme::HTTPS) {
            let path = uri.path_and_query().cloned();
            *request.uri_mut() = self.uri(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        let headers = request.headers_mut();
        if names(headers, &HOST) {
            headers.insert(HOST, self.host.clone());
        }
    }

    pub(crate) fn uri(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // Scheme, authority and path are all there, so no combination of them is refused.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl Prepared {
    /// Completes a request and keeps a copy of it if there may be need for one; `None` when that is
    /// not to be had.
    ///
    /// The request stays with the caller, who may send it at once.
    pub(crate) fn of(
        request: &mut Request<Body>,
        operation: Operation,
        gives_back: GivesBack,
        puppet_version: &HeaderValue,
    ) -> Option<Self> {
        let headers = request.headers_mut();
        if operation.service.port() == Service::PuppetServer.port()
            && !names(headers, &X_PUPPET_VERSION)
        {
            headers.insert(X_PUPPET_VERSION, puppet_version.clone());
        }
        let (kept, again) = match (operation.repeat, gives_back) {
            (Repeat::Harmful, GivesBack::Unsent) => (Kept::of(request), Again::IfDeclined),
            (Repeat::Harmless, _) | (Repeat::Harmful, GivesBack::Nothing) => {
                (Some(Kept::of(request)?), Again::Freely)
            }
        };
        Some(Self {
            whole: None,
            kept,
            again,
        })
    }

    /// The request for this server, about to be sent.
    pub(crate) fn at(&mut self, target: &Target) -> Result<Request<Body>, RequestBodyError> {
        let again = || self.kept.as_ref().and_then(Kept::request);
        let mut request = match self.whole.take() {
            Some(whole) => *whole,
            None if self.again == Again::IfDeclined => return Err(RequestBodyError::NotKept),
            None => again().ok_or(RequestBodyError::NotKept)?,
        };
        if self.again == Again::Declined {
            self.again = Again::IfDeclined;
        }
        request.body_mut().make()?;
        target.address(&mut request);
        Ok(request)
    }

    /// A server said that it did not process the request, so it may be handed over once more.
    pub(crate) fn was_declined(&mut self) {
        if self.again == Again::IfDeclined {
            self.again = Again::Declined;
        }
    }

    /// A copy of the request for this server, beside the request itself; `None` when it may not be
    /// repeated or cannot be had once more.
    pub(crate) fn copy(&self, target: &Target) -> Option<Request<Body>> {
        let kept = self.kept.as_ref().filter(|_| self.again == Again::Freely);
        let mut request = kept?.request()?;
        target.address(&mut request);
        Some(request)
    }

    /// What it takes to follow a redirect, if a copy was kept.
    pub(crate) fn again(&self) -> Option<redirect::Again> {
        Some(redirect::Again::of(&self.kept.as_ref()?.request()?))
    }

    /// Takes the request, to be handed over next.
    pub(crate) fn hold(&mut self, request: Box<Request<Body>>) {
        self.whole = Some(request);
    }

    /// Takes back a request that was not sent.
    pub(crate) fn give_back(&mut self, request: Box<Request<Body>>) {
        self.hold(request);
    }
}

impl Kept {
    /// `None` when the body cannot be had once more.
    fn of(request: &Request<Body>) -> Option<Self> {
        let headers = request.headers();
        let mut list = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            list.push((name.clone(), value.clone()));
        }
        Some(Self {
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned(),
            version: request.version(),
            headers: list,
            extensions: request.extensions().clone(),
            body: request.body().try_clone()?,
        })
    }

    fn request(&self) -> Option<Request<Body>> {
        let mut request = Request::new(self.body.try_clone()?);
        *request.method_mut() = self.method.clone();
        if let Some(path) = self.path.clone() {
            *request.uri_mut() = path.into();
        }
        *request.version_mut() = self.version;
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        *request.extensions_mut() = self.extensions.clone();
        Some(request)
    }
}

/// Whether a header is there. Requests have few, and looking at all costs less than a hash.
fn names(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.keys().any(|other| other == name)
}

/// A request for the status of a service, to be answered within `limit`.
pub(crate) fn status_request(
    target: &Target,
    name: &str,
    limit: Duration,
) -> Option<Request<Body>> {
    let seconds = asked_of_the_server(limit);
    get(
        target,
        format!("/status/v1/simple/{name}?timeout={seconds}"),
    )
}

/// A request for the status of every service, to be answered within `limit`.
pub(crate) fn services_request(target: &Target, limit: Duration) -> Option<Request<Body>> {
    let seconds = asked_of_the_server(limit);
    get(target, format!("/status/v1/services?timeout={seconds}"))
}

/// Whole seconds beneath our own limit, so that a server that is stuck can still say so.
fn asked_of_the_server(limit: Duration) -> u64 {
    limit.as_secs().saturating_sub(1).max(1)
}

fn get(target: &Target, path: String) -> Option<Request<Body>> {
    let path = PathAndQuery::try_from(path).ok()?;
    let (mut parts, body): (Parts, Body) = Request::new(Body::empty()).into_parts();
    parts.uri = target.uri(path);
    Some(Request::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(method: &str, uri: &str, gives_back: GivesBack) -> Prepared {
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, "elsewhere")
            .body(Body::from("body"))
            .unwrap();
        let operation = Operation::of(method, request.uri().path()).unwrap();
        let version = HeaderValue::from_static("8.0.0");
        let mut prepared = Prepared::of(&mut request, operation, gives_back, &version).unwrap();
        prepared.hold(Box::new(request));
        prepared
    }

    fn target(server: &str) -> Target {
        Target::of(&Server::parse(server, 8140).unwrap()).unwrap()
    }

    #[test]
    fn address_and_host_change_and_path_and_query_stay() {
        let uri = "https://m:8140/puppet/v3/node/a?environment=e%20x";
        let mut prepared = prepared("GET", uri, GivesBack::Unsent);
        let request = prepared.at(&target("[::1]:8141")).unwrap();
        assert_eq!(
            request.uri().to_string(),
            "https://[::1]:8141/puppet/v3/node/a?environment=e%20x"
        );
        assert_eq!(request.headers()[HOST], "[::1]:8141");
    }

    #[test]
    fn a_request_to_port_8140_names_a_version() {
        let mut to_server = prepared("GET", "/puppet/v3/node/a", GivesBack::Unsent);
        let request = to_server.at(&target("m")).unwrap();
        assert_eq!(request.headers()[X_PUPPET_VERSION], "8.0.0");
        let mut to_puppetdb = prepared("GET", "/pdb/query/v4", GivesBack::Unsent);
        let request = to_puppetdb.at(&target("m:8081")).unwrap();
        assert!(!request.headers().contains_key(X_PUPPET_VERSION));
    }

    #[test]
    fn what_may_be_repeated_can_be_had_again() {
        let mut prepared = prepared("GET", "/puppet/v3/node/a", GivesBack::Unsent);
        for server in ["m", "r", "m"] {
            assert!(prepared.at(&target(server)).is_ok());
        }
    }

    #[test]
    fn what_may_not_be_repeated_is_handed_over_once_and_may_come_back() {
        let mut prepared = prepared("POST", "/code-manager/v1/deploys", GivesBack::Unsent);
        let request = prepared.at(&target("m")).unwrap();
        assert!(prepared.at(&target("m")).is_err());
        prepared.give_back(Box::new(request));
        assert!(prepared.at(&target("m")).is_ok());
    }

    #[test]
    fn what_may_not_be_repeated_can_be_had_once_more_for_each_time_it_was_declined() {
        let mut prepared = prepared("POST", "/code-manager/v1/deploys", GivesBack::Unsent);
        assert!(prepared.at(&target("m")).is_ok());
        for _ in 0..2 {
            prepared.was_declined();
            assert!(prepared.copy(&target("m")).is_none());
            assert!(prepared.at(&target("m")).is_ok());
            assert!(prepared.at(&target("m")).is_err());
        }
    }
}
