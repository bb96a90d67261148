//! Reads `HOST:ADDRESS`.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use standin::Server;

/// The address of a host that the system's resolver is not to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolve {
    /// In the one form that hosts of servers have.
    pub(crate) host: String,
    pub(crate) address: IpAddr,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, address) = text
            .split_once(':')
            .ok_or("there is no address; write HOST:ADDRESS")?;
        let host = Server::new(host, ANY_PORT)
            .map_err(|_| format!("{host:?} is no host name; write HOST:ADDRESS"))?
            .host()
            .to_owned();
        let address = read_address(address)?;
        Ok(Self { host, address })
    }
}

fn read_address(text: &str) -> Result<IpAddr, String> {
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
        (None, Err(_)) => Err(format!(
            "{text:?} is no address; write HOST:ADDRESS without a port, for it holds for all of them"
        )),
    }
}

/// A server has a port, and a name has none.
const ANY_PORT: u16 = 8140;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_addresses_are_read() {
        let read = |text: &str| {
            let Resolve { host, address } = text.parse().unwrap();
            (host, address.to_string())
        };
        let expected = |host: &str, address: &str| (host.to_owned(), address.to_owned());
        assert_eq!(read("M.test.:10.0.0.1"), expected("m.test", "10.0.0.1"));
        assert_eq!(
            read("m.test:[2001:db8::1]"),
            expected("m.test", "2001:db8::1")
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |text: &str| text.parse::<Resolve>().unwrap_err();
        assert!(refused("m.test").contains("HOST:ADDRESS"));
        assert!(refused("m.test:").contains("no address"));
        assert!(refused(":10.0.0.1").contains("no host name"));
        assert!(refused("m.test:::1").contains("brackets"));
        assert!(refused("m.test:8140:10.0.0.1").contains("without a port"));
        assert!(refused("m.test:[10.0.0.1]").contains("no IPv6 address"));
    }
}
