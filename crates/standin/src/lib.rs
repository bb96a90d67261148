//! Puppet Enterprise high availability for agents: work goes to the primary master first and, when
//! the master is fully or partly unreachable, to the replica, service by service.
//!
//! ```no_run
//! use standin::{Client, Installation, Served, SslFiles, Tls};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let installation = Installation::of_hosts("master.example.com", Some("replica.example.com"))?;
//! let ssldir = std::path::Path::new("/etc/puppetlabs/puppet/ssl");
//! let tls = Tls::from_files(&SslFiles::in_dir(ssldir, "agent.example.com"))?;
//! let client = Client::builder(installation, tls).agent("agent.example.com").build()?;
//!
//! let response = client.get("/puppet/v3/node/agent.example.com?environment=production").await?;
//! let served = response.extensions().get::<Served>().expect("every answer says who served it");
//! println!("{} by {} ({})", response.status(), served.server, served.role);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! What an agent holds:
//! - [`Client`], the ready-made client; [`Client::from_settings`] makes one of Puppet's own files
//! - [`FailoverLayer`] and [`Failover`], the same as tower middleware over any HTTP service;
//!   [`Over`] does it on a [`transport`] of one's own
//! - [`Run`] and [`OnLoss`], the span in which a service keeps to one server; [`Deadline`]
//! - [`Served`] on every answer, [`Error`] with every [`Attempt`]; [`Snapshot`], and a watch of it
//! - [`Submissions`], what became of a command that every PuppetDB gets
//! - [`telling`]: what is logged and counted
//! - [`MemoryFile`], so that the next process begins where this one ended; a [`spool`] for reports and
//!   commands that nobody took, and [`Spooled`] on the answer that says so
//!
//! What can be brought along:
//! - [`Policy`]: times and bounds; [`Bounds`]: what a server may send; [`Operation`] and [`WholeBody`] in
//!   a request's extensions, or [`Operations`] and the like for all of a client; [`Body`]. What is known
//!   of each request of Puppet's is in
//!   [OPERATIONS.md](https://docs.rs/crate/standin-core/latest/source/OPERATIONS.md)
//! - [`Classify`]: what an answer means; [`transport`]: how a server is reached; [`resolvers`]: where
//!   the lists come from
//!
//! The way of a request: `route` (whose is it?), the core's plan driven by `drive`, a connection of
//! a [`transport`], `rebase` (point the request at that server), `classify`, and back to health.

mod body;
mod broadcast;
mod classify;
mod client;
mod deadline;
mod defaults;
mod drive;
mod error;
pub mod https;
mod memory;
#[cfg_attr(feature = "metrics", path = "meter/on.rs")]
#[cfg_attr(not(feature = "metrics"), path = "meter/off.rs")]
mod meter;
mod over;
mod probe;
mod prober;
mod producer;
mod rebase;
mod redirect;
mod reports;
pub mod resolvers;
mod route;
mod run;
mod served;
mod service;
#[cfg(feature = "puppet-settings")]
mod settings;
mod shared;
pub mod spool;
mod submissions;
pub mod telling;
pub mod transport;
mod whole_body;

pub use body::{Body, KEPT_MOST, RequestBodyError};
pub use classify::{Classify, PuppetAnswers};
pub use client::{Client, ClientBuilder};
pub use deadline::Deadline;
pub use error::{Error, ErrorKind};
pub use https::Bounds;
pub use over::Over;
pub use redirect::RedirectError;
pub use run::{OnLoss, Run};
pub use served::{Attempt, Served, Switched};
pub use service::{Failover, FailoverLayer, FailoverLayerBuilder, ResponseFuture};
#[cfg(feature = "puppet-settings")]
pub use settings::{UnfitSettings, policy_of, proxies_of, ssl_files};
pub use spool::Spooled;
#[cfg(feature = "puppet-settings")]
pub use standin_config as config;
pub use standin_core::{
    Effect, Installation, InvalidRule, Length, Operation, Operations, Policy, Repeat, Role, Server,
    ServerList, Service, Verdict,
    cell::State,
    health::{Snapshot, Target},
    order::Mood,
    policy, verdict,
};
pub use standin_net::{
    ClientCertificate, MemoryError, MemoryFile, Names, OtherRoots, Proxies, Proxy, Revocation,
    Sockets, SslFileError, SslFiles, SystemRoots, Tls, TrustFailure, trust,
};
pub use submissions::{Outcome, Submission, Submissions, TooFew};
pub use whole_body::{MaybeWhole, TooLarge, WholeBodies, WholeBody, WholeBodyLayer};

#[cfg(all(doctest, feature = "puppet-settings"))]
#[doc = include_str!("../../../README.md")]
mod readme {}
