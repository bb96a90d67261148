//! Dates commands of PuppetDB that their sender did not date.

use std::num::NonZeroU8;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::uri::PathAndQuery;
use http::{Method, Request};
use serde::Deserialize;
use serde_json::Value;
use standin_core::WallTime;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};
use url::form_urlencoded::{byte_serialize, parse};

use crate::Body;

/// Gives a command without a producer timestamp one, at its first submission: every later copy, at
/// whatever server and by whatever process, carries the same.
///
/// PuppetDB 7.12.1 goes by two. By the payload's it knows the newest in its database
/// (`scf/storage.clj`); by the one in the URL it drops a node's older facts and catalogs while they
/// wait in its queue (`queue.clj`). So both are written, and the payload's rules where there is one.
///
/// Where the payload cannot be read (a stream, compressed, or vouched for by a checksum) and PuppetDB
/// would date it as it is processed, the command is left undated, and is not repeated. So is one that
/// is all in its body, PuppetDB's deprecated form.
pub(crate) fn date(request: &mut Request<Body>, now: impl FnOnce() -> WallTime) {
    if !is_command(request) {
        return;
    }
    let Some(command) = Command::of(request.uri().query().unwrap_or_default()) else {
        return;
    };
    let stated = command.date.as_ref();
    if stated.is_some() && command.undated == Undated::Discarded {
        return;
    }
    let payload = Payload::of(request, &command);
    let given = stated.cloned().or_else(|| payload.date());
    let Some(date) = given.or_else(|| iso8601(now())) else {
        return;
    };
    match payload {
        Payload::Undated(bytes) => {
            let bytes = with_date(&bytes, &date);
            if request.headers().contains_key(CONTENT_LENGTH) {
                request
                    .headers_mut()
                    .insert(CONTENT_LENGTH, bytes.len().into());
            }
            *request.body_mut() = bytes.into();
        }
        Payload::Unread if command.undated == Undated::DatedWhenProcessed => return,
        Payload::Unread | Payload::Dated(_) => {}
    }
    if stated.is_none() {
        date_url(request, &date);
    }
}

/// Whether a request is a command of PuppetDB.
pub(crate) fn is_command(request: &Request<Body>) -> bool {
    request.method() == Method::POST && request.uri().path() == PATH
}

/// Whether the URL of a command carries a producer timestamp.
pub(crate) fn is_dated(query: &str) -> bool {
    query.split('&').any(|pair| {
        let value = pair.strip_prefix(PARAMETER);
        value.is_some_and(|value| value.starts_with('='))
    })
}

/// What the URL says of a command.
struct Command {
    date: Option<String>,
    undated: Undated,
    has_checksum: bool,
}

/// What PuppetDB does with a payload without a producer timestamp, by its `command.clj`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undated {
    /// Its format is violated.
    Discarded,
    /// It gets the time at which it is processed, which differs each time.
    DatedWhenProcessed,
}

impl Command {
    /// `None` when the command is all in the body.
    fn of(query: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let command = value("command")?.replace('_', " ");
        Some(Self {
            date: value(PARAMETER).map(Into::into),
            undated: match command.as_str() {
                "replace catalog" | "replace facts" | "store report" => Undated::Discarded,
                _ => Undated::DatedWhenProcessed,
            },
            has_checksum: value("checksum").is_some(),
        })
    }
}

/// What the body says.
enum Payload {
    Unread,
    Dated(Value),
    Undated(Bytes),
}

impl Payload {
    fn of(request: &Request<Body>, command: &Command) -> Self {
        let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
        let Some(bytes) = request.body().bytes().filter(|_| is_plain) else {
            return Self::Unread;
        };
        // A list would be read as the fields in order.
        let is_map = bytes.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice(&bytes) {
            Ok(Fields {
                producer_timestamp: Some(date),
            }) if is_map => Self::Dated(date),
            Ok(Fields {
                producer_timestamp: None,
            }) if is_map && !command.has_checksum => Self::Undated(bytes),
            _ => Self::Unread,
        }
    }

