//! Proxies: who stands between an agent and its servers, and for whom nobody does.

use std::fmt;

use url::{Host, Url};

use crate::{Secret, SettingsFault};

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// Its name or address; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who it is told that we are, if it is told.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
}

impl Proxy {
    /// Reads `http://[USER[:PASSWORD]@]HOST[:PORT]`, as environments have it.
    pub(crate) fn parse_url(text: &str) -> Result<Self, SettingsFault> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "http")
            .ok_or(SettingsFault::Proxy)?;
        let host = match url.host().ok_or(SettingsFault::Proxy)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Ok(Self {
            host,
            port: url.port_or_known_default().ok_or(SettingsFault::Proxy)?,
            user: Some(url.username())
                .filter(|user| !user.is_empty())
                .map(str::to_owned),
            password: url.password().map(Secret::new),
        })
    }
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

/// For whom the proxy is not used: an entry of `no_proxy`.
///
/// An entry is compared with the end of the name, as Puppet does: `example.com`, `.example.com` and
/// `*.example.com` all leave out `host.example.com`. With a port it leaves out that port alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoProxy {
    /// What a name has to end with; `*` stands for anything.
    pub name: String,
    /// The port, if the entry is for one alone.
    pub port: Option<u16>,
}

impl NoProxy {
    /// Whether requests to this host and port go without the proxy.
    #[must_use]
    pub fn leaves_out(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && ends_with(host, &self.name)
    }
}

/// Whether `text` ends with something that `pattern` describes, in which `*` stands for anything.
fn ends_with(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    for (index, part) in pattern.rsplit('*').enumerate() {
        rest = if index == 0 {
            match rest.strip_suffix(part) {
                Some(rest) => rest,
                None => return false,
            }
        } else {
            match rest.rfind(part) {
                Some(at) => &rest[..at],
                None => return false,
            }
        };
    }
    true
}
