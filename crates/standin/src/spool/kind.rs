//! What is kept.

use std::fmt;

use http::Method;
use serde::Serialize;
use standin_core::Service;

/// What an entry of a spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A report, for Puppet Server: `PUT /puppet/v3/report/NAME`.
    Report,
    /// A command, for PuppetDB: `POST /pdb/cmd/v1`.
    Command,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Report, Self::Command];

    /// What a request with this method and path is, if it is one of them.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let is_report = || {
            path.strip_prefix(REPORT)
                .is_some_and(|name| !name.is_empty() && !name.contains('/'))
        };
        if *method == Method::PUT && is_report() {
            return Some(Self::Report);
        }
        (*method == Method::POST && path == COMMAND).then_some(Self::Command)
    }

    /// What requests to a service show to be deliverable.
    pub(crate) const fn taken_by(service: Service) -> Option<Self> {
        match service {
            Service::PuppetServer => Some(Self::Report),
            Service::PuppetDb => Some(Self::Command),
            _ => None,
        }
    }

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Report => Method::PUT,
            Self::Command => Method::POST,
        }
    }

    /// Its place in [`Kind::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Report => 0,
            Self::Command => 1,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Command => "command",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// `lib/puppet/http/service/report.rb` of Puppet.
const REPORT: &str = "/puppet/v3/report/";
/// `lib/puppet/util/puppetdb/command.rb` of the PuppetDB terminus.
const COMMAND: &str = "/pdb/cmd/v1";