    fn date(&self) -> Option<String> {
        match self {
            Self::Dated(Value::String(date)) => Some(date.clone()),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    producer_timestamp: Option<Value>,
}

/// A map of JSON with a date at its end, where it also overrules a null.
fn with_date(map: &[u8], date: &str) -> Vec<u8> {
    let map = map.trim_ascii_end();
    let open = map.strip_suffix(b"}").unwrap_or(map).trim_ascii_end();
    let comma = match open.ends_with(b"{") {
        true => "",
        false => ",",
    };
    let field = format!("{comma}\"producer_timestamp\":{}}}", Value::from(date));
    [open, field.as_bytes()].concat()
}

fn date_url(request: &mut Request<Body>, date: &str) {
    let query = request.uri().query().unwrap_or_default();
    let date: String = byte_serialize(date.as_bytes()).collect();
    let path = format!("{PATH}?{query}&{PARAMETER}={date}");
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    if let Ok(uri) = parts.try_into() {
        *request.uri_mut() = uri;
    }
}

/// As PuppetDB's terminus writes it: UTC, with milliseconds.
fn iso8601(now: WallTime) -> Option<String> {
    const MILLIS: EncodedConfig = Config::DEFAULT
        .set_time_precision(TimePrecision::Second {
            decimal_digits: NonZeroU8::new(3),
        })
        .encode();
    let nanos = i128::from(now.as_millis()) * 1_000_000;
    let now = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    now.format(&Iso8601::<MILLIS>).ok()
}

/// Where PuppetDB takes commands.
const PATH: &str = "/pdb/cmd/v1";

/// Known to PuppetDB since 4.4.0, as to its terminus.
const PARAMETER: &str = "producer-timestamp";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T14:00:00.007Z";

    fn command(name: &str, more: &str) -> String {
        format!("/pdb/cmd/v1?command={name}&version=5&certname=agent{more}")
    }

    fn dated(uri: &str, body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::post(uri).body(body.into()).unwrap();
        date(&mut request, || WallTime::from_millis(1_795_528_800_007));
        request
    }

    fn payload(request: &Request<Body>) -> String {
        String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_command_without_a_date_gets_one_in_url_and_payload() {
        for name in ["replace_facts", "deactivate_node", "replace%20catalog"] {
            let uri = command(name, "");
            let request = dated(&uri, r#"{"certname":"agent"}"#);
            let expected = format!("{uri}&producer-timestamp=2026-11-24T14%3A00%3A00.007Z");
            assert_eq!(request.uri().to_string(), expected);
            let expected = format!(r#"{{"certname":"agent","producer_timestamp":"{NOW}"}}"#);
            assert_eq!(payload(&request), expected);
        }
    }

    #[test]
    fn the_date_of_the_payload_is_that_of_the_url() {
        let body = r#"{"producer_timestamp":"2026-01-01T00:00:00+01:00"}"#;
        let request = dated(&command("store_report", ""), body);
        let date = "&producer-timestamp=2026-01-01T00%3A00%3A00%2B01%3A00";
        assert!(request.uri().to_string().ends_with(date));
        assert_eq!(payload(&request), body);
    }

    #[test]
    fn the_date_of_the_url_is_that_of_a_payload_that_puppetdb_would_date() {
        let date = "&producer-timestamp=2026-01-01T00%3A00%3A00Z";
        let uri = command("deactivate_node", date);
        let request = dated(&uri, "{ }");
        assert_eq!(request.uri().to_string(), uri);
        let expected = r#"{"producer_timestamp":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(payload(&request), expected);
    }

    #[test]
    fn a_date_of_null_is_none() {
        let body = r#"{"producer_timestamp":null}"#;
        let request = dated(&command("deactivate_node", ""), body);
        let read: Value = serde_json::from_str(&payload(&request)).unwrap();
        assert_eq!(read["producer_timestamp"], NOW);
    }

    #[test]
    fn a_command_that_is_dated_stays_as_it_is() {
        let uri = command("replace_facts", "&producer-timestamp=2026-01-01T00:00:00Z");
        let body = r#"{"values":{}}"#;
        let request = dated(&uri, body);
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(payload(&request), body);
    }

    #[test]
    fn facts_that_cannot_be_read_are_dated_in_the_url_alone() {
        for body in [
            Body::from("\u{1f}\u{8b}"),
            Body::from("[null]"),
            Body::stream(Body::from("{}")),
        ] {
            let request = dated(&command("replace_facts", ""), body);
            assert!(is_dated(request.uri().query().unwrap()));
        }
    }

    #[test]
    fn what_puppetdb_would_date_and_cannot_be_read_is_not_dated() {
        let stream = Body::stream(Body::from("{}"));
        let request = dated(&command("deactivate_node", ""), stream);
        assert!(!is_dated(request.uri().query().unwrap()));
    }

    #[test]
    fn a_payload_with_a_checksum_is_not_touched() {
        let body = r#"{"certname":"agent"}"#;
        let request = dated(&command("deactivate_node", "&checksum=00"), body);
        assert_eq!(payload(&request), body);
        assert!(!is_dated(request.uri().query().unwrap()));
    }

    #[test]
    fn a_stated_length_is_that_of_the_new_payload() {
        let mut request = Request::post(command("deactivate_node", ""))
            .header(CONTENT_LENGTH, 2)
            .body(Body::from("{}"))
            .unwrap();
        date(&mut request, || WallTime::from_millis(0));
        let length = payload(&request).len();
        assert_eq!(request.headers()[CONTENT_LENGTH], length.to_string());
    }

    #[test]
    fn the_form_that_is_all_body_and_what_is_no_command_stay_as_they_are() {
        for uri in ["/pdb/cmd/v1", "/pdb/query/v4?command=x"] {
            let request = dated(uri, "{}");
            assert_eq!(request.uri().to_string(), uri);
            assert_eq!(payload(&request), "{}");
        }
    }

    #[test]
    fn a_dated_command_is_known_by_its_parameter() {
        assert!(is_dated("command=x&producer-timestamp=2026"));
        assert!(!is_dated("command=x&no-producer-timestamp=2026"));
        assert!(!is_dated("command=x"));
    }
}
