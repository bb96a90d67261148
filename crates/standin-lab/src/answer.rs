//! What the services answer: shapes as captured from Puppet Server 7.9.5 and PuppetDB 7.12.1, and for the services of
//! Puppet Enterprise as its documentation has them; contents made for the names that were asked for.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, VARY};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::ext::ReasonPhrase;
use serde_json::Value;
use url::form_urlencoded;

use crate::body::{Framing, ReplyBody};
use crate::broker;
use crate::scene::Scene;
use crate::service::Service;
use crate::shared::Shared;
use crate::wire::Cut;
use crate::{Role, Store};

pub(crate) mod failure;
pub(crate) mod status;

mod activity;
mod catalog;
mod certificate_authority;
mod classifier;
mod code_manager;
mod file_sync;
mod files;
mod format;
mod orchestrator;
mod puppet_server;
mod puppetdb;
mod query;
mod rbac;
mod tables;

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) certname: Option<Arc<str>>,
}

/// Where a request arrived.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) host: usize,
    pub(crate) scene: Arc<Scene>,
}

/// An answer before it is framed.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    framing: Framing,
}

/// Lets the service do its work, if the host serves it and the client may ask.
pub(crate) fn work(place: &Place<'_>, service: Service, asked: &Asked) -> Answer {
    if !asked.path.starts_with(service.prefix()) || !place.scene.serves(place.host, service) {
        return Answer::no_such_page(&asked.path);
    }
    match service {
        Service::PuppetServer => puppet_server::answer(place, asked).puppet_version(),
        Service::FileSync => file_sync::answer(place, asked),
        Service::CertificateAuthority => {
            certificate_authority::answer(place, asked).puppet_version()
        }
        // As Debian configures it: open to clients without a certificate, unless there is an allowlist.
        Service::PuppetDb => match place.shared.puppetdb_allowlist() {
            Some(list) if !asked.is_listed(list) => puppetdb::not_listed(asked),
            _ => puppetdb::answer(place, asked),
        },
        Service::Rbac => asked.with_certificate(|| rbac::answer(place, asked)),
        Service::NodeClassifier => asked.with_certificate(|| classifier::answer(place, asked)),
        Service::Activity => asked.with_certificate(|| activity::answer(asked)),
        Service::Orchestrator => asked.with_certificate(|| orchestrator::answer(place, asked)),
        Service::CodeManager => asked.with_certificate(|| code_manager::answer(place, asked)),
        // A client without a certificate is told so by a close code.
        Service::PcpBroker => broker::upgrade::answer(place, asked),
    }
}

