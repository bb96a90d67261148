//! An agent is kept associated with real brokers on loopback, of which some fail. The clock is paused:
//! both ends run on one thread, so a wait takes no time and its length is exact.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod broker;
mod ca;
mod choice;
mod failback;
mod losses;
mod messages;
mod site;
