use proptest::prelude::*;

use super::*;

const HALF: u64 = 1 << 63;
const LAST: u64 = u64::MAX;

fn at(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}

fn id(number: usize) -> ServerId {
    ServerId::from_number(number)
}

fn keeper() -> Keeper {
    let ask_every = Duration::from_secs(10);
    Keeper::new(Terms::default(), ask_every, at(0))
}

/// Associated with broker 1 at the origin, the first ping answered.
fn answering() -> Keeper {
    let mut keeper = keeper();
    assert_eq!(keeper.step(at(0)), Step::Associate(Wishes::default()));
    keeper.associated(id(1), at(0));
    assert_eq!(keeper.step(at(0)), Step::Ping(Which::Present));
    keeper.pinged(Which::Present, at(0));
    keeper.ponged(Which::Present, at(0));
    keeper
}

fn stable() -> Keeper {
    let mut keeper = answering();
    assert_eq!(keeper.step(at(9_999)), Step::Wait(Some(at(10_000))));
    assert_eq!(keeper.step(at(10_000)), Step::Settled);
    keeper
}

fn ends(keeper: &mut Keeper, loss: Loss, millis: u64, random: u64) -> After {
    keeper.ended(Which::Present, loss, at(millis), random)
}

fn wishes(first: Option<usize>, last: &[usize]) -> Wishes {
    Wishes {
        first: first.map(id),
        last: last.iter().copied().map(id).collect(),
    }
}

/// Everything it asks for until it waits, but for questions to earlier brokers.
fn settle(keeper: &mut Keeper, now: Moment) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        match keeper.step(now) {
            Step::Wait(_) => return steps,
            Step::Ask => {}
            step => steps.push(step),
        }
    }
}

#[test]
fn it_associates_at_once_and_once() {
    let mut keeper = keeper();
    assert_eq!(keeper.step(at(0)), Step::Associate(Wishes::default()));
    assert_eq!(keeper.step(at(0)), Step::Wait(None));
}

#[test]
fn lasting_is_not_enough_without_an_answer() {
    let mut keeper = keeper();
    keeper.step(at(0));
    keeper.associated(id(1), at(0));
    keeper.step(at(0));
    keeper.pinged(Which::Present, at(0));
    assert_eq!(keeper.step(at(1)), Step::Wait(Some(at(10_000))));
    assert_eq!(keeper.step(at(10_000)), Step::Leave(Which::Present));
}

/// The table of close codes, in an association that had lasted: (code, pause at a random half,
/// what follows, whom first, whom last).
#[test]
fn each_close_code_of_a_stable_association_has_its_own_consequence() {
    let spread = at(20_000 + 5_000);
    for (code, after, wished) in [
        (1000, After::Lost(spread), wishes(None, &[1])),
        (1001, After::Lost(spread), wishes(None, &[1])),
        (1005, After::Lost(spread), wishes(None, &[1])),
        (1006, After::Lost(spread), wishes(None, &[1])),
        (
            1011,
            After::Evicted(at(20_000 + 37_500)),
            wishes(None, &[1]),
        ),
        (1012, After::Lost(spread), wishes(Some(1), &[])),
        (1013, After::Lost(spread), wishes(None, &[1])),
        (4000, After::Lost(spread), wishes(None, &[1])),
        (
            4002,
            After::Misconfigured(at(20_000 + 225_000)),
            wishes(None, &[1]),
        ),
        (
            4003,
            After::Misconfigured(at(20_000 + 225_000)),
            wishes(None, &[1]),
        ),
    ] {
        let mut keeper = stable();
        assert_eq!(
            ends(&mut keeper, Loss::Closed(code), 20_000, HALF),
            after,
            "{code}"
        );
        let (After::Lost(until) | After::Evicted(until) | After::Misconfigured(until)) = after
        else {
            panic!("{after:?}")
        };
        assert_eq!(keeper.rests_until(), Some(until));
        assert_eq!(keeper.step(until), Step::Associate(wished), "{code}");
    }
}

#[test]
fn a_newcomer_that_is_closed_with_1011_was_not_evicted() {
    let mut keeper = answering();
    let after = ends(&mut keeper, Loss::Closed(1011), 50, HALF);
    assert_eq!(after, After::Lost(at(5_050)));
}

