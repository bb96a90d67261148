//! Points a request at one server.

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri};
use standin_core::{Operation, Repeat, Server, Service};

use crate::transport::GivesBack;
use crate::{Body, Error, ErrorKind};

/// Puppet Server sheds load only from clients that name a version of at least 5.3.1 here; others
/// queue.
pub(crate) const X_PUPPET_VERSION: HeaderName = HeaderName::from_static("x-puppet-version");

/// A request before it is known who gets it.
#[derive(Debug)]
pub(crate) struct Prepared {
    request: Option<Request<Body>>,
    copies: Copies,
}

/// Whether a copy is kept of what is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copies {
    Kept,
    None,
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
    pub(crate) fn new(
        mut request: Request<Body>,
        operation: Operation,
        gives_back: GivesBack,
        puppet_version: &HeaderValue,
    ) -> Self {
        if operation.service.port() == Service::PuppetServer.port() {
            request
                .headers_mut()
                .entry(X_PUPPET_VERSION)
                .or_insert_with(|| puppet_version.clone());
        }
        let copies = match (operation.repeat, gives_back) {
            (Repeat::Harmful, GivesBack::Unsent) => Copies::None,
            (Repeat::Harmless, _) | (Repeat::Harmful, GivesBack::Nothing) => Copies::Kept,
        };
        Self {
            request: Some(request),
            copies,
        }
    }

    /// The request for this server, or `None` when it cannot be had once more.
    pub(crate) fn at(&mut self, target: &Target) -> Option<Request<Body>> {
        let kept = self.request.as_ref()?;
        let path = kept.uri().path_and_query().cloned();
        let uri = target.uri(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        let mut request = match self.copies {
            Copies::Kept => copy(kept)?,
            Copies::None => self.request.take()?,
        };
        *request.uri_mut() = uri;
        if let Some(host) = request.headers_mut().get_mut(HOST) {
            *host = target.host.clone();
        }
        Some(request)
    }

    /// Takes back a request that was not sent.
    pub(crate) fn give_back(&mut self, request: Request<Body>) {
        self.request.get_or_insert(request);
    }
}

/// All but the address.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let body = request.body().try_clone()?;
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// A request for the status of a service.
pub(crate) fn status_request(target: &Target, name: &str, seconds: u64) -> Option<Request<Body>> {
    let path = format!("/status/v1/simple/{name}?timeout={seconds}");
    let path = PathAndQuery::try_from(path).ok()?;
    let (mut parts, body): (Parts, Body) = Request::new(Body::empty()).into_parts();
    parts.uri = target.uri(path);
    Some(Request::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(method: &str, uri: &str, gives_back: GivesBack) -> Prepared {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(HOST, "elsewhere")
            .body(Body::from("body"))
            .unwrap();
        let operation = Operation::of(method, request.uri().path()).unwrap();
        let version = HeaderValue::from_static("8.0.0");
        Prepared::new(request, operation, gives_back, &version)
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
            assert!(prepared.at(&target(server)).is_some());
        }
    }

    #[test]
    fn what_may_not_be_repeated_is_handed_over_once_and_may_come_back() {
        let mut prepared = prepared("POST", "/code-manager/v1/deploys", GivesBack::Unsent);
        let request = prepared.at(&target("m")).unwrap();
        assert!(prepared.at(&target("m")).is_none());
        prepared.give_back(request);
        assert!(prepared.at(&target("m")).is_some());
    }
}
