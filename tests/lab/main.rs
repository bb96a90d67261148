//! The ready-made client and the tower middleware on the embedded lab: real sockets, real TLS, and
//! servers that fail on cue.
//!
//! One file a behaviour, in the order of a newcomer's questions:
//!
//! - `healthy`, `keep_alive`: nothing is wrong
//! - `partial_failure`, `silence`, `not_ready`, `trust`: one service, or one host, is in trouble
//! - `master_only`, `repeats`, `bodies`: what may not move, what may not be repeated, what cannot
//! - `broadcast`: commands that every PuppetDB gets
//! - `stuck`: its status is good and its work is silent
//! - `runs`, `failback`, `deadlines`, `memory`, `probing`: over time
//! - `change`: lists that change, and an operator's word
//! - `spool`: what nobody takes, and when somebody does again
//! - `dropped`, `fleet`: callers who leave, and many at once
//! - `middleware`, `settings`, `puppetdb_conf`: the other ways in

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod harness;
mod relay;

mod bodies;
mod broadcast;
mod change;
mod deadlines;
mod dropped;
mod failback;
mod fleet;
mod healthy;
mod keep_alive;
mod master_only;
mod memory;
mod middleware;
mod not_ready;
mod partial_failure;
mod probing;
mod puppetdb_conf;
mod repeats;
mod runs;
mod settings;
mod silence;
mod spool;
mod stuck;
mod trust;
mod whole_bodies;
mod wire;
