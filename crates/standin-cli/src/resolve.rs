//! Reads `HOST[:PORT]:ADDRESS[,ADDRESS]...`.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use standin::{Names, Server};

/// The addresses of a host that the system's resolver is not to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolve {
    /// In the one form that hosts of servers have.
    host: String,
    /// At every port without one.
    port: Option<u16>,
    addresses: Vec<IpAddr>,
}

impl Resolve {
    /// `names` with these addresses.
    pub(crate) fn add_to(&self, names: Names) -> Names {
        let addresses = self.addresses.iter();
        addresses.fold(names, |names, address| match self.port {
            Some(port) => names.with_at(&self.host, port, *address),
            None => names.with(&self.host, *address),
        })
    }
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("there is no address; {FORM}"))?;
        let host = Server::new(host, ANY_PORT)
            .map_err(|_| format!("{host:?} is no host name; {FORM}"))?
            .host()
            .to_owned();
        let (port, addresses) = match rest.split_once(':') {
            Some((digits, addresses)) if is_number(digits) => (Some(port(digits)?), addresses),
            _ => (None, rest),
        };
        let addresses = addresses
            .split(',')
            .map(address)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            host,
            port,
            addresses,
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn port(digits: &str) -> Result<u16, String> {
    let port = digits.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| format!("{digits} is no port; write one from 1 to 65535"))
}

fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match (bare, text.parse::<IpAddr>()) {
        (Some(bare), _) => bare
            .parse::<Ipv6Addr>()
            .map(IpAddr::V6)
            .map_err(|_| format!("{bare:?} is no IPv6 address")),
        (None, Ok(address @ IpAddr::V4(_))) => Ok(address),
        (None, Ok(IpAddr::V6(_))) => {
            Err("an IPv6 address needs brackets; write HOST:[ADDRESS]".to_owned())
        }
        (None, Err(_)) => Err(format!("{text:?} is no address; {FORM}")),
    }
}

const FORM: &str = "write HOST:PORT:ADDRESS, or HOST:ADDRESS for every port";

/// A server has a port, and a name has none.
const ANY_PORT: u16 = 8140;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<u16>, Vec<String>) {
        let Resolve {
            host,
            port,
            addresses,
        } = text.parse().unwrap();
        let addresses = addresses.iter().map(ToString::to_string).collect();
        (host, port, addresses)
    }

    #[test]
    fn it_is_read_as_curl_reads_it() {
        let expected = |port, addresses: &[&str]| {
            let addresses = addresses.iter().map(|text| (*text).to_owned()).collect();
            ("m.test".to_owned(), port, addresses)
        };
        assert_eq!(
            read("M.test.:8140:10.0.0.1"),
            expected(Some(8140), &["10.0.0.1"])
        );
        assert_eq!(
            read("m.test:8140:10.0.0.1,[2001:db8::1]"),
            expected(Some(8140), &["10.0.0.1", "2001:db8::1"])
        );
    }

    #[test]
    fn without_a_port_it_holds_for_every_port() {
        let (_, port, addresses) = read("m.test:[2001:db8::1]");
        assert_eq!((port, addresses), (None, vec!["2001:db8::1".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |text: &str| text.parse::<Resolve>().unwrap_err();
        assert!(refused("m.test").contains("HOST:PORT:ADDRESS"));
        assert!(refused("m.test:").contains("no address"));
        assert!(refused(":10.0.0.1").contains("no host name"));
        assert!(refused("m.test:::1").contains("brackets"));
        assert!(refused("m.test:8140:10.0.0").contains("no address"));
        assert!(refused("m.test:8140:10.0.0.1,").contains("no address"));
        assert!(refused("m.test:0:10.0.0.1").contains("no port"));
        assert!(refused("m.test:65536:10.0.0.1").contains("no port"));
        assert!(refused("m.test:[10.0.0.1]").contains("no IPv6 address"));
    }
}
