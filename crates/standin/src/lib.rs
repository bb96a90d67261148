//! Puppet Enterprise high availability for agents.
mod body;
mod classify;
mod client;
mod deadline;
mod drive;
mod error;
pub mod https;
mod probe;
mod rebase;
mod route;
mod run;
mod served;
mod service;
#[cfg(feature = "puppet-settings")]
mod settings;
mod shared;
pub mod transport;

pub use body::{Body, KEPT_MOST};
pub use classify::{Classify, PuppetAnswers};
pub use client::{Client, ClientBuilder};
pub use deadline::Deadline;
pub use error::{Error, ErrorKind};
pub use run::{OnLoss, Run};
pub use served::{Attempt, Served, Switched};
pub use service::{Failover, FailoverLayer};
#[cfg(feature = "puppet-settings")]
pub use settings::UnfitSettings;
pub use standin_core::{
    Effect, Installation, Length, Operation, Policy, Repeat, Role, Server, ServerList, Service,
    Verdict, health::Snapshot, policy,
};
#[cfg(feature = "puppet-settings")]
pub use standin_config as config;
pub use standin_net::{Names, Revocation, SslFileError, SslFiles, Tls};
