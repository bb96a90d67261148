//! Answers that lie elsewhere.

use http::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, Method, Request, StatusCode, Uri};
use standin_core::Server;
use url::Url;

use crate::route::named_server;
use crate::{Body, Deadline};

/// How many redirects are followed for one request: as many as Puppet's agent follows.
pub(crate) const REDIRECTS_MOST: usize = 10;

/// The header in which Puppet Enterprise takes RBAC tokens.
pub(crate) const X_AUTHENTICATION: HeaderName = HeaderName::from_static("x-authentication");

/// A server said that the answer lies elsewhere, and it is not fetched there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// Each place led to a further one.
    #[error(
        "{REDIRECTS_MOST} redirects were followed and {server} sends it on once more, to {location}; \
         servers send it in a circle"
    )]
    TooMany {
        /// Who sent it on.
        server: Server,
        /// Where to.
        location: String,
    },
    /// The place cannot be one, or is not to be had over TLS.
    #[error("{server} sends it to {location}, which is no https URL")]
    Invalid {
        /// Who sent it on.
        server: Server,
        /// Where to.
        location: String,
    },
}

/// What it takes to make a request once more elsewhere. Method and body stay: Puppet's agent sends
/// them again whatever the status.
#[derive(Debug)]
pub(crate) struct Again {
    method: Method,
    path: Option<PathAndQuery>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Option<Body>,
}

/// Where a request is to go next.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) server: Server,
    pub(crate) uri: Uri,
}

impl Again {
    pub(crate) fn of(request: &Request<Body>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            body: request.body().try_clone(),
        }
    }

    /// The path that was asked for.
    pub(crate) fn path(&self) -> &str {
        self.path.as_ref().map_or("/", PathAndQuery::as_str)
    }

    /// Ends all that follows by then, unless the caller has said when.
    pub(crate) fn end_by(&mut self, deadline: Deadline) {
        self.extensions.get_or_insert(deadline);
    }

    /// The request for another place; `None` when its body was not kept.
    ///
    /// Whatever proves who the caller is goes to the server that it was given for and to no other.
    pub(crate) fn elsewhere(&mut self, from: &Server, to: &Elsewhere) -> Option<Request<Body>> {
        self.headers.remove(HOST);
        if *from != to.server {
            for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, X_AUTHENTICATION] {
                self.headers.remove(secret);
            }
        }
        let mut request = Request::new(self.body.as_ref()?.try_clone()?);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = to.uri.clone();
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        Some(request)
    }
}

/// Where an answer of `from` to a request for `path` sends it: 301, 302, 307 and 308 with a
/// `Location`. Anything else is an answer.
pub(crate) fn elsewhere(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Server,
    path: &str,
) -> Option<Result<Elsewhere, RedirectError>> {
    let moved = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = headers.get(LOCATION).filter(|_| moved)?;
    let invalid = || RedirectError::Invalid {
        server: from.clone(),
        location: String::from_utf8_lossy(location.as_bytes()).into_owned(),
    };
    let found = location.to_str().ok().and_then(|location| {
        let here = Url::parse(&format!("https://{}{path}", from.authority())).ok()?;
        let mut there = here.join(location).ok()?;
        there.set_fragment(None);
        if there.scheme() != "https" {
            return None;
        }
        let uri: Uri = there.as_str().parse().ok()?;
        let server = named_server(uri.authority()?)?;
        Some(Elsewhere { server, uri })
    });
    Some(found.ok_or_else(invalid))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn server(name: &str) -> Server {
        Server::parse(name, 8140).unwrap()
    }

    fn sent(status: u16, location: &str) -> Option<Result<Elsewhere, RedirectError>> {
        let status = StatusCode::from_u16(status).unwrap();
        let location = HeaderValue::from_str(location).unwrap();
        let headers = HeaderMap::from_iter([(LOCATION, location)]);
        elsewhere(
            status,
            &headers,
            &server("m"),
            "/puppet/v3/node/a?environment=e",
        )
    }

    #[test]
    fn four_statuses_send_a_request_elsewhere() {
        for status in [301, 302, 307, 308] {
            assert!(sent(status, "https://r:8140/x").is_some(), "{status}");
        }
        for status in [200, 201, 300, 303, 304, 404] {
            assert!(sent(status, "https://r:8140/x").is_none(), "{status}");
        }
    }

    #[test]
    fn a_redirect_without_a_location_is_an_answer() {
        let none = elsewhere(StatusCode::FOUND, &HeaderMap::new(), &server("m"), "/");
        assert!(none.is_none());
    }

    #[test]
    fn a_location_may_be_relative() {
        for (location, expected) in [
            ("https://r:8141/x?y=z#part", "https://r:8141/x?y=z"),
            ("//r/x", "https://r/x"),
            ("/other", "https://m:8140/other"),
            ("b", "https://m:8140/puppet/v3/node/b"),
            ("../facts/b", "https://m:8140/puppet/v3/facts/b"),
            (
                "?environment=f",
                "https://m:8140/puppet/v3/node/a?environment=f",
            ),
        ] {
            let to = sent(302, location).unwrap().unwrap();
            assert_eq!(to.uri.to_string(), expected);
        }
    }

    #[test]
    fn a_place_without_tls_is_not_gone_to() {
        for location in ["http://r:8080/x", "ftp://r/", "https://", "mailto:a@b"] {
            let error = sent(302, location).unwrap().unwrap_err();
            assert!(error.to_string().contains(location), "{error}");
        }
    }

    fn after(from: &str, to: &str) -> Request<Body> {
        let request = Request::put("/x")
            .header(HOST, "m:8140")
            .header(AUTHORIZATION, "secret")
            .header(COOKIE, "secret")
            .header(X_AUTHENTICATION, "secret")
            .header("accept", "text/plain")
            .body(Body::from("body"))
            .unwrap();
        let mut again = Again::of(&request);
        let to = Elsewhere {
            server: server(to),
            uri: format!("https://{to}:8140/y").parse().unwrap(),
        };
        again.elsewhere(&server(from), &to).unwrap()
    }

    #[test]
    fn method_and_body_stay_and_secrets_do_not_leave_their_server() {
        let request = after("m", "m");
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.headers()[AUTHORIZATION], "secret");
        let request = after("m", "r");
        assert_eq!(request.method(), Method::PUT);
        let left: Vec<&HeaderName> = request.headers().keys().collect();
        assert_eq!(left, ["accept"]);
    }
}
