//! Reaches the servers of a Puppet installation, for HTTP and PCP alike.
//!
//! - [`Resolver`], [`resolvers`]: where server lists come from, and how they are followed
//! - [`SslFiles`], [`Tls`]: mutual TLS from Puppet's own files, renewed as they are, names matched as
//!   its certificates need
//! - [`Names`], [`Proxies`], [`Sockets`], [`Connector`]: addresses, proxies, TCP and TLS within one
//!   limit, and the [`Stream`] that comes of it
//! - [`trust`]: why an agent and a server do not trust each other, and what to renew
//! - [`racing`]: connections raced as the core says
//! - [`error`]: what a failure to connect is evidence of
//! - [`events`]: what happened to health, told
//! - [`MemoryFile`]: what the next process is told
//! - [`inspect`]: what certificates and revocation lists say of themselves
//! - [`stamps`]: whether files were changed
//! - [`Clock`]: the one place where time is read
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use standin_core::Server;
//! use standin_net::{Connector, Names, SslFiles, Tls};
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let files = SslFiles::in_dir(Path::new("/etc/puppetlabs/puppet/ssl"), "agent.example.com");
//! let connector = Connector::new(Tls::from_files(&files)?, Names::new());
//! let master = Server::new("master.example.com", 8140)?;
//! let stream = connector.connect(&master, Duration::from_millis(3100)).await?;
//! # Ok(())
//! # }
//! ```

mod clock;
mod connector;
pub mod error;
pub mod events;
pub mod inspect;
mod loud;
mod memory_file;
mod names;
mod proxy;
pub mod racing;
mod resolver;
pub mod resolvers;
mod sockets;
mod ssl_files;
pub mod stamps;
mod stream;
mod tcp;
mod tls;
pub mod trust;
mod tunnel;
mod verifier;

pub use clock::Clock;
pub use connector::Connector;
pub use error::ConnectError;
pub use memory_file::{MemoryError, MemoryFile};
pub use names::{Lookup, NameError, Names};
pub use proxy::{Proxies, Proxy};
pub use resolver::{Following, Resolver};
pub use sockets::{Keepalive, Sockets};
pub use ssl_files::{
    ClientCertificate, OtherRoots, Revocation, SslFileError, SslFiles, SystemRoots,
};
pub use stream::Stream;
pub use tls::{Generation, Tls};
pub use trust::TrustFailure;
