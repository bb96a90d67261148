//! Keeps a PXP agent associated with a PCP broker: the first of the operator's list, or one that
//! stands in for it; always one, and never in step with the rest of the fleet.
//!
//! ```no_run
//! use std::path::Path;
//! use standin_core::ServerList;
//! use standin_net::{Connector, Names, SslFiles, Tls};
//! use standin_pcp::{Broker, Options, message_type};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let list = ServerList::parse("master.example.com,replica.example.com", 8142)?;
//! let agent = "agent.example.com";
//! let files = SslFiles::in_dir(Path::new("/etc/puppetlabs/puppet/ssl"), agent);
//! let connector = Connector::new(Tls::from_files(&files)?, Names::new());
//! let mut broker = Broker::connect(&list, connector, agent, Options::default())?;
//!
//! while let Some(request) = broker.next().await {
//!     if request.message_type() == message_type::BLOCKING_REQUEST {
//!         let answer = request.answer(message_type::BLOCKING_RESPONSE);
//!         // It waits through reconnections; its outcome says what became of it.
//!         let outcome = broker.send(answer.with_data(&carry_out(&request)?)?);
//!         tokio::spawn(async move { println!("{:?}", outcome.await) });
//!     }
//! }
//! # Ok(())
//! # }
//! # fn carry_out(_: &standin_pcp::Message) -> Result<(), std::io::Error> { Ok(()) }
//! ```
//!
//! What a caller sees:
//!
//! - [`Broker`], [`Options`], [`Terms`]: the handle, and what may be set
//! - [`Message`], [`message_type`], [`inventory`], [`PcpUri`]: what goes over the wire
//! - [`Delivery`], [`Outcome`]: what became of a message
//! - [`Event`], [`Status`]: what happens to the association, and how it stands
//!
//! In the order in which an association lives:
//!
//! - [`keeper`]: decides when to associate, ping, leave and fail back; no I/O, no clock
//! - [`BrokerUri`]: where a broker is asked for an association
//! - [`UpgradeError`], [`Attempt`], [`AssociateError`]: who did not grant it, and why
//! - [`Ended`], [`after_close`]: how it ended, and what the broker's close code asks for then
//!
//! PCP version 2 is spoken, whose messages are JSON text. Version 1 is binary, at another path and with
//! an association of its own above the WebSocket: it would have its place beside [`Message::decode`]
//! and [`BrokerUri`].

mod after_close;
mod associate_error;
mod attempt;
mod broker;
mod broker_uri;
mod candidate;
mod driver;
mod ended;
mod event;
pub mod inventory;
pub mod keeper;
mod link;
mod message;
mod outcome;
mod outgoing;
mod pcp_uri;
mod probe;
mod queue;
mod shared;
mod terms;
mod upgrade;
mod walk;

pub use after_close::{AfterClose, after_close};
pub use associate_error::{AssociateError, AssociateErrorKind};
pub use attempt::Attempt;
pub use broker::{AssociationStatus, Broker, Options, Sender, Status};
pub use broker_uri::{BrokerUri, ClientType, InvalidClientType};
pub use ended::Ended;
pub use event::{Event, Events};
pub use message::{InvalidData, InvalidMessage, Message, message_type};
pub use outcome::{Delivery, Outcome, Refusal, Written};
pub use pcp_uri::{InvalidPcpUri, PcpUri, PcpUriFault};
pub use terms::{Ping, Queue, Terms};
pub use upgrade::UpgradeError;
