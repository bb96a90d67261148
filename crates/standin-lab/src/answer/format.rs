//! Which format an answer of Puppet Server's is in, and which formats it takes: `puppet/network/http/request.rb` and
//! `puppet/network/formats.rb` of Puppet 7.23.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, StatusCode};

use super::{Answer, Asked, JSON, puppet_server};

/// A format that Puppet Server has a renderer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    RichJson,
    Json,
    Pson,
    Binary,
}

/// What most things can be rendered to, the preferred first.
pub(super) const DATA: &[Format] = &[Format::Json, Format::Pson];

/// What a catalog can be rendered to.
pub(super) const CATALOG: &[Format] = &[Format::RichJson, Format::Json, Format::Pson];

/// What the bytes of a file can be rendered to.
pub(super) const CONTENT: &[Format] = &[Format::Binary];

impl Format {
    fn mime(self) -> &'static str {
        match self {
            Self::RichJson => "application/vnd.puppet.rich+json",
            Self::Json => "application/json",
            Self::Pson => "text/pson",
            Self::Binary => "application/octet-stream",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::RichJson => "application/vnd.puppet.rich+json; charset=utf-8",
            Self::Json => JSON,
            Self::Pson | Self::Binary => self.mime(),
        }
    }
}

/// `render`, in the first format of the request's `Accept` that is among `supported`; qualities are ignored, as in Puppet.
///
/// The real one answers 400 to a request without `Accept`; here it takes whatever there is.
pub(super) fn negotiated(
    asked: &Asked,
    supported: &[Format],
    render: impl FnOnce(Format) -> Answer,
) -> Answer {
    let accept = header(&asked.headers, &ACCEPT).unwrap_or(ANY);
    let mut accepted = accept.split(',').filter_map(|item| {
        let mime = item.split(";q=").next().unwrap_or(item).trim();
        let of_that_name = |format: &&Format| format.mime().eq_ignore_ascii_case(mime);
        match mime {
            ANY => supported.first(),
            _ => supported.iter().find(of_that_name),
        }
    });
    match accepted.next() {
        Some(format) => render(*format),
        None => puppet_server::issue(
            StatusCode::NOT_ACCEPTABLE,
            &format!("Not Acceptable: No supported formats are acceptable (Accept: {accept})"),
            "UNSUPPORTED_FORMAT",
        ),
    }
}

/// `taken`, if the body is in a format that can be read, or in none that is named.
pub(super) fn readable(asked: &Asked, taken: impl FnOnce() -> Answer) -> Answer {
    let Some(named) = header(&asked.headers, &CONTENT_TYPE) else {
        return taken();
    };
    let mime = named.split(';').next().unwrap_or(named).trim();
    if DATA
        .iter()
        .any(|format| format.mime().eq_ignore_ascii_case(mime))
    {
        return taken();
    }
    puppet_server::issue(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        &format!(
            "Unsupported Media Type: Client sent a mime-type ({named}) that doesn't correspond to a format we support"
        ),
        "UNSUPPORTED_MEDIA_TYPE",
    )
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const ANY: &str = "*/*";
