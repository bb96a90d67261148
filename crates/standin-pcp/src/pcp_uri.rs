//! Who is addressed: `pcp://NAME/TYPE`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The address of a client, as `pcp://agent.example.com/agent`. Cheap to clone.
///
/// The name is the common name of the client's certificate, the type what it is. Either may be `*`
/// in a question to the inventory. Without a name it is the broker that one is associated with:
/// [`PcpUri::broker`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PcpUri {
    text: Arc<str>,
    /// Where the name ends.
    slash: usize,
}

impl PcpUri {
    /// The client of this type whose certificate has this name.
    ///
    /// # Errors
    /// When the name has a slash or the type is empty or has one.
    pub fn new(name: &str, client_type: &str) -> Result<Self, InvalidPcpUri> {
        format!("{SCHEME}{name}/{client_type}").parse()
    }

    /// The broker that one is associated with: `pcp:///server`.
    #[must_use]
    pub fn broker() -> Self {
        Self {
            text: "pcp:///server".into(),
            slash: SCHEME.len(),
        }
    }

    /// The common name; empty for the broker.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[SCHEME.len()..self.slash]
    }

    /// The type, `agent` for agents.
    #[must_use]
    pub fn client_type(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// The whole.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PcpUri {
    type Err = InvalidPcpUri;

    fn from_str(text: &str) -> Result<Self, InvalidPcpUri> {
        let wrong = |fault| InvalidPcpUri {
            text: text.to_owned(),
            fault,
        };
        let rest = text.strip_prefix(SCHEME);
        let rest = rest.ok_or_else(|| wrong(PcpUriFault::Scheme))?;
        let (name, client_type) = rest
            .split_once('/')
            .ok_or_else(|| wrong(PcpUriFault::NoType))?;
        match client_type {
            "" => return Err(wrong(PcpUriFault::NoType)),
            more if more.contains('/') => return Err(wrong(PcpUriFault::Slash)),
            _ => {}
        }
        Ok(Self {
            text: text.into(),
            slash: SCHEME.len() + name.len(),
        })
    }
}

impl TryFrom<String> for PcpUri {
    type Error = InvalidPcpUri;

    fn try_from(text: String) -> Result<Self, InvalidPcpUri> {
        text.parse()
    }
}

impl From<PcpUri> for String {
    fn from(uri: PcpUri) -> Self {
        uri.as_str().to_owned()
    }
}

impl fmt::Display for PcpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for PcpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text is no address of PCP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no PCP URI: {fault}; write pcp://NAME/TYPE")]
pub struct InvalidPcpUri {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub fault: PcpUriFault,
}

/// What is wrong with a text that should be an address of PCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PcpUriFault {
    /// It does not begin with `pcp://`.
    #[error("it does not begin with pcp://")]
    Scheme,
    /// There is no type behind the name.
    #[error("the type is missing")]
    NoType,
    /// There is a slash in the type.
    #[error("there is a slash too many")]
    Slash,
}

const SCHEME: &str = "pcp://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_type_are_told_apart() {
        let uri: PcpUri = "pcp://agent.example.com/agent".parse().unwrap();
        assert_eq!(
            (uri.name(), uri.client_type()),
            ("agent.example.com", "agent")
        );
        assert_eq!(PcpUri::new("agent.example.com", "agent"), Ok(uri));
    }

    #[test]
    fn the_broker_has_no_name() {
        let broker = PcpUri::broker();
        assert_eq!((broker.name(), broker.client_type()), ("", "server"));
        assert_eq!(broker.as_str().parse(), Ok(broker));
    }

    #[test]
    fn what_is_no_uri_is_told_why() {
        for (text, fault) in [
            ("", PcpUriFault::Scheme),
            ("http://a/b", PcpUriFault::Scheme),
            ("pcp:/a/b", PcpUriFault::Scheme),
            ("pcp://a", PcpUriFault::NoType),
            ("pcp://a/", PcpUriFault::NoType),
            ("pcp://a/b/c", PcpUriFault::Slash),
            ("pcp:////", PcpUriFault::Slash),
        ] {
            let error = text.parse::<PcpUri>().unwrap_err();
            assert_eq!(error.fault, fault, "{text}");
            assert!(error.to_string().contains("write pcp://NAME/TYPE"));
        }
    }
}
