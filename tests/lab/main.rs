//! The ready-made client and the tower middleware on the embedded lab: real sockets, real TLS, and
//! servers that fail on cue.
//!
//! One file a behaviour, in the order of a newcomer's questions:
//!
//! - `healthy`, `keep_alive`: nothing is wrong
//! - `partial_failure`, `silence`, `not_ready`, `trust`: one service, or one host, is in trouble
//! - `master_only`, `repeats`, `bodies`: what may not move, what may not be repeated, what cannot
//! - `runs`, `failback`, `deadlines`: over time
//! - `fleet`: many at once
//! - `middleware`, `settings`: the other ways in

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod harness;
mod relay;

mod bodies;
mod deadlines;
mod failback;
mod fleet;
mod healthy;
mod keep_alive;
mod master_only;
mod middleware;
mod not_ready;
mod partial_failure;
mod repeats;
mod runs;
mod settings;
mod silence;
mod trust;
