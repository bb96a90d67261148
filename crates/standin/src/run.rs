//! Runs: the span in which a service keeps to one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use standin_core::Class;
use standin_core::health::ServerId;

use crate::Switched;

/// What a run does when it loses the server that a service keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// Go on with another server and say so in every later answer.
    #[default]
    Cross,
    /// Fail with [`ErrorKind::GroupBroken`](crate::ErrorKind::GroupBroken), so that the caller
    /// begins again: plugins of one server and a catalog of another can do harm.
    Restart,
}

/// One agent run. Cheap to clone; put into a request's extensions, it makes the request part of the
/// run.
///
/// The first answer pins its service to the server that gave it.
#[derive(Clone, Debug)]
pub struct Run(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    on_loss: OnLoss,
    pins: [AtomicUsize; Class::COUNT],
    switched: AtomicU64,
    /// Whether it left a server because its work was silent while its status was good.
    left_silent_work: AtomicBool,
}

const UNPINNED: usize = usize::MAX;

impl Run {
    pub(crate) fn new(on_loss: OnLoss) -> Self {
        Self(Arc::new(Inner {
            on_loss,
            pins: [const { AtomicUsize::new(UNPINNED) }; Class::COUNT],
            switched: AtomicU64::new(0),
            left_silent_work: AtomicBool::new(false),
        }))
    }

    /// What it does when it loses a server.
    #[must_use]
    pub fn on_loss(&self) -> OnLoss {
        self.0.on_loss
    }

    pub(crate) fn pin(&self, class: Class) -> Option<ServerId> {
        let pin = self.0.pins[class.index()].load(Ordering::Acquire);
        (pin != UNPINNED).then_some(ServerId::from_number(pin))
    }

    /// Whether it may leave a server because its work is silent while its status is good. It may once:
    /// where that happens twice, the work is to blame and not the server.
    pub(crate) fn may_leave_silent_work(&self) -> bool {
        !self.0.left_silent_work.load(Ordering::Acquire)
    }

    pub(crate) fn leaves_silent_work(&self) {
        self.0.left_silent_work.store(true, Ordering::Release);
    }

    /// An answer came from `server`. Whether the pinned one was lost says if the pin moves there.
    pub(crate) fn answered(&self, class: Class, server: ServerId, pin: PinFate) -> Switched {
        let cell = &self.0.pins[class.index()];
        let before = cell.load(Ordering::Acquire);
        let moves = before == UNPINNED || (before != server.get() && pin == PinFate::Lost);
        if moves {
            cell.store(server.get(), Ordering::Release);
        }
        let bit = 1 << class.index();
        if moves && before != UNPINNED {
            self.0.switched.fetch_or(bit, Ordering::AcqRel);
        }
        match self.0.switched.load(Ordering::Acquire) & bit {
            0 => Switched::No,
            _ => Switched::Yes,
        }
    }
}

/// What became of the pinned server in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinFate {
    Kept,
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;
    use standin_core::Service;

    const CLASS: Class = Class::Service(Service::PuppetServer);

    fn server(number: usize) -> ServerId {
        ServerId::from_number(number)
    }

    #[test]
    fn the_first_answer_pins() {
        let run = Run::new(OnLoss::Cross);
        assert_eq!(run.pin(CLASS), None);
        assert_eq!(run.answered(CLASS, server(1), PinFate::Kept), Switched::No);
        assert_eq!(run.pin(CLASS), Some(server(1)));
    }

    #[test]
    fn a_lost_pin_moves_and_every_later_answer_says_so() {
        let run = Run::new(OnLoss::Cross);
        run.answered(CLASS, server(0), PinFate::Kept);
        assert_eq!(run.answered(CLASS, server(1), PinFate::Lost), Switched::Yes);
        assert_eq!(run.answered(CLASS, server(1), PinFate::Kept), Switched::Yes);
        assert_eq!(run.pin(CLASS), Some(server(1)));
    }

    #[test]
    fn an_answer_from_elsewhere_without_loss_leaves_the_pin() {
        let run = Run::new(OnLoss::Cross);
        run.answered(CLASS, server(1), PinFate::Kept);
        assert_eq!(run.answered(CLASS, server(0), PinFate::Kept), Switched::No);
        assert_eq!(run.pin(CLASS), Some(server(1)));
    }

    #[test]
    fn services_are_pinned_apart() {
        let run = Run::new(OnLoss::Cross);
        run.answered(CLASS, server(1), PinFate::Kept);
        assert_eq!(run.pin(Class::Commands), None);
    }
}
