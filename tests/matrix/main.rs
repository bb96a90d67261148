//! The fault matrix: every fault of the lab, in every phase of a request, for every service and kind
//! of operation, over real TLS. The lab's oracle judges.
//!
//! - `errand`: what is asked, one of each kind that a service has
//! - `client`, `asked`: who asks, and what is held against what it says
//! - `strike`: the faults
//! - `round`: one fault in one phase, met by every errand, each with a client of its own
//! - `every`: all rounds
//! - `random`: stories drawn by a seed, with several faults and clients that remember
//! - `wrong`: clients that do wrong, which the oracle has to catch
//!
//! A round is one thread on the paused clock, lab and clients together: what is waited for costs no
//! time, and what is late is late by the clock and not for want of a processor.
//!
//! The PCP broker is not in it. Its requests are messages over an association that is kept, not
//! requests that are walked along servers; `standin-pcp/tests/kept` and `tests/pcp` break that.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod asked;
mod client;
mod errand;
mod round;
mod strike;

mod every;
mod random;
mod wrong;
