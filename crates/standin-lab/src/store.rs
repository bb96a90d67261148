//! What a host has stored, and how PuppetDB and the classifier copy it to the other host.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

/// What one host has stored. Clones share one store.
#[derive(Clone, Default)]
pub struct Store {
    contents: Arc<Mutex<Contents>>,
}

/// A report that a Puppet Server took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The node it is about.
    pub certname: String,
    /// The environment in the query.
    pub environment: String,
    /// The body as sent, cut at the lab's limit of 4 MiB.
    pub body: Bytes,
}

/// A command that a PuppetDB took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// The node it is about.
    pub certname: String,
    /// What it does, as `replace_facts`.
    pub command: String,
    /// The version of the command.
    pub version: String,
    /// As the client wrote it; PuppetDB's own time if it wrote none.
    pub producer_timestamp: String,
    /// The body as sent, cut at the lab's limit of 4 MiB.
    pub body: Bytes,
    /// What was answered to its sender.
    pub uuid: String,
    pub(crate) produced: OffsetDateTime,
}

/// A certificate request that the certificate authority took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateRequest {
    /// The name it was sent for.
    pub certname: String,
    /// The request as sent.
    pub pem: String,
}

impl Store {
    /// The reports that were sent to this host, in order.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.open().reports.clone()
    }

    /// The commands that were sent to this host's PuppetDB, in order: not those that replication brought.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.open().commands.clone()
    }

    /// What this host's PuppetDB knows: of each node and command the one with the newest producer timestamp, whichever
    /// host took it.
    #[must_use]
    pub fn newest_commands(&self) -> Vec<Command> {
        self.open().newest.values().cloned().collect()
    }

    /// The facts of a node that this host's PuppetDB knows.
    #[must_use]
    pub fn facts(&self, certname: &str) -> Option<Value> {
        let contents = self.open();
        let command = contents
            .newest
            .get(&(certname.to_owned(), "replace_facts".to_owned()))?;
        serde_json::from_slice::<Value>(&command.body)
            .ok()?
            .get("values")
            .cloned()
    }

    /// The node groups, without the root group.
    #[must_use]
    pub fn groups(&self) -> Vec<Value> {
        self.open().groups.values().cloned().collect()
    }

    /// What the code manager of this host was asked to deploy, in order.
    #[must_use]
    pub fn deploys(&self) -> Vec<Value> {
        self.open().deploys.clone()
    }

    /// What the orchestrator of this host was asked to run, in order.
    #[must_use]
    pub fn jobs(&self) -> Vec<Value> {
        self.open().jobs.clone()
    }

    /// The certificate requests that were sent to this host's certificate authority, in order.
    #[must_use]
    pub fn csrs(&self) -> Vec<CertificateRequest> {
        self.open().csrs.clone()
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_command(&self, command: Command) {
        let mut contents = self.open();
        contents.keep_newest(command.clone());
        contents.commands.push(command);
    }

    /// Read-write replication of PuppetDB: afterwards both know the newest of everything.
    pub(crate) fn sync_commands(&self, other: &Self) {
        let ours: Vec<Command> = self.newest_commands();
        let theirs: Vec<Command> = other.newest_commands();
        let mut contents = self.open();
        theirs
            .into_iter()
            .for_each(|command| contents.keep_newest(command));
        drop(contents);
        let mut contents = other.open();
        ours.into_iter()
            .for_each(|command| contents.keep_newest(command));
    }

    /// Read-only replication of the classifier: afterwards `replica` has what the master has.
    pub(crate) fn copy_groups_to(&self, replica: &Self) {
        let groups = self.open().groups.clone();
        replica.open().groups = groups;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contents = self.open();
        f.debug_struct("Store")
            .field("reports", &contents.reports.len())
            .field("commands", &contents.commands.len())
            .field("groups", &contents.groups.len())
            .finish_non_exhaustive()
    }
}

/// What lies in a store.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) reports: Vec<Report>,
    commands: Vec<Command>,
    /// By certname and command.
    newest: BTreeMap<(String, String), Command>,
    /// By id.
    pub(crate) groups: BTreeMap<String, Value>,
    pub(crate) deploys: Vec<Value>,
    pub(crate) jobs: Vec<Value>,
    pub(crate) csrs: Vec<CertificateRequest>,
    /// Signed certificates in PEM, by certname.
    pub(crate) signed: BTreeMap<String, String>,
}

impl Contents {
    fn keep_newest(&mut self, command: Command) {
        let key = (command.certname.clone(), command.command.clone());
        let is_newer = self
            .newest
            .get(&key)
            .is_none_or(|known| known.produced < command.produced);
        if is_newer {
            self.newest.insert(key, command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(at: &str, value: u32) -> Command {
        Command {
            certname: "agent.test".to_owned(),
            command: "replace_facts".to_owned(),
            version: "5".to_owned(),
            producer_timestamp: at.to_owned(),
            body: Bytes::from(format!(r#"{{"values":{{"a":{value}}}}}"#)),
            uuid: String::new(),
            produced: crate::clock::parse(at).unwrap(),
        }
    }

    #[test]
    fn the_newest_producer_timestamp_wins_in_any_order() {
        let store = Store::default();
        store.add_command(facts("2026-11-23T04:00:02Z", 2));
        store.add_command(facts("2026-11-23T04:00:01.500Z", 1));
        assert_eq!(store.facts("agent.test").unwrap()["a"], 2);
        assert_eq!(store.commands().len(), 2);
    }

    #[test]
    fn both_sides_know_the_newest_after_a_sync() {
        let (one, other) = (Store::default(), Store::default());
        one.add_command(facts("2026-11-23T04:00:01Z", 1));
        other.add_command(facts("2026-11-23T04:00:02Z", 2));
        one.sync_commands(&other);
        assert_eq!(one.facts("agent.test").unwrap()["a"], 2);
        assert_eq!(other.facts("agent.test").unwrap()["a"], 2);
        assert_eq!(one.commands().len(), 1);
    }
}
