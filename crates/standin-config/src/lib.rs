//! Reads the settings files of Puppet into plain values: lists, times, paths.
//!
//! ```
//! use standin_config::{Account, Defaults, Overrides, Settings, Sources};
//! use standin_core::{Role, Service};
//!
//! # let dir = tempfile::tempdir()?;
//! # let confdir = dir.path();
//! # let text = "[agent]\nserver_list = master.example.com,replica.example.com\n";
//! # std::fs::write(confdir.join("puppet.conf"), text)?;
//! // On a real machine `Sources::of_this_machine()?` knows the confdir and the defaults.
//! let defaults = Defaults {
//!     account: Account::Root,
//!     home: "/root".into(),
//!     hostname: "agent1.example.com".into(),
//! };
//! let overrides = Overrides::new().with("--http_connect_timeout", "5s");
//! let settings = Settings::read(&Sources::new(confdir, defaults).with_overrides(overrides))?;
//!
//! assert_eq!(settings.puppet.certname, "agent1.example.com");
//! assert_eq!(settings.puppet.ssl.ca, confdir.join("ssl/certs/ca.pem"));
//! assert_eq!(settings.puppet.times.connect.as_secs(), 5);
//!
//! let installation = settings.installation()?;
//! let brokers = installation.list(Service::PcpBroker).expect("every service has a list");
//! assert_eq!(brokers.to_string(), "master.example.com:8142,replica.example.com:8142");
//! assert_eq!(brokers.entries()[1].role, Role::Replica);
//! for note in settings.notes() {
//!     println!("{note}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values that a setting has nothing to say of are the defaults of the program whose file it is.
//! What cannot be used is an error that names file, line and setting: no file is half read. Where
//! each value comes from and why, [`Settings::explain`] says.
//!
//! `puppet.conf` and `puppetdb.conf` are read as Puppet's own Ruby code reads them, value for value,
//! over a corpus of files; the table in `tests/equivalence/by_design.rs` names what is meant to
//! differ, each with its reason.
//!
//! # Map
//!
//! In reading order:
//!
//! - `sources`, `overrides`, `hosts`, `defaults`, `machine`: what is read, and what beats and completes it.
//! - `settings`: all files together; `survey`: as many of them as can be used. `stated`, `roles` and
//!   `installation` make server lists of them, `note` says what was assumed, `explain` why each value
//!   is what it is.
//! - `puppet_conf` (with its `grammar`, its `search` for a value and what it says of `http`),
//!   `puppetdb_conf`, `classifier_yaml`, `pxp_agent_conf`, `parameters`: a file each, text in and
//!   values out.
//! - [`check`]: what will hurt in an outage.
//! - `tree`: what JSON, HOCON and YAML have in common; `json`, `hocon`, `yaml`: a text in, a tree out.
//! - `value`, `listed`, `proxy`, `secret`: what values of several files share.
//! - `origin`, `error`: where a value stands, and what is wrong with it.
//!
//! # Not read
//!
//! The sections of other commands than the agent in `puppet.conf`; what a setting says in braces of
//! a file's owner and mode; `include`, and substitutions from the environment, in HOCON; Puppet's
//! directories on Windows, and those that Debian's own packages change.

pub mod check;
mod classifier_yaml;
mod defaults;
mod error;
mod explain;
mod hocon;
mod hosts;
mod installation;
mod json;
mod listed;
#[cfg(unix)]
mod machine;
mod note;
mod origin;
mod overrides;
mod parameters;
mod proxy;
mod puppet_conf;
mod puppetdb_conf;
mod pxp_agent_conf;
mod roles;
mod secret;
mod settings;
mod sources;
mod stated;
mod survey;
mod tree;
mod value;
mod yaml;

pub use classifier_yaml::{ClassifierEntry, ClassifierYaml};
pub use defaults::{Account, Defaults};
pub use error::{Place, SettingsError, SettingsFault};
pub use explain::Explanation;
pub use hocon::HoconFault;
pub use hosts::Hosts;
pub use installation::ServiceList;
#[cfg(unix)]
pub use machine::UnknownMachine;
pub use note::Note;
pub use origin::{Origin, Rule, Unused};
pub use overrides::Overrides;
pub use parameters::{Parameters, Replication, ReplicationMode, WrittenPort, WrittenServer};
pub use proxy::{NoProxy, Proxy};
pub use puppet_conf::{
    Dirs, ExtraHeader, Http, PuppetConf, Reports, Revocation, SrvRecords, SslPaths, Times,
    WithoutCatalog,
};
pub use puppetdb_conf::{
    ClientCertificate, CutShort, FirstQueried, PuppetDbConf, Submission, UnchangedResources,
    WriteFailure,
};
pub use pxp_agent_conf::{BrokerUri, PcpVersion, PxpAgentConf};
pub use secret::Secret;
pub use settings::Settings;
pub use sources::Sources;
pub use survey::Survey;
