//! Decides where the work of a Puppet agent goes: to the primary master first, and to the replica
//! when the master is fully or partly unreachable, service by service.
//!
//! Nothing here does I/O, reads a clock or draws a random number: moments and random bits are
//! handed in, and what is to be done is handed out. So each decision can be tested on paper.
//!
//! ```
//! use standin_core::plan::{After, Step};
//! use standin_core::verdict::{Unreached, Verdict};
//! use standin_core::{Health, Installation, Moment, Operation, Policy};
//!
//! let installation = Installation::of_hosts("master.test", Some("replica.test"))?;
//! let health = Health::new(&installation, Policy::default(), 0);
//! let now = Moment::ORIGIN;
//!
//! let operation = Operation::of("GET", "/puppet/v3/node/agent.test").expect("a known path");
//! let mut plan = health.plan(operation, None, None, now, 0).expect("a known service");
//! let Step::Attempt { place: 0, .. } = plan.step(now, health.budget()) else {
//!     panic!("the master is tried first")
//! };
//! assert_eq!(plan.record(0, Verdict::Unreached(Unreached::Refused), now, 0), After::GoOn);
//! let Step::Attempt { place: 1, .. } = plan.step(now, health.budget()) else {
//!     panic!("then the replica")
//! };
//! # Ok::<(), standin_core::InvalidServerList>(())
//! ```
//!
//! In the order of a request's way:
//!
//! - [`Service`], [`Operation`]: may it be repeated, and may a replica serve it? The table of [`Row`]s
//!   says so for each public request, with the reason; [`Operations`] has what a program knows better
//! - [`Policy`]: deadline, times and bounds
//! - [`Server`], [`ServerList`], [`Installation`]: who there is, in the operator's order
//! - [`Health`] and its [`cell`]s: what is known of them
//! - [`mod@order`]: in which order they are tried
//! - [`plan`]: the walk; [`race`]: whose connection is used; [`patience`]: slow or silent?
//! - [`verdict`]: what is known to have happened
//! - [`budget`], [`jitter`]: so that an outage is not multiplied
//! - [`memory`]: what the next process is told

pub mod budget;
pub mod cell;
pub mod health;
mod installation;
pub mod jitter;
pub mod memory;
mod operation;
pub mod order;
pub mod patience;
pub mod plan;
pub mod policy;
pub mod race;
mod server;
mod server_list;
mod service;
mod sync;
mod time;
mod usual;
pub mod verdict;
mod window;

pub use health::Health;
pub use installation::Installation;
pub use operation::{
    Class, Effect, InvalidRule, Length, Operation, Operations, Repeat, Row, RuleFault, Unrouted,
};
pub use policy::Policy;
pub use server::{InvalidServer, Server, ServerFault};
pub use server_list::{Entry, InvalidServerList, Role, ServerList};
pub use service::{Activated, ReplicaServes, Replication, Service, UnknownService};
pub use time::{Moment, WallTime};
pub use usual::UsualTimes;
pub use verdict::Verdict;
