//! The real Puppet agent and the real PuppetDB terminus on the lab: what the lab gets wrong about Puppet, its own clients
//! would get wrong too.
//!
//! `tests/real_puppet/run` runs it; it is no part of an ordinary `cargo test`, for it needs root and Debian's `puppet-agent`
//! and `puppet-terminus-puppetdb`. What the agent is expected to do in each outage is what it did when the same was done to
//! real servers, Puppet Server 7.9.5 and PuppetDB 7.12.1.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/in_lab.rs"]
mod in_lab;

mod agent;
mod ruby;
mod runs;
mod terminus;
