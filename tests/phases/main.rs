//! What is known of a request when its connection fails, at every byte of the way.
//!
//! A raw server behind real TLS closes, breaks off, resets or falls silent after so many bytes, and
//! whatever the client makes of it is held against the one verdict that is right there:
//!
//! - `handshake`: every byte of the handshake, either way, in both versions of TLS: nothing was sent
//! - `request`: every byte of the request, as TCP carries it and as TLS does: it may have been processed
//! - `response`: every byte of the response, however its end is marked: no answer, cut, or whole
//! - `dead`: connections that died before the request was written, and this machine's own faults
//! - `layers`: nobody but the plan sends anything twice
//!
//! What ends at once is played in real time. Silence is played on the paused clock, with both ends on
//! one runtime.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod outcome;
mod server;
mod site;
mod wire;

mod dead;
mod handshake;
mod layers;
mod request;
mod response;