#[test]
fn a_break_and_silence_are_spread_like_any_loss() {
    for loss in [Loss::Broke, Loss::Silent] {
        let mut keeper = stable();
        assert_eq!(ends(&mut keeper, loss, 20_000, 0), After::Lost(at(20_000)));
        let mut keeper = stable();
        let After::Lost(until) = ends(&mut keeper, loss, 20_000, LAST) else {
            panic!("it is lost");
        };
        assert!(until > at(29_999) && until < at(30_000));
    }
}

#[test]
fn pauses_double_up_to_a_minute_while_nobody_is_there() {
    let mut keeper = keeper();
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..9 {
        keeper.step(now);
        let until = keeper.not_associated(Failure::Nobody, now, HALF);
        pauses.push(until.since(now).as_millis());
        now = until;
    }
    assert_eq!(
        pauses,
        [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
    );
}

#[test]
fn pauses_begin_anew_only_after_stability() {
    let mut keeper = keeper();
    keeper.step(at(0));
    for _ in 0..5 {
        let until = keeper.not_associated(Failure::Nobody, at(0), 0);
        keeper.step(until);
    }
    keeper.associated(id(1), at(0));
    assert_eq!(
        ends(&mut keeper, Loss::Broke, 10, HALF),
        After::Lost(at(16_010))
    );
    let mut keeper = stable();
    ends(&mut keeper, Loss::Broke, 20_000, 0);
    keeper.step(at(20_000));
    let until = keeper.not_associated(Failure::Nobody, at(20_000), HALF);
    assert_eq!(until, at(20_500));
}

#[test]
fn a_fault_that_waiting_does_not_cure_is_waited_for_long() {
    let mut keeper = keeper();
    keeper.step(at(0));
    let until = keeper.not_associated(Failure::Untrusted, at(0), 0);
    assert_eq!(until, at(150_000));
}

#[test]
fn who_accepts_and_closes_again_and_again_goes_to_the_end_of_the_line() {
    let mut keeper = answering();
    ends(&mut keeper, Loss::Closed(1011), 1, 0);
    assert_eq!(keeper.step(at(1)), Step::Associate(wishes(None, &[1])));
    keeper.associated(id(2), at(1));
    ends(&mut keeper, Loss::Closed(1011), 2, 0);
    assert_eq!(keeper.step(at(2)), Step::Associate(wishes(None, &[1, 2])));
    keeper.associated(id(1), at(2));
    ends(&mut keeper, Loss::Closed(1011), 3, 0);
    assert_eq!(keeper.step(at(3)), Step::Associate(wishes(None, &[2, 1])));
}

#[test]
fn a_ping_goes_out_two_minutes_after_anything_was_heard() {
    let mut keeper = stable();
    keeper.heard(Which::Present, at(50_000));
    assert!(settle(&mut keeper, at(169_999)).is_empty());
    assert_eq!(
        settle(&mut keeper, at(170_000)),
        [Step::Ping(Which::Present)]
    );
}

#[test]
fn two_pings_without_an_answer_end_it_within_130_seconds() {
    let mut keeper = stable();
    assert_eq!(
        settle(&mut keeper, at(120_000)),
        [Step::Ping(Which::Present)]
    );
    keeper.pinged(Which::Present, at(120_000));
    assert!(settle(&mut keeper, at(123_999)).is_empty());
    assert_eq!(
        settle(&mut keeper, at(124_000)),
        [Step::Ping(Which::Present)]
    );
    keeper.pinged(Which::Present, at(124_000));
    assert!(settle(&mut keeper, at(127_999)).is_empty());
    assert_eq!(keeper.step(at(128_000)), Step::Leave(Which::Present));
}

#[test]
fn anything_that_comes_is_a_sign_of_life() {
    let mut keeper = stable();
    settle(&mut keeper, at(120_000));
    keeper.pinged(Which::Present, at(120_000));
    settle(&mut keeper, at(124_000));
    keeper.pinged(Which::Present, at(124_000));
    keeper.heard(Which::Present, at(127_000));
    assert!(settle(&mut keeper, at(140_000)).is_empty());
    assert_eq!(
        settle(&mut keeper, at(247_000)),
        [Step::Ping(Which::Present)]
    );
}

#[test]
fn a_ping_that_cannot_be_written_does_not_wait_for_ever() {
    let mut keeper = stable();
    settle(&mut keeper, at(120_000));
    assert!(settle(&mut keeper, at(239_999)).is_empty());
    assert_eq!(keeper.step(at(240_000)), Step::Leave(Which::Present));
}

#[test]
fn what_was_written_is_confirmed_by_one_ping_at_a_time_without_a_limit() {
    let mut keeper = stable();
    settle(&mut keeper, at(20_000));
    keeper.wrote(Which::Present);
    assert_eq!(
        settle(&mut keeper, at(20_000)),
        [Step::Ping(Which::Present)]
    );
    keeper.pinged(Which::Present, at(20_000));
    keeper.wrote(Which::Present);
    assert!(settle(&mut keeper, at(60_000)).is_empty());
    keeper.ponged(Which::Present, at(60_000));
    assert_eq!(
        settle(&mut keeper, at(60_000)),
        [Step::Ping(Which::Present)]
    );
    keeper.pinged(Which::Present, at(60_000));
    keeper.ponged(Which::Present, at(60_000));
    assert!(settle(&mut keeper, at(60_000)).is_empty());
}

#[test]
fn silence_that_nobody_listened_to_shows_nothing() {
    let mut keeper = stable();
    keeper.deaf(Which::Present);
    assert!(settle(&mut keeper, at(1_000_000)).is_empty());
    keeper.heard(Which::Present, at(1_000_000));
    assert!(settle(&mut keeper, at(1_119_999)).is_empty());
    assert_eq!(
        settle(&mut keeper, at(1_120_000)),
        [Step::Ping(Which::Present)]
    );
}

fn on_trial() -> Keeper {
    let mut keeper = stable();
    settle(&mut keeper, at(20_000));
    keeper.earlier_is_well(id(0));
    assert_eq!(keeper.step(at(20_000)), Step::Try(id(0)));
    keeper.earlier_associated(at(20_000));
    assert_eq!(keeper.step(at(20_000)), Step::Ping(Which::Earlier));
    keeper.pinged(Which::Earlier, at(20_000));
    keeper.ponged(Which::Earlier, at(20_010));
    keeper
}

#[test]
fn the_earlier_broker_proves_itself_before_the_present_one_is_left() {
    let mut keeper = on_trial();
    assert!(settle(&mut keeper, at(29_999)).is_empty());
    assert_eq!(keeper.step(at(30_000)), Step::FailBack);
    assert!(keeper.is_stable());
    assert_eq!(
        ends(&mut keeper, Loss::Broke, 40_000, 0),
        After::Lost(at(40_000))
    );
    assert_eq!(keeper.step(at(40_000)), Step::Associate(wishes(None, &[0])));
}

#[test]
fn an_earlier_broker_that_does_not_last_changes_nothing() {
    let mut keeper = on_trial();
    let after = keeper.ended(Which::Earlier, Loss::Closed(1011), at(21_000), 0);
    assert_eq!(after, After::Stayed);
    assert!(keeper.is_stable());
}

#[test]
fn if_the_present_one_ends_meanwhile_the_earlier_one_is_there() {
    let mut keeper = on_trial();
    assert_eq!(
        ends(&mut keeper, Loss::Broke, 21_000, LAST),
        After::FellBack
    );
    assert!(!keeper.is_stable());
    assert!(settle(&mut keeper, at(29_999)).is_empty());
    assert_eq!(keeper.step(at(30_000)), Step::Settled);
}

#[test]
fn earlier_brokers_are_asked_each_ten_seconds_and_not_while_one_is_tried() {
    let mut keeper = stable();
    assert_eq!(keeper.step(at(10_000)), Step::Ask);
    assert_eq!(keeper.step(at(19_999)), Step::Wait(Some(at(20_000))));
    assert_eq!(keeper.step(at(20_000)), Step::Ask);
    let mut keeper = on_trial();
    assert!(!matches!(keeper.step(at(29_000)), Step::Ask));
}

/// What may happen to an association.
#[derive(Clone, Debug)]
enum Deed {
    Pass(u64),
    Associate(usize),
    Fail(bool),
    Hear(bool),
    Pong(bool),
    Write,
    Well(usize),
    EarlierFails,
    End(bool, u16),
}

fn deeds() -> impl Strategy<Value = Vec<(Deed, u64)>> {
    let deed = prop_oneof![
        3 => (0u64..200_000).prop_map(Deed::Pass),
        2 => (0usize..3).prop_map(Deed::Associate),
        1 => any::<bool>().prop_map(Deed::Fail),
        1 => any::<bool>().prop_map(Deed::Hear),
        3 => any::<bool>().prop_map(Deed::Pong),
        1 => Just(Deed::Write),
        1 => (0usize..3).prop_map(Deed::Well),
        1 => Just(Deed::EarlierFails),
        2 => (any::<bool>(), prop_oneof![Just(1000u16), Just(1011), Just(1012), Just(4002)])
            .prop_map(|(earlier, code)| Deed::End(earlier, code)),
    ];
    prop::collection::vec((deed, any::<u64>()), 0..80)
}

proptest! {
    /// Whatever happens: it is never at rest for longer than it may be, never walks while it is
    /// associated, never waits for a moment that is past, and no silence outlasts its bound.
    #[test]
    fn it_always_comes_back_to_an_association(deeds in deeds()) {
        let terms = Terms::default();
        let silence = terms.ping.every * 2;
        let mut keeper = keeper();
        let (mut now, mut heard) = (at(0), at(0));
        let (mut walking, mut associated, mut trying) = (false, false, false);
        for (deed, random) in deeds {
            let which = |earlier: bool| if earlier { Which::Earlier } else { Which::Present };
            match deed {
                Deed::Pass(millis) => now = now + Duration::from_millis(millis),
                Deed::Associate(server) if walking => {
                    keeper.associated(id(server), now);
                    (walking, associated, heard) = (false, true, now);
                }
                Deed::Associate(_) if trying => keeper.earlier_associated(now),
                Deed::Fail(untrusted) if walking => {
                    let why = if untrusted { Failure::Untrusted } else { Failure::Nobody };
                    let until = keeper.not_associated(why, now, random);
                    prop_assert!(until.since(now) <= terms.misconfigured);
                    walking = false;
                }
                Deed::Hear(earlier) => {
                    keeper.heard(which(earlier), now);
                    heard = now;
                }
                Deed::Pong(earlier) => {
                    keeper.pinged(which(earlier), now);
                    keeper.ponged(which(earlier), now);
                    heard = now;
                }
                Deed::Write => keeper.wrote(Which::Present),
                Deed::Well(server) => keeper.earlier_is_well(id(server)),
                Deed::EarlierFails if trying => keeper.earlier_failed(),
                Deed::End(earlier, code) => {
                    let after = keeper.ended(which(earlier), Loss::Closed(code), now, random);
                    if let After::Lost(until) | After::Evicted(until) | After::Misconfigured(until) = after {
                        prop_assert!(until.since(now) <= terms.misconfigured);
                        prop_assert_eq!(keeper.rests_until(), Some(until));
                        (associated, trying) = (false, false);
                    }
                }
                _ => {}
            }
            let mut steps = 0;
            loop {
                steps += 1;
                prop_assert!(steps < 10, "it does not come to rest");
                match keeper.step(now) {
                    Step::Wait(until) => {
                        prop_assert!(until.is_none_or(|until| until > now));
                        prop_assert!(walking || trying || until.is_some());
                        break;
                    }
                    Step::Associate(_) => {
                        prop_assert!(!walking && !associated);
                        walking = true;
                    }
                    Step::Leave(which) => {
                        let after = keeper.ended(which, Loss::Silent, now, random);
                        if which == Which::Present && after != After::FellBack {
                            (associated, trying) = (false, false);
                        }
                    }
                    Step::Try(_) => trying = true,
                    _ => {}
                }
            }
            if associated && keeper.is_stable() && !trying {
                prop_assert!(now.since(heard) <= silence + Duration::from_millis(200_000));
            }
        }
    }
}
