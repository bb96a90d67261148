//! The built command against a lab.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod bench;
mod broker;
mod check;
mod check_online;
mod endings;
mod installation;
mod lab;
mod options;
mod pty;
mod request;
mod status;
mod steady;
mod usage;
