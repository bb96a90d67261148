//! Names of clients: `pcp://certname/type`.

use std::fmt;
use std::sync::Arc;

/// The URI of a client. In a query either part may be `*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Uri(Arc<str>);

impl Uri {
    pub(crate) fn new(certname: &str, client_type: &str) -> Self {
        Self(format!("{SCHEME}{certname}/{client_type}").into())
    }

    /// Reads one: a certname, which may be empty, a slash, and a type, which may hold further ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, client_type) = text.strip_prefix(SCHEME)?.split_once('/')?;
        (!client_type.is_empty() && !client_type.contains('/')).then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn certname(&self) -> &str {
        self.parts().0
    }

    pub(crate) fn client_type(&self) -> &str {
        self.parts().1
    }

    pub(crate) fn has_wildcard(&self) -> bool {
        self.certname() == ANY || self.client_type() == ANY
    }

    /// Whether this pattern means that client.
    pub(crate) fn matches(&self, client: &Self) -> bool {
        let is_meant = |pattern: &str, part: &str| pattern == ANY || pattern == part;
        is_meant(self.certname(), client.certname())
            && is_meant(self.client_type(), client.client_type())
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or_default();
        rest.split_once('/').unwrap_or((rest, ""))
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const SCHEME: &str = "pcp://";
const ANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_a_scheme_a_name_and_a_type() {
        let uri = Uri::parse("pcp://agent.test/agent").unwrap();
        assert_eq!((uri.certname(), uri.client_type()), ("agent.test", "agent"));
        assert_eq!(uri, Uri::new("agent.test", "agent"));
        assert!(Uri::parse("pcp:///server").is_some());
        for wrong in [
            "",
            "pcp://",
            "pcp://a",
            "pcp://a/",
            "pcp://a/b/c",
            "wss://a/b",
        ] {
            assert_eq!(Uri::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_asterisk_means_any_name_or_any_type() {
        let client = Uri::new("agent.test", "agent");
        for pattern in [
            "pcp://*/agent",
            "pcp://agent.test/*",
            "pcp://*/*",
            "pcp://agent.test/agent",
        ] {
            assert!(Uri::parse(pattern).unwrap().matches(&client), "{pattern}");
        }
        assert!(!Uri::parse("pcp://*/controller").unwrap().matches(&client));
        assert!(!Uri::parse("pcp://agent/*").unwrap().matches(&client));
    }
}
