//! Lists that change while health stays.

use super::*;

fn of(list: &str) -> Installation {
    let list = ServerList::parse(list, 8140).unwrap();
    Installation::new().with(Service::PuppetServer, list)
}

#[test]
fn cells_and_holder_follow_their_servers() {
    let before = Health::new(&of("a,b"), Policy::default(), 0);
    record(&before, SERVER, 0, REFUSED, 1);
    before.take_over(SERVER, 1, at(1));
    let after = before.with_installation(&of("c,b,a"));
    assert_eq!(after.state(SERVER, 2, at(1)), Some(State::Benched));
    assert_eq!(after.holder(SERVER), Some(1));
    assert_eq!(node(&after, 1), 1);
}

#[test]
fn what_a_request_under_way_finds_out_counts_for_the_new_lists() {
    let before = Health::new(&of("a,b"), Policy::default(), 0);
    let after = before.with_installation(&of("b,a"));
    record(&before, SERVER, 1, REFUSED, 1);
    assert_eq!(after.state(SERVER, 0, at(1)), Some(State::Benched));
    before.take_over(SERVER, 0, at(1));
    assert_eq!(after.holder(SERVER), Some(1));
}

#[test]
fn when_its_holder_left_the_first_holds_the_class() {
    let before = Health::new(&of("a,b"), Policy::default(), 0);
    before.take_over(SERVER, 1, at(1));
    let after = before.with_installation(&of("c,a"));
    assert_eq!(after.holder(SERVER), Some(0));
    assert_eq!(node(&after, 1), 0);
}

#[test]
fn a_pin_follows_its_server() {
    let before = Health::new(&of("a,b"), Policy::default(), 0);
    let pin = before.id(SERVER, 1);
    let after = before.with_installation(&of("b,c,a"));
    let mut plan = after.plan(look_up(), pin, None, at(1), 0).unwrap();
    let step = plan.step(at(1), after.budget());
    assert!(matches!(step, Step::Attempt { place: 0, .. }), "{step:?}");
}

#[test]
fn who_left_and_came_back_is_still_known() {
    let before = Health::new(&of("a,b"), Policy::default(), 0);
    record(&before, SERVER, 0, REFUSED, 1);
    let without = before.with_installation(&of("b,c"));
    let again = without.with_installation(&of("a,b"));
    assert_eq!(again.state(SERVER, 0, at(1)), Some(State::Benched));
}
