//! Parameters of Puppet Enterprise, as its classifier and Hiera have them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use standin_core::{Server, ServerList};

mod find;
mod lists;

use crate::origin::Readings;
use crate::tree::TreeError;
use crate::{Origin, SettingsError, json, yaml};

/// What a file of classes and their parameters says of where servers are.
///
/// The file is JSON or YAML: Hiera's flat `puppet_enterprise::profile::agent::server_list`, the
/// classifier's `classes` (of one group or a list of them), or bare names. A parameter counts
/// whatever class of `puppet_enterprise` it is of; what is said twice has to be said alike.
///
/// Sources: <https://help.puppet.com/pe/current/topics/dr_provision_replica.htm>, and the high
/// availability overview for the names of 2017.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parameters {
    /// The file.
    pub path: PathBuf,
    /// Where agents find Puppet Server; `server_list`, which was `agent-server-urls`. A port left
    /// out is 8140. An empty list is none.
    pub server_list: Option<ServerList>,
    /// Where agents find brokers; `pcp_broker_ws_uris`, else `pcp_broker_list`. A port left out is
    /// 8142, though Puppet Enterprise wants it written in `pcp_broker_list`. An empty list is none.
    pub brokers: Option<ServerList>,
    /// Where agents fetch the files of tasks; `primary_uris`, which was `master_uris`. A port left
    /// out is 8140. An empty list is none.
    pub primaries: Option<ServerList>,
    /// Where the classifiers are; `classifier_host` at `classifier_port`, 4433 by default.
    pub classifiers: Option<ServerList>,
    /// Where the PuppetDBs are; `puppetdb_host` at `puppetdb_port`, 8081 by default.
    pub puppetdbs: Option<ServerList>,
    /// The hosts of the replicas that may be failed over to, in lower case and without a dot at the
    /// end; `ha_enabled_replicas`. None when nothing is said of it.
    pub enabled_replicas: Option<Vec<String>>,
    /// What replication is set to; `replication_mode`, once for each class that sets it.
    pub replication: Vec<Replication>,
    /// Every server that the lists name, as it is written there.
    pub written: Vec<WrittenServer>,
    pub(crate) readings: Readings,
}

/// What a class sets replication to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replication {
    /// Which way it goes.
    pub mode: ReplicationMode,
    /// Where it is set.
    pub origin: Origin,
}

/// Which way replication goes. Exhaustive on purpose: Puppet Enterprise knows these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicationMode {
    /// Not at all.
    None,
    /// From this host: it is the master.
    Source,
    /// To this host: it is a replica.
    Replica,
}

/// A server as a parameter has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenServer {
    /// The parameter, without its class.
    pub parameter: &'static str,
    /// What is written.
    pub text: String,
    /// The server that it names.
    pub server: Server,
    /// Whether its port is written.
    pub port: WrittenPort,
    /// Where it stands.
    pub origin: Origin,
}

/// Whether a port is written. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenPort {
    /// It is.
    Written,
    /// It is left out, and the service's own was taken.
    Assumed,
}

impl Parameters {
    /// Reads `text`, which stands in the file at `path`: JSON when that ends in `.json`, else YAML.
    ///
    /// # Errors
    /// When the text is neither, or a parameter has a value that cannot be used or is set twice
    /// and not alike.
    pub fn parse(text: &str, path: &Path) -> Result<Self, SettingsError> {
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let tree = if is_json {
            json::read(text)
        } else {
            yaml::read(text)
        };
        let tree = tree.map_err(|error: TreeError| error.of(path))?;
        let path: Arc<Path> = path.into();
        let found = find::find(&tree, &path)?;
        lists::read(&found, &path)
    }

    /// Where the value of a parameter was found; None for one that the file does not set.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.readings.origin(name)
    }
}

#[cfg(test)]
mod tests;
