//! Decides where the work of a Puppet agent goes.
mod installation;
mod server;
mod server_list;
mod service;
mod time;

pub use installation::Installation;
pub use server::{InvalidServer, Server, ServerFault};
pub use server_list::{Entry, InvalidServerList, Role, ServerList};
pub use service::{Activated, ReplicaServes, Replication, Service, UnknownService};
pub use time::Moment;
