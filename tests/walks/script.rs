//! What servers do, and from when on.

use std::time::Duration;

use proptest::prelude::*;

/// What a server does, or a service at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It works, and takes so long for it. The status answers at once.
    Well(Duration),
    /// Nobody listens; what was under way breaks.
    Refused,
    /// Nothing comes back from it, not even to those who connect.
    BlackHole,
    /// Connecting takes so long; then it works at once.
    SlowToConnect(Duration),
    /// It can be connected to, and says nothing.
    Silent,
    /// Its status is good, and its work says nothing.
    WorkSilent,
    /// 503 without more.
    NotReady,
    /// 503, and when to come again, in seconds.
    Busy(u8),
    /// Its certificate is not accepted.
    Untrusted,
    /// It takes requests and breaks off before it answers.
    Lost,
}

/// Conditions, each from a moment on, counted from the world's beginning. Before the first all is
/// well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Vec<(Duration, Condition)>);

pub(crate) const AT_ONCE: Duration = Duration::from_millis(5);

impl Script {
    pub(crate) fn always(condition: Condition) -> Self {
        Self(vec![(Duration::ZERO, condition)])
    }

    /// The same, with `condition` from `moment` on.
    pub(crate) fn then(mut self, moment: Duration, condition: Condition) -> Self {
        self.0.push((moment, condition));
        self
    }

    pub(crate) fn at(&self, moment: Duration) -> Condition {
        let begun = self.0.iter().rev().find(|(from, _)| *from <= moment);
        begun.map_or(Condition::Well(AT_ONCE), |(_, condition)| *condition)
    }

    /// The next change after `moment`.
    pub(crate) fn next(&self, moment: Duration) -> Option<(Duration, Condition)> {
        self.0.iter().find(|(from, _)| *from > moment).copied()
    }

    /// Whether nobody listened at some time between the two moments.
    pub(crate) fn was_down(&self, from: Duration, to: Duration) -> bool {
        let changes = self.0.iter();
        let mut within = changes.filter(|(at, _)| *at > from && *at <= to);
        within.any(|(_, condition)| *condition == Condition::Refused)
    }
}

/// Conditions in which a request is not processed, and which say so.
pub(crate) fn unprocessed() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Refused),
        Just(Condition::BlackHole),
        (10u64..6000).prop_map(|span| Condition::SlowToConnect(millis(span))),
        Just(Condition::NotReady),
        Just(Condition::Untrusted),
    ]
}

/// Every condition.
pub(crate) fn any_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        9 => calm(),
        1 => (0u8..20).prop_map(Condition::Busy),
    ]
}

/// Every condition in which a server does not ask to be left alone.
pub(crate) fn calm() -> impl Strategy<Value = Condition> {
    prop_oneof![
        3 => (1u64..3000).prop_map(|span| Condition::Well(millis(span))),
        3 => unprocessed(),
        1 => Just(Condition::Silent),
        1 => Just(Condition::WorkSilent),
        1 => Just(Condition::Lost),
    ]
}

/// A few conditions, one after another, over some minutes.
pub(crate) fn script(condition: impl Strategy<Value = Condition>) -> impl Strategy<Value = Script> {
    let change = (0u64..120_000, condition);
    prop::collection::vec(change, 0..5).prop_map(|changes| {
        let mut at = Duration::ZERO;
        let mut script = Script::default();
        for (after, condition) in changes {
            at += millis(after);
            script = script.then(at, condition);
        }
        script
    })
}

/// The same condition all the time.
pub(crate) fn steady(condition: impl Strategy<Value = Condition>) -> impl Strategy<Value = Script> {
    condition.prop_map(Script::always)
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
