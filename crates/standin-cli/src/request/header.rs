//! Reads `Name: value`.

use std::str::FromStr;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue};

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The value may be a secret, so it is not repeated.
        let form = || "write 'Name: value'".to_owned();
        let (name, value) = text.split_once(':').ok_or_else(form)?;
        let name = HeaderName::try_from(name.trim_end())
            .map_err(|_| format!("{name:?} is no name of a header; write 'Name: value'"))?;
        if OURS.contains(&name) {
            return Err(format!(
                "{name} is made from the server and the data; leave it out"
            ));
        }
        let mut value = HeaderValue::try_from(value.trim()).map_err(|_| {
            format!("the value of {name} cannot be sent; it has control characters")
        })?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

/// What would contradict the way the request is sent.
const OURS: [HeaderName; 3] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_around_the_value_do_not_count() {
        let Header { name, value } = "X-Authentication:  t:o:ken ".parse().unwrap();
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("x-authentication", &b"t:o:ken"[..])
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in [
            "",
            "name",
            ": value",
            "a b: c",
            "host: a",
            "Content-Length: 3",
            "a: b\nc: d",
        ] {
            assert!(text.parse::<Header>().is_err(), "{text}");
        }
    }
}
