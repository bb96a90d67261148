//! PXP agents on the lab's brokers, over real TLS and in real time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod closing;
mod process;
mod soak;
