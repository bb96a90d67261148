//! The order in which servers are tried.

use smallvec::SmallVec;

use crate::cell::State;

/// Places in a server list, in the order to try them. Never empty when it was given one.
pub type Order = SmallVec<[usize; 8]>;

/// Whether an order is the usual one or the last resort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Someone who may be asked is not benched.
    Calm,
    /// Everyone is benched, and everyone is tried anyway.
    Panic,
}

/// Pin first, then the holder, then the operator's order; the benched move last, their order kept.
///
/// `allowed` says who may be sent the operation and `state` what is known of their health; both
/// are asked by place in the list, which has `len` servers.
#[inline]
pub fn order(
    len: usize,
    pin: Option<usize>,
    holder: usize,
    allowed: impl Fn(usize) -> bool,
    state: impl Fn(usize) -> State,
) -> (Order, Mood) {
    let mut order = Order::new();
    for place in 0..len {
        if allowed(place) {
            order.push(place);
        }
    }
    let places = order.as_mut_slice();
    bring_first(places, holder);
    if let Some(pin) = pin {
        bring_first(places, pin);
    }
    let mut fit = 0;
    for at in 0..places.len() {
        if matches!(state(places[at]), State::Ready | State::Suspect) {
            bring_forward(places, at, fit);
            fit += 1;
        }
    }
    let mood = if fit == 0 { Mood::Panic } else { Mood::Calm };
    (order, mood)
}

fn bring_first(places: &mut [usize], first: usize) {
    if let Some(at) = places.iter().position(|place| *place == first) {
        bring_forward(places, at, 0);
    }
}

/// Nearly always everyone stands where it belongs.
fn bring_forward(places: &mut [usize], from: usize, to: usize) {
    if to < from {
        places[to..=from].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Benched, Probing, Ready, Suspect};
    use proptest::prelude::*;

    fn of(states: &[State], pin: Option<usize>, holder: usize) -> (Vec<usize>, Mood) {
        let (order, mood) = order(states.len(), pin, holder, |_| true, |place| states[place]);
        (order.to_vec(), mood)
    }

    #[test]
    fn all_well_is_the_listed_order() {
        assert_eq!(of(&[Ready; 3], None, 0), (vec![0, 1, 2], Mood::Calm));
    }

    #[test]
    fn the_pin_stands_before_the_holder_and_the_holder_before_the_rest() {
        assert_eq!(of(&[Ready; 4], Some(3), 2).0, [3, 2, 0, 1]);
    }

    #[test]
    fn the_benched_move_last_even_when_pinned() {
        assert_eq!(of(&[Ready, Benched, Ready], Some(1), 0).0, [0, 2, 1]);
        assert_eq!(of(&[Probing, Suspect], None, 0).0, [1, 0]);
    }

    #[test]
    fn when_all_are_benched_all_are_tried_in_order() {
        assert_eq!(of(&[Benched; 2], None, 0), (vec![0, 1], Mood::Panic));
    }

    #[test]
    fn who_is_not_allowed_is_not_there() {
        let (order, mood) = order(2, None, 1, |place| place == 0, |_| Benched);
        assert_eq!((order.as_slice(), mood), (&[0][..], Mood::Panic));
    }

    fn states() -> impl Strategy<Value = Vec<State>> {
        let state = prop_oneof![Just(Ready), Just(Suspect), Just(Benched), Just(Probing)];
        prop::collection::vec(state, 1..12)
    }

    proptest! {
        #[test]
        fn everyone_allowed_is_there_once(states in states(), pin in 0usize..12, holder in 0usize..12) {
            let len = states.len();
            let (order, _) = of(&states, Some(pin % len), holder % len);
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..len).collect::<Vec<_>>());
        }

        #[test]
        fn listed_order_survives_among_equals(states in states()) {
            let (order, _) = of(&states, None, 0);
            let listed = |wanted: fn(State) -> bool| {
                let kept: Vec<usize> = order.iter().copied().filter(|place| wanted(states[*place])).collect();
                kept.is_sorted()
            };
            prop_assert!(listed(|state| matches!(state, Ready | Suspect)));
            prop_assert!(listed(|state| matches!(state, Benched | Probing)));
        }
    }
}
