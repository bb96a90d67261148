//! Where server lists come from.

use standin_core::Installation;
use tokio::sync::watch;

/// A source of server lists.
///
/// It shows the lists that are in force, and each change of them. What is shown can be used: a source
/// that is broken for the moment goes on showing what it showed last.
pub trait Resolver: Send + 'static {
    /// The lists now, and each change of them for as long as the resolver lives.
    ///
    /// It is called once by whoever follows the lists, who keeps the resolver for as long as it does.
    fn watch(&self) -> watch::Receiver<Installation>;
}
