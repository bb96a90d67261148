//! Whom to ask first, against the order of the settings.

use std::fmt;
use std::str::FromStr;

use standin::{Installation, Role, Server, ServerList, Service};

use crate::code::Code;
use crate::failure::Failure;

/// Who comes first in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Preferred {
    Role(Role),
    /// In the one form that hosts of servers have.
    Host(String),
}

impl FromStr for Preferred {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "master" => Ok(Self::Role(Role::Master)),
            "replica" => Ok(Self::Role(Role::Replica)),
            host => match Server::new(host, ANY_PORT) {
                Ok(server) => Ok(Self::Host(server.host().to_owned())),
                Err(_) => Err("write master, replica, or a host of the settings".to_owned()),
            },
        }
    }
}

impl Preferred {
    /// The installation in which those who are preferred come first for `service`.
    ///
    /// # Errors
    /// When its list has none of them.
    pub(super) fn first_in(
        &self,
        installation: &Installation,
        service: Service,
    ) -> Result<Installation, Failure> {
        let list = installation.list(service);
        let entries = list.map_or(&[][..], ServerList::entries).iter();
        let (mut first, rest): (Vec<_>, Vec<_>) = entries
            .map(|entry| (entry.server.clone(), entry.role))
            .partition(|(server, role)| self.is(server, *role));
        if first.is_empty() {
            let known: Vec<_> = rest
                .iter()
                .map(|(server, role)| format!("{server} ({role})"))
                .collect();
            let known = match known.is_empty() {
                true => "nobody".to_owned(),
                false => known.join(", "),
            };
            let story = format!("--prefer {self}: {service} has no such server, but {known}");
            return Err(Failure::new(Code::USAGE, story));
        }
        first.extend(rest);
        let list = ServerList::with_roles(first).map_err(|error| Failure::usage(&error))?;
        Ok(installation.clone().with(service, list))
    }

    fn is(&self, server: &Server, role: Role) -> bool {
        match self {
            Self::Role(preferred) => *preferred == role,
            Self::Host(host) => host == server.host(),
        }
    }
}

impl fmt::Display for Preferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::Host(host) => f.pad(host),
        }
    }
}

/// A server has a port, and a host has none.
const ANY_PORT: u16 = 8140;
