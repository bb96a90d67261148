//! Servers: one host and one port, told apart by what they are and not by how they were written.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use url::{Host, Url};

/// One host and port. Cheap to clone; equal when host and port are.
///
/// The host is kept in one form: lower case, IDNA applied, no trailing dot, IPv6 without brackets.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    host: Box<str>,
    authority: Box<str>,
    port: u16,
}

impl Server {
    /// The server at `host` and `port`.
    ///
    /// # Errors
    /// When `host` is empty or not a host name or address, or `port` is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, InvalidServer> {
        let fault = |fault| InvalidServer {
            text: host.to_owned(),
            fault,
        };
        if port == 0 {
            return Err(fault(ServerFault::Port));
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = match bare.unwrap_or(host).parse::<Ipv6Addr>() {
            Ok(address) => Host::Ipv6(address),
            Err(_) if host.contains(':') => return Err(fault(ServerFault::Host)),
            Err(_) => Host::parse(host.strip_suffix('.').unwrap_or(host))
                .map_err(|_| fault(ServerFault::Host))?,
        };
        let (host, authority) = match host {
            Host::Domain(name) if !is_host_name(&name) => return Err(fault(ServerFault::Host)),
            Host::Domain(name) => {
                let authority = format!("{name}:{port}");
                (name, authority)
            }
            Host::Ipv4(address) => (address.to_string(), format!("{address}:{port}")),
            Host::Ipv6(address) => (address.to_string(), format!("[{address}]:{port}")),
        };
        Ok(Self(Arc::new(Inner {
            host: host.into(),
            authority: authority.into(),
            port,
        })))
    }

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or `https://` and `wss://` forms of
    /// these, as the lists of Puppet have them.
    ///
    /// # Errors
    /// When it is none of these; the error says which part is wrong and what to write.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, InvalidServer> {
        let fault = |fault| InvalidServer {
            text: text.to_owned(),
            fault,
        };
        let entry = text.trim();
        if entry.is_empty() {
            return Err(fault(ServerFault::Empty));
        }
        if let Some((scheme, rest)) = entry.split_once("://") {
            if !matches!(scheme, "https" | "wss") {
                return Err(fault(ServerFault::Scheme));
            }
            let url = Url::parse(entry).map_err(|_| fault(ServerFault::Host))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(fault(ServerFault::Host));
            }
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            return Self::parse(authority, default_port).map_err(|error| fault(error.fault));
        }
        if entry.parse::<Ipv6Addr>().is_ok() {
            return Err(fault(ServerFault::BareIpv6));
        }
        let (host, port) = match entry.rfind(':') {
            Some(colon) if !entry.ends_with(']') => (&entry[..colon], Some(&entry[colon + 1..])),
            _ => (entry, None),
        };
        let port = match port {
            None => default_port,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| fault(ServerFault::Port))?,
            Some(_) => return Err(fault(ServerFault::Port)),
        };
        Self::new(host, port).map_err(|error| fault(error.fault))
    }

    /// The host, in its one form; an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// `HOST:PORT` as it stands in a URL; an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// The same host at another port.
    ///
    /// # Errors
    /// When `port` is 0.
    pub fn at_port(&self, port: u16) -> Result<Self, InvalidServer> {
        Self::new(self.host(), port)
    }
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.authority == other.0.authority
    }
}

impl Eq for Server {}

impl Hash for Server {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.authority.hash(state);
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.authority())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.authority())
    }
}

impl Serialize for Server {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.authority())
    }
}

/// Letters, digits, hyphens and underscores between dots. URLs may have more in a host (`$`, `,` and
/// the like), but no name in DNS or in a certificate that a server has.
fn is_host_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(allowed);
    name.len() <= MOST_BYTES && name.split('.').all(is_label)
}

/// RFC 1035 section 3.1, less the bytes for the length of the first label and the root.
const MOST_BYTES: usize = 253;

/// The text names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a server: {fault}")]
pub struct InvalidServer {
    text: String,
    fault: ServerFault,
}

impl InvalidServer {
    /// Which part is wrong.
    #[must_use]
    pub const fn fault(&self) -> ServerFault {
        self.fault
    }
}

/// What is wrong with the text of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerFault {
    /// Nothing is there.
    #[error("it is empty; write HOST or HOST:PORT")]
    Empty,
    /// A scheme that no service of Puppet speaks.
    #[error("only https:// and wss:// are spoken here; write HOST:PORT")]
    Scheme,
    /// Neither a host name nor an address.
    #[error("the host is neither a name nor an address; write HOST or HOST:PORT")]
    Host,
    /// An IPv6 address whose port cannot be told from it.
    #[error("an IPv6 address needs brackets; write [ADDRESS] or [ADDRESS]:PORT")]
    BareIpv6,
    /// Not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        Server::parse(text, 8140).unwrap().authority().to_owned()
    }

    fn refused(text: &str) -> ServerFault {
        Server::parse(text, 8140).unwrap_err().fault()
    }

    #[test]
    fn every_form_in_the_wild_is_read() {
        assert_eq!(parsed("master.example.com"), "master.example.com:8140");
        assert_eq!(
            parsed(" Master.Example.com:8141 "),
            "master.example.com:8141"
        );
        assert_eq!(parsed("master.example.com."), "master.example.com:8140");
        assert_eq!(parsed("https://master:8081"), "master:8081");
        assert_eq!(parsed("https://master/"), "master:8140");
        assert_eq!(parsed("wss://master:8142/pcp2/"), "master:8142");
        assert_eq!(parsed("10.0.0.1:8140"), "10.0.0.1:8140");
        assert_eq!(parsed("[2001:DB8::1]"), "[2001:db8::1]:8140");
        assert_eq!(parsed("[2001:db8::1]:443"), "[2001:db8::1]:443");
    }

    #[test]
    fn a_bare_ipv6_address_is_not_cut_at_a_colon() {
        assert_eq!(refused("2001:db8::1"), ServerFault::BareIpv6);
        assert_eq!(refused("::1"), ServerFault::BareIpv6);
    }

    #[test]
    fn a_port_out_of_range_is_refused() {
        for text in [
            "master:0",
            "master:65536",
            "master:x",
            "master:",
            "master:-1",
            "m:+1",
        ] {
            assert_eq!(refused(text), ServerFault::Port, "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        assert_eq!(refused(""), ServerFault::Empty);
        assert_eq!(refused("http://master"), ServerFault::Scheme);
        assert_eq!(refused("a b"), ServerFault::Host);
        assert_eq!(refused(":8140"), ServerFault::Host);
        assert_eq!(refused("https://user:secret@master"), ServerFault::Host);
    }

    #[test]
    fn what_urls_allow_and_names_do_not_is_refused() {
        for text in ["a$b", "a,b", "a;b", "a'b", "a..b", "a..", ".a", "a(b)"] {
            assert_eq!(refused(text), ServerFault::Host, "{text}");
        }
        let long = "a.".repeat(127) + "b";
        assert_eq!(refused(&long), ServerFault::Host);
        assert_eq!(
            parsed("pe_master-1.example.com"),
            "pe_master-1.example.com:8140"
        );
    }

    #[test]
    fn servers_are_equal_by_identity_and_not_by_spelling() {
        let one = Server::parse("https://MASTER.test:8140", 1).unwrap();
        let two = Server::parse("master.test.", 8140).unwrap();
        assert_eq!(one, two);
    }

    #[test]
    fn the_error_says_what_to_write() {
        let error = Server::parse("::1", 8140).unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"::1\" is not a server: an IPv6 address needs brackets; write [ADDRESS] or [ADDRESS]:PORT"
        );
    }
}
