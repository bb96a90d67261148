//! Lists that do not change.

use standin_core::Installation;
use tokio::sync::watch;

use crate::Resolver;

/// Lists as the caller has them, for good or until [changed](Fixed::set) by the caller.
#[derive(Debug)]
pub struct Fixed {
    lists: watch::Sender<Installation>,
}

impl Fixed {
    /// These lists.
    #[must_use]
    pub fn new(installation: Installation) -> Self {
        Self {
            lists: watch::Sender::new(installation),
        }
    }

    /// Other lists from now on.
    pub fn set(&self, installation: Installation) {
        self.lists.send_if_modified(|lists| {
            let modified = *lists != installation;
            *lists = installation;
            modified
        });
    }
}

impl Resolver for Fixed {
    fn watch(&self) -> watch::Receiver<Installation> {
        self.lists.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lists_are_shown_and_only_changes_are_told() {
        let of = |name| Installation::of_hosts(name, None).unwrap();
        let fixed = Fixed::new(of("m"));
        let mut watch = fixed.watch();
        assert_eq!(*watch.borrow_and_update(), of("m"));
        fixed.set(of("m"));
        assert!(!watch.has_changed().unwrap());
        fixed.set(of("n"));
        watch.changed().await.unwrap();
        assert_eq!(*watch.borrow(), of("n"));
    }
}
