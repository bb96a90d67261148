//! Sources of server lists: one that never changes, and DNS. The settings files of Puppet are another,
//! which whoever reads those has.

mod fixed;
#[cfg(feature = "srv")]
mod srv;

pub use fixed::Fixed;
#[cfg(feature = "srv")]
pub use srv::{InvalidSrv, Srv, SrvOptions};
