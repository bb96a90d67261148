//! Where server lists come from, and how they are followed.

use std::fmt::Debug;

use standin_core::Installation;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A source of server lists.
///
/// It shows the lists that are in force, and each change of them. What is shown can be used: a source
/// that is broken for the moment goes on showing what it showed last.
pub trait Resolver: Debug + Send + 'static {
    /// The lists now, and each change of them for as long as the resolver lives.
    ///
    /// It is called once by whoever follows the lists, who keeps the resolver for as long as it does.
    fn watch(&self) -> watch::Receiver<Installation>;
}

/// Hands on what a resolver shows, until it is dropped.
#[derive(Debug)]
pub struct Following(JoinHandle<()>);

impl Following {
    /// Hands each change to `take_up`, in a task of `runtime`. The lists of now are those that `watch`
    /// shows, which are not handed on again.
    #[must_use]
    pub fn start(
        runtime: &Handle,
        resolver: Box<dyn Resolver>,
        mut watch: watch::Receiver<Installation>,
        mut take_up: impl FnMut(&Installation) + Send + 'static,
    ) -> Self {
        Self(runtime.spawn(async move {
            while watch.changed().await.is_ok() {
                let lists = watch.borrow_and_update().clone();
                take_up(&lists);
            }
            drop(resolver);
        }))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}
