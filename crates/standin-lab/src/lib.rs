//! A simulated Puppet installation whose servers fail on cue, over real TLS, and a faulty wire for real servers.
//!
//! A [`Lab`] is a primary master and its replica on loopback addresses of their own, with Puppet's real ports, a
//! certificate authority, and the settings files of an agent. Its servers answer as Puppet Server, PuppetDB and the
//! console services do, and can be made to refuse, hang, lie about their health or break off in the middle. A
//! [`Journal`] tells what each of them received, so that a test can say "this write arrived whole at one server only".
//!
//! ```
//! use standin_lab::{Fault, Lab, Service, Target};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), standin_lab::LabError> {
//! let lab = Lab::builder().start().await?;
//! let classifier = lab.master().server(Service::NodeClassifier);
//!
//! // Partial failure: the master's node classifier is gone, its Puppet Server is well.
//! let fault = lab.fault(Target::Service("master.test", Service::NodeClassifier), Fault::Refuse).await?;
//! assert!(tokio::net::TcpStream::connect(classifier).await.is_err());
//!
//! fault.lift().await;
//! assert!(tokio::net::TcpStream::connect(classifier).await.is_ok());
//! assert!(lab.journal().entries().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! The names of the hosts are in no DNS: a client under test has to be told [`Lab::resolve`]. Everything runs on the
//! caller's runtime and ends with the `Lab`. Any number of labs can run side by side. The loopback network 127.0.0.0/8
//! and full accept queues are used as Linux has them; other systems are not supported.
//!
//! Not simulated: version 1 of PCP, a broker's rules of who may send what, and the console's web pages; traffic between
//! hosts (a master's Puppet Server asks neither classifier nor PuppetDB); compressed answers; the 400 that Puppet Server has
//! for a request without `Accept`; packet loss on established connections, whose bytes the kernel acknowledges even while a
//! host plays dead.
//!
//! A real agent runs on a lab: `puppet agent --test --confdir DIR`, with [`Lab::conf_dir`] for DIR, in a mount namespace with
//! DIR's `hosts` over `/etc/hosts`. It fails over as on real servers, and writes nothing outside of DIR.
//!
//! # Map
//!
//! - What a test holds: [`Lab`] and [`LabBuilder`]; [`Host`], [`HostSpec`], [`Role`]; [`Service`].
//! - What goes wrong: [`Fault`] at a [`Target`], kept on by a [`FaultGuard`]; [`Flaw`], [`State`].
//! - What is found out: [`Journal`] and its [`Receipt`]s and [`PcpReceipt`]s; [`Store`]; an [`Oracle`] that judges it.
//! - What else a broker is made to do: [`Broker`], [`Controller`], [`Message`].
//! - What is put before a server that is not the lab's: [`Relay`], its [`WireFault`]s and [`RelayJournal`].
//! - Who is trusted: [`CertSpec`] and [`Certificate`].
//! - Outages for clients in any language: a [`scenario`] in a file, the [`protocol`] that a client speaks, and the [`control`]
//!   of a lab over HTTP.
//!
//! Inside, the way of a request: `port` (a listening socket in the state the `scene` wants) → `connection` (TLS) over a
//! `wire` (which can fall silent or be reset at any moment) and a `tap` (what becomes of an answer) → `exchange` (journal, faults) → `answer` (one module a
//! service) → `body`; and, when a broker was asked to switch to WebSocket, `broker`.

pub use broker::{Broker, Controller, Message, PcpEvent, PcpReceipt};
pub use builder::LabBuilder;
pub use certificate::{CertSpec, Certificate, SignedBy, Validity};
pub use error::LabError;
pub use fault::{Fault, FaultGuard, Flaw, State, Target};
pub use host::{Host, HostSpec, Role};
pub use journal::{Journal, Purpose, Receipt, Received, Told};
pub use lab::Lab;
pub use oracle::{Deed, Ended, Judgement, Kind, Oracle};
pub use relay::{
    Direction, Passage, PassageEnd, Relay, RelayBuilder, RelayJournal, WireFault, WireGuard,
};
pub use service::Service;
pub use store::{CertificateRequest, Command, Report, Store};

mod builder;
mod error;
mod fault;
mod host;
mod lab;
mod service;

mod journal;
mod oracle;
mod store;

pub mod control;
pub mod protocol;
pub mod scenario;
mod spelled;

mod authority;
mod certificate;
mod conf_dir;
mod tls;

mod port;
mod relay;
mod scene;
mod shared;

mod answer;
mod body;
mod broker;
mod connection;
mod exchange;
mod tap;
mod wire;

mod clock;
