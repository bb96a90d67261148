//! The order in which servers are tried.

use crate::cell::State;

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
/// The candidates are those who may be sent the operation, in the operator's order. `place` says
/// where each stands in the list, and `state` what is known of the health of the one at a place.
#[inline]
pub fn order<T>(
    candidates: &mut [T],
    place: impl Fn(&T) -> usize,
    pin: Option<usize>,
    holder: usize,
    state: impl Fn(usize) -> State,
) -> Mood {
    let mut bring_first = |first: usize| {
        if let Some(at) = candidates.iter().position(|one| place(one) == first) {
            bring_forward(candidates, at, 0);
        }
    };
    bring_first(holder);
    if let Some(pin) = pin {
        bring_first(pin);
    }
    let mut fit = 0;
    for at in 0..candidates.len() {
        let state = state(place(&candidates[at]));
        if matches!(state, State::Ready | State::Suspect) {
            bring_forward(candidates, at, fit);
            fit += 1;
        }
    }
    match fit {
        0 => Mood::Panic,
        _ => Mood::Calm,
    }
}

/// Nearly always everyone stands where it belongs.
#[inline]
fn bring_forward<T>(candidates: &mut [T], from: usize, to: usize) {
    if to < from {
        candidates[to..=from].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Benched, Probing, Ready, Suspect};
    use proptest::prelude::*;

    fn of(states: &[State], pin: Option<usize>, holder: usize) -> (Vec<usize>, Mood) {
        let mut places: Vec<usize> = (0..states.len()).collect();
        let mood = order(
            &mut places,
            |place| *place,
            pin,
            holder,
            |place| states[place],
        );
        (places, mood)
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
    fn a_holder_who_is_no_candidate_changes_nothing() {
        let mut places = [0, 2];
        let mood = order(&mut places, |place| *place, None, 1, |_| Benched);
        assert_eq!((places, mood), ([0, 2], Mood::Panic));
    }

    fn states() -> impl Strategy<Value = Vec<State>> {
        let state = prop_oneof![Just(Ready), Just(Suspect), Just(Benched), Just(Probing)];
        prop::collection::vec(state, 1..12)
    }

    proptest! {
        #[test]
        fn everyone_is_there_once(states in states(), pin in 0usize..12, holder in 0usize..12) {
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
