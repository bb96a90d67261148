//! The table of operations: what is known of the public requests to each service, and why.
//!
//! Sources: the API pages of Puppet Server, PuppetDB and Puppet Enterprise, and the routes of Puppet's
//! own clients. `OPERATIONS.md` beside this crate shows all of it.

use serde::Serialize;

use super::path::{Spelling, fits, without_query};
use super::{Effect, Length, Operation, Repeat};
use crate::Service;

mod activity;
mod certificate_authority;
mod code_manager;
mod file_sync;
mod node_classifier;
mod orchestrator;
mod puppet_server;
mod puppetdb;
mod rbac;
mod unrouted;

/// A row of the table: what is known of requests with a method whose path fits a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The method. What is known of GET holds for HEAD.
    pub method: &'static str,
    /// The path: `*` stands for one segment, `**` for any number of them.
    pub path: &'static str,
    /// What is known.
    pub operation: Operation,
    /// Why.
    pub reason: &'static str,
}

/// A request that belongs to no service: it goes to the server that it names, once, and to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unrouted {
    /// The method.
    pub method: &'static str,
    /// The path, as in [`Row::path`].
    pub path: &'static str,
    /// Why.
    pub reason: &'static str,
}

impl Row {
    /// Every row, by service, method and path.
    pub fn all() -> impl Iterator<Item = Self> {
        let methods = ["GET", "POST", "PUT", "DELETE"];
        let lists = Service::ALL
            .into_iter()
            .flat_map(move |service| methods.map(|method| (service, rows(service).of(method))));
        lists.flat_map(|(service, (method, known))| {
            known.iter().map(move |known| known.row(service, method))
        })
    }

    /// The row for a request with this method and path, if the table has one.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let path = without_query(path);
        if Spelling::of(path) != Spelling::Plain {
            return None;
        }
        let service = Service::of_path(path)?;
        let (method, known) = find(service, method, path)?;
        Some(known.row(service, method))
    }
}

impl Unrouted {
    /// The public requests of Puppet's servers that are about one server.
    pub fn all() -> impl Iterator<Item = Self> {
        unrouted::UNROUTED.iter().copied()
    }
}

/// What the table knows of a path that is spelled plainly, and under which method.
pub(super) fn find(
    service: Service,
    method: &str,
    path: &str,
) -> Option<(&'static str, &'static Known)> {
    let (method, rows) = rows(service).of(method);
    let mut fitting = rows.iter().filter(|row| row.may_fit(path));
    let known = fitting.find(|row| fits(row.path, path))?;
    Some((method, known))
}

/// A row beneath its service and method.
#[derive(Debug)]
pub(super) struct Known {
    path: &'static str,
    /// How much of the pattern is the beginning of every path that fits.
    head: usize,
    effect: Effect,
    repeat: Repeat,
    length: Length,
    reason: &'static str,
}

/// The rows of a service.
struct Rows {
    get: &'static [Known],
    post: &'static [Known],
    put: &'static [Known],
    delete: &'static [Known],
}

impl Rows {
    /// The rows of a method, and the method that they are under.
    const fn of(&self, method: &str) -> (&'static str, &'static [Known]) {
        match method.as_bytes() {
            b"GET" | b"HEAD" => ("GET", self.get),
            b"POST" => ("POST", self.post),
            b"PUT" => ("PUT", self.put),
            b"DELETE" => ("DELETE", self.delete),
            _ => ("", &[]),
        }
    }
}

impl Known {
    /// Whether the path begins as the pattern does, which most do not.
    fn may_fit(&self, path: &str) -> bool {
        path.as_bytes().get(..self.head) == self.path.as_bytes().get(..self.head)
    }

    pub(super) const fn operation(&self, service: Service) -> Operation {
        Operation {
            service,
            effect: self.effect,
            repeat: self.repeat,
            length: self.length,
        }
    }

    const fn row(&self, service: Service, method: &'static str) -> Row {
        Row {
            method,
            path: self.path,
            operation: self.operation(service),
            reason: self.reason,
        }
    }

    /// Minutes are normal.
    const fn long(mut self) -> Self {
        self.length = Length::Long;
        self
    }
}

/// Changes nothing.
const fn read(path: &'static str, reason: &'static str) -> Known {
    known(path, Effect::Read, Repeat::Harmless, reason)
}

/// Changes something, and twice is as once.
const fn again(path: &'static str, reason: &'static str) -> Known {
    known(path, Effect::Write, Repeat::Harmless, reason)
}

/// Changes something, once.
const fn once(path: &'static str, reason: &'static str) -> Known {
    known(path, Effect::Write, Repeat::Harmful, reason)
}

const fn known(path: &'static str, effect: Effect, repeat: Repeat, reason: &'static str) -> Known {
    Known {
        path,
        head: head(path.as_bytes()),
        effect,
        repeat,
        length: Length::Cheap,
        reason,
    }
}

/// Up to the slash before the first star; without a star, all of it.
const fn head(pattern: &[u8]) -> usize {
    let mut at = 0;
    while at < pattern.len() {
        if pattern[at] == b'*' {
            return at - 1;
        }
        at += 1;
    }
    at
}

const fn rows(service: Service) -> &'static Rows {
    match service {
        Service::PuppetServer => &puppet_server::ROWS,
        Service::FileSync => &file_sync::ROWS,
        Service::PuppetDb => &puppetdb::ROWS,
        Service::CertificateAuthority => &certificate_authority::ROWS,
        Service::Rbac => &rbac::ROWS,
        Service::NodeClassifier => &node_classifier::ROWS,
        Service::Activity => &activity::ROWS,
        Service::Orchestrator => &orchestrator::ROWS,
        Service::CodeManager => &code_manager::ROWS,
        // A console is a page for people, a broker speaks WebSocket.
        Service::Console | Service::PcpBroker => &NONE,
    }
}

const NONE: Rows = Rows {
    get: &[],
    post: &[],
    put: &[],
    delete: &[],
};
