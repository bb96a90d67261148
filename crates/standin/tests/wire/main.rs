//! The ready-made client against servers that say exactly what a test wants, over real TLS.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the test functions for tests, and not what they share"
)]

mod bodies;
mod bounds;
mod broadcast;
mod connections;
mod redirects;
mod renewal;
#[cfg(feature = "puppet-settings")]
mod settings;
mod site;
mod trust;
mod whole_body;
