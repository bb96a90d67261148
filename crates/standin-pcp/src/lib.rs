//! Associates an agent with a PCP broker: the first of the operator's list, or one that stands in
//! for it.
//!
//! ```no_run
//! use std::path::Path;
//! use standin_core::{Installation, Policy, ServerList, Service};
//! use standin_net::{Connector, Names, SslFiles, Tls};
//! use standin_pcp::Brokers;
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let list = ServerList::parse("master.example.com,replica.example.com", 8142)?;
//! let installation = Installation::new().with(Service::PcpBroker, list);
//! let agent = "agent.example.com";
//! let files = SslFiles::in_dir(Path::new("/etc/puppetlabs/puppet/ssl"), agent);
//! let connector = Connector::new(Tls::from_files(&files)?, Names::new());
//! let brokers = Brokers::new(&installation, connector, Policy::default(), agent);
//!
//! let mut association = brokers.associate().await?;
//! loop {
//!     match association.next().await {
//!         Ok(message) => association.send(answer(&message)).await?,
//!         // What to do next is told by `ended.after()`.
//!         Err(ended) => return Err(ended.into()),
//!     }
//! }
//! # }
//! # fn answer(message: &str) -> String { message.to_owned() }
//! ```
//!
//! In the order in which an association comes about:
//!
//! - [`Brokers`]: the list and what is known of each broker; walks it and races the connections
//! - [`BrokerUri`]: where a broker is asked for an association
//! - [`UpgradeError`]: why one that was reached did not grant it
//! - [`AssociateError`], [`Attempt`]: nobody did, and what was tried
//! - [`Association`], [`Ended`]: messages both ways, until it ends
//! - [`after_close`]: what the broker's close code asks for then
//!
//! PCP version 2 is spoken, whose messages are JSON text; what is in them is the caller's affair.

mod after_close;
mod associate_error;
mod association;
mod attempt;
mod broker_uri;
mod brokers;
mod ended;
mod upgrade;
mod walk;

pub use after_close::{AfterClose, after_close};
pub use associate_error::{AssociateError, AssociateErrorKind};
pub use association::Association;
pub use attempt::Attempt;
pub use broker_uri::BrokerUri;
pub use brokers::Brokers;
pub use ended::Ended;
pub use upgrade::UpgradeError;
