//! The built command against a lab.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod bench;
mod broker;
mod check;
mod check_online;
mod endings;
mod explain;
mod installation;
mod lab;
mod memory;
mod options;
mod packaging;
mod pty;
mod request;
mod run;
mod status;
mod steady;
mod usage;
mod watch;