/// Takes a query or a form apart.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// A new random UUID, version 4.
pub(crate) fn uuid() -> String {
    let bits =
        (fastrand::u128(..) & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

impl Asked {
    /// The path below `prefix`, in its parts; `None` if it is elsewhere.
    fn below(&self, prefix: &str) -> Option<Vec<&str>> {
        Some(self.path.strip_prefix(prefix)?.split('/').collect())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    fn is_listed(&self, certnames: &[String]) -> bool {
        let certname = self.certname.as_deref();
        certname.is_some_and(|shown| certnames.iter().any(|listed| listed == shown))
    }

    /// `allowed`, if the client showed a certificate.
    fn with_certificate(&self, allowed: impl FnOnce() -> Answer) -> Answer {
        if self.certname.is_some() {
            allowed()
        } else {
            Answer::forbidden(self)
        }
    }

    /// `allowed`, if the client's certificate is that of `certname`.
    fn as_node(&self, certname: &str, allowed: impl FnOnce() -> Answer) -> Answer {
        if self.certname.as_deref() == Some(certname) {
            allowed()
        } else {
            Answer::forbidden(self)
        }
    }
}

impl Place<'_> {
    fn name(&self) -> &str {
        &self.shared.machine(self.host).name
    }

    fn role(&self) -> Role {
        self.scene.role(self.host)
    }

    fn has_isolated_broker(&self) -> bool {
        self.shared.machine(self.host).hub.is_isolated()
    }

    fn store(&self) -> &Store {
        &self.shared.machine(self.host).store
    }

    /// `allowed`, unless this is a replica, whose database user may only read.
    fn as_writer(&self, relation: &str, allowed: impl FnOnce() -> Answer) -> Answer {
        if self.role() == Role::Master {
            allowed()
        } else {
            failure::permission_denied(relation)
        }
    }
}

impl Answer {
    pub(crate) fn new(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            body: body.into(),
            framing: Framing::Chunked,
        }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, TEXT, body)
    }

    /// Text without saying so: 403s, and a PuppetDB that is down.
    pub(crate) fn bare(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut this = Self::text(status, body);
        this.headers.remove(CONTENT_TYPE);
        this
    }

    /// No body and no content.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::bare(status, "").sized()
    }

    /// What Jetty says of a path that no service knows.
    pub(crate) fn no_such_page(path: &str) -> Self {
        let path = path.replace('&', "&amp;").replace('<', "&lt;");
        let html = format!(
            "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
             <title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404 Not Found</h2>\n<table>\n\
             <tr><th>URI:</th><td>{path}</td></tr>\n<tr><th>STATUS:</th><td>404</td></tr>\n\
             <tr><th>MESSAGE:</th><td>Not Found</td></tr>\n<tr><th>SERVLET:</th><td>-</td></tr>\n</table>\n\n\
             </body>\n</html>\n"
        );
        Self::new(StatusCode::NOT_FOUND, "text/html;charset=iso-8859-1", html)
            .header(CACHE_CONTROL, "must-revalidate,no-cache,no-store")
            .sized()
    }

    fn forbidden(asked: &Asked) -> Self {
        let method = asked.method.as_str().to_ascii_lowercase();
        let path = &asked.path;
        Self::bare(
            StatusCode::FORBIDDEN,
            format!(
                "Forbidden request: {path} (method :{method}). Please see the server logs for details."
            ),
        )
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn sized(mut self) -> Self {
        self.framing = Framing::Sized;
        self
    }

    /// Says which Puppet answers, except for pages that are Jetty's own.
    pub(crate) fn puppet_version(self) -> Self {
        if self.headers.contains_key(CACHE_CONTROL) {
            return self;
        }
        self.header(HeaderName::from_static("x-puppet-version"), PUPPET_VERSION)
    }

    /// The length of its body.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// What goes over the wire if the head states a body of `length`, whatever its length.
    pub(crate) fn stating(&self, length: usize) -> Bytes {
        let mut raw = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            raw.extend_from_slice(name.as_ref());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(value.as_bytes());
            raw.extend_from_slice(b"\r\n");
        }
        raw.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        raw.extend_from_slice(&self.body);
        raw.into()
    }

    pub(crate) fn into_response(
        mut self,
        method: &Method,
        broken: Option<(usize, Arc<Cut>)>,
    ) -> Response<ReplyBody> {
        if self.status == StatusCode::OK && (method == Method::GET || method == Method::POST) {
            // Jetty would compress these.
            self.headers.insert(
                VARY,
                HeaderValue::from_static("Accept-Encoding, User-Agent"),
            );
        }
        let body = match broken {
            Some((after, cut)) => ReplyBody::broken(&self.body, after, cut),
            None => ReplyBody::new(self.body, self.framing),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            response
                .extensions_mut()
                .insert(ReasonPhrase::from_static(b"Server Error"));
        }
        response
    }
}

pub(crate) const JSON: &str = "application/json;charset=utf-8";
pub(crate) const TEXT: &str = "text/plain;charset=utf-8";

/// The Puppet in the captures; agents compare it with their own.
pub(crate) const PUPPET_VERSION: &str = "7.23.0";

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_says_that_it_is_random() {
        for _ in 0..100 {
            let uuid = super::uuid();
            assert_eq!(uuid.len(), 36);
            assert_eq!(&uuid[14..15], "4");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }
}
