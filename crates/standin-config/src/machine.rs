//! The machine: its full name, and the user that this process runs as.

use std::fs;
use std::path::PathBuf;

use crate::{Account, Defaults};

/// The machine does not tell what the defaults of settings are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownMachine {
    /// A user other than root needs a home, for it holds the settings.
    #[error("HOME is not set; set it, or name the confdir and the defaults")]
    NoHome,
    /// The name of the machine is empty or not UTF-8.
    #[error("the machine has no name; set one, or pass the certname")]
    NoHostname,
}

impl Defaults {
    /// The defaults of this machine and of the user that this process runs as.
    ///
    /// The full name is found without asking DNS: the host name itself if it has a dot, else its
    /// first full name in `/etc/hosts`, else with the domain of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// When the machine has no name, or a user other than root has no `HOME`.
    pub fn of_this_machine() -> Result<Self, UnknownMachine> {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let (account, home) = match (rustix::process::geteuid().is_root(), home) {
            (true, home) => (
                Account::Root,
                home.map_or_else(|| "/root".into(), PathBuf::from),
            ),
            (false, Some(home)) => (Account::User, home.into()),
            (false, None) => return Err(UnknownMachine::NoHome),
        };
        let system = rustix::system::uname();
        let name = system.nodename().to_str().unwrap_or_default();
        if name.is_empty() {
            return Err(UnknownMachine::NoHostname);
        }
        // An absent file only means that there is no domain in it.
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        let resolver = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Ok(Self {
            account,
            home,
            hostname: full_name(name, &hosts, &resolver),
        })
    }
}

fn full_name(name: &str, hosts: &str, resolver: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let listed = hosts.lines().find_map(|line| {
        let names = || {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .skip(1)
        };
        names().find(|other| *other == name)?;
        names().find(|other| other.contains('.'))
    });
    if let Some(listed) = listed {
        return listed.to_owned();
    }
    let domain = |key: &str| {
        resolver.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(key)).then(|| words.next()).flatten()
        })
    };
    match domain("domain").or_else(|| domain("search")) {
        Some(domain) => format!("{name}.{}", domain.trim_matches('.')),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_dot_is_full() {
        assert_eq!(full_name("a.b", "1.1.1.1 a.c a.b", "domain d"), "a.b");
    }

    #[test]
    fn the_first_full_name_beside_it_in_hosts_comes_next() {
        let hosts =
            "# 10.0.0.9 no.example.com a\n127.0.0.1 localhost\n10.0.0.1 a.example.com a # a\n";
        assert_eq!(full_name("a", hosts, "domain other"), "a.example.com");
    }

    #[test]
    fn the_domain_of_the_resolver_comes_last() {
        assert_eq!(
            full_name("a", "", "search s.test\ndomain d.test"),
            "a.d.test"
        );
        assert_eq!(
            full_name("a", "", "nameserver 1.1.1.1\nsearch s.test t.test"),
            "a.s.test"
        );
        assert_eq!(full_name("a", "", ""), "a");
    }

    #[test]
    fn this_machine_has_a_name() {
        if let Ok(defaults) = Defaults::of_this_machine() {
            assert!(!defaults.certname().is_empty());
        }
    }
}
