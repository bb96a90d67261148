//! An entry of a spool: a request on disk, with all that it takes to make it again.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use standin_core::WallTime;
use url::form_urlencoded;

use super::kind::Kind;
use crate::Body;

#[cfg(test)]
mod tests;

/// A request that nobody took.
///
/// In its file, a line with the SHA-256 of all that follows comes first, in every version: `sha256 `
/// and 64 digits. Then, in this one, the line `standin-spool 1`, a line of JSON with method, target,
/// headers and the moment of the first submission in milliseconds since 1970, and the body as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: Kind,
    target: PathAndQuery,
    headers: Vec<(HeaderName, HeaderValue)>,
    submitted: WallTime,
    body: Bytes,
}

/// A file is no entry that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It does not begin as entries do.
    #[error("it does not begin with a checksum")]
    Unsealed,
    /// It was cut off or changed.
    #[error("its checksum is not that of what it holds; it was cut off or changed")]
    Checksum,
    /// Another release wrote it.
    #[error("it has the form {version:?}, which this release does not know")]
    Version {
        /// The form.
        version: String,
    },
    /// What it says of the request cannot be read.
    #[error("what it says of its request cannot be read")]
    Head(#[from] serde_json::Error),
    /// A part of the request is none.
    #[error("its request has a part that HTTP does not know")]
    Http(#[from] http::Error),
    /// The request is no report and no command.
    #[error("its request, {method} {path}, is neither a report nor a PuppetDB command")]
    Kind {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
}

impl Entry {
    /// The entry of a request with this body.
    pub(crate) const fn new(
        kind: Kind,
        target: PathAndQuery,
        headers: Vec<(HeaderName, HeaderValue)>,
        submitted: WallTime,
        body: Bytes,
    ) -> Self {
        Self {
            kind,
            target,
            headers,
            submitted,
            body,
        }
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// When it was cut off or changed, when another release wrote it, or when it holds something else
    /// than a report or a command.
    pub fn decode(file: &Bytes) -> Result<Self, EntryError> {
        let (seal, rest) = line(file).ok_or(EntryError::Unsealed)?;
        let written = seal.strip_prefix(SEAL).ok_or(EntryError::Unsealed)?;
        let sealed = file.slice(file.len() - rest.len()..);
        if written != digest(&[&sealed]).as_bytes() {
            return Err(EntryError::Checksum);
        }
        let (version, rest) = line(&sealed).unwrap_or((&sealed, &[]));
        if version != VERSION {
            let version = String::from_utf8_lossy(version).into_owned();
            return Err(EntryError::Version { version });
        }
        let (head, body) = line(rest).unwrap_or((rest, &[]));
        let head: Head<'_> = serde_json::from_slice(head)?;
        let target: PathAndQuery = head.target.parse().map_err(http::Error::from)?;
        let kind = Method::from_bytes(head.method.as_bytes())
            .ok()
            .and_then(|method| Kind::of(&method, target.path()))
            .ok_or_else(|| EntryError::Kind {
                method: head.method.into_owned(),
                path: target.path().to_owned(),
            })?;
        let mut headers = Vec::with_capacity(head.headers.len());
        for (name, value) in head.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(http::Error::from)?;
            headers.push((name, unfold(&value)?));
        }
        Ok(Self {
            kind,
            target,
            headers,
            submitted: head.submitted,
            body: sealed.slice(sealed.len() - body.len()..),
        })
    }

    /// The contents of its file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (method, headers) = (self.kind.method(), self.headers.iter());
        let head = Head {
            method: method.as_str().into(),
            target: self.target.as_str().into(),
            submitted: self.submitted,
            headers: headers
                .map(|(name, value)| (name.as_str().into(), fold(value)))
                .collect(),
        };
        // Texts and a number always have a form in JSON.
        let head = serde_json::to_string(&head).unwrap_or_default();
        let parts: [&[u8]; 5] = [VERSION, b"\n", head.as_bytes(), b"\n", &self.body];
        let seal = digest(&parts);
        [&[SEAL, seal.as_bytes(), b"\n"][..], &parts]
            .concat()
            .concat()
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Path and query of its request.
    #[must_use]
    pub const fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// When it was first submitted, by the machine's clock.
    #[must_use]
    pub const fn submitted(&self) -> WallTime {
        self.submitted
    }

    /// The body of its request.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The node that it is about, where the path or the query says so.
    #[must_use]
    pub fn certname(&self) -> Option<Cow<'_, str>> {
        match self.kind {
            Kind::Report => self.target.path().rsplit('/').next().map(Cow::Borrowed),
            Kind::Command => form_urlencoded::parse(self.target.query()?.as_bytes())
                .find(|(name, _)| name == "certname")
                .map(|(_, value)| value),
        }
    }

    /// The request, without a server.
    pub(crate) fn request(self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.kind.method();
        *request.uri_mut() = self.target.into();
        *request.headers_mut() = HeaderMap::from_iter(self.headers);
        request
    }
}

/// What stands before the body.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Head<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    target: Cow<'a, str>,
    submitted: WallTime,
    headers: Vec<(Cow<'a, str>, String)>,
}

/// The first line, without its end, and what follows it.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((&text[..end], &text[end + 1..]))
}

fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let digits = digest.finalize();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a header as text: each byte as the character of that number, since JSON holds no bytes.
fn fold(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

fn unfold(text: &str) -> Result<HeaderValue, http::Error> {
    // A character beyond a byte becomes one that no header may have.
    let bytes = text.chars().map(|c| u8::try_from(c).unwrap_or(0));
    Ok(HeaderValue::from_bytes(&bytes.collect::<Vec<u8>>())?)
}

const SEAL: &[u8] = b"sha256 ";
const VERSION: &[u8] = b"standin-spool 1";
