use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn server() -> Server {
    Server::new("broker.test", 8142).unwrap()
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn item(whose: u32, expires: u64, repeat: Repeat) -> Item<u32> {
    Item {
        id: whose.to_string(),
        text: "0123456789".into(),
        expires: at(expires),
        repeat,
        whose,
    }
}

fn queue() -> Queue<u32> {
    Queue::new(terms::Queue {
        messages: 3,
        bytes: 50,
        ..terms::Queue::default()
    })
}

fn holding(repeats: &[Repeat]) -> Queue<u32> {
    let mut queue = queue();
    for (whose, repeat) in (0..).zip(repeats) {
        queue.push(item(whose, 60, *repeat)).unwrap();
    }
    queue
}

#[test]
fn what_is_confirmed_is_sent_and_what_was_written_later_is_not() {
    let mut queue = holding(&[Repeat::Harmless; 3]);
    let (first, _) = queue.next(1, &server()).unwrap();
    queue.next(1, &server()).unwrap();
    let sent = Outcome::Sent { server: server() };
    assert_eq!(queue.confirmed(1, first), [(0, sent.clone())]);
    assert_eq!(queue.counts(), (1, 1));
    assert_eq!(queue.confirmed(2, u64::MAX), []);
    assert_eq!(queue.confirmed(1, u64::MAX), [(1, sent)]);
}

#[test]
fn what_a_lost_connection_did_not_confirm_goes_first_again_in_its_order() {
    let mut queue = holding(&[Repeat::Harmless; 3]);
    queue.next(1, &server()).unwrap();
    queue.next(1, &server()).unwrap();
    assert_eq!(queue.lost(1), []);
    let mut again = Vec::new();
    while let Some((number, _)) = queue.next(2, &server()) {
        again.extend(
            queue
                .confirmed(2, number)
                .into_iter()
                .map(|(whose, _)| whose),
        );
    }
    assert_eq!(again, [0, 1, 2]);
}

#[test]
fn what_may_not_be_repeated_ends_as_maybe_sent() {
    let mut queue = holding(&[Repeat::Harmful, Repeat::Harmless]);
    queue.next(1, &server()).unwrap();
    let maybe = Outcome::MaybeSent { server: server() };
    assert_eq!(queue.lost(1), [(0, maybe)]);
    assert_eq!(queue.counts(), (1, 0));
}

#[test]
fn time_takes_what_waits_and_not_what_was_written() {
    let mut queue = queue();
    queue.push(item(0, 5, Repeat::Harmless)).unwrap();
    queue.push(item(1, 5, Repeat::Harmless)).unwrap();
    queue.push(item(2, 9, Repeat::Harmless)).unwrap();
    queue.next(1, &server()).unwrap();
    assert_eq!(queue.next_expiry(), Some(at(5)));
    assert_eq!(queue.expire(at(5)), [(1, Outcome::Expired(Written::No))]);
    assert_eq!(queue.next_expiry(), Some(at(9)));
    assert_eq!(queue.lost(1), []);
    assert_eq!(queue.expire(at(5)), [(0, Outcome::Expired(Written::Maybe))]);
}

#[test]
fn bounds_are_of_messages_and_of_bytes_and_come_free_again() {
    let mut queue = holding(&[Repeat::Harmless; 3]);
    let (_, refused) = queue.push(item(3, 60, Repeat::Harmless)).unwrap_err();
    let full = Refusal::Full {
        messages: 3,
        bytes: 30,
    };
    assert_eq!(refused, Outcome::Refused(full));
    let (number, _) = queue.next(1, &server()).unwrap();
    queue.confirmed(1, number);
    let large = |bytes: usize| Item {
        text: "x".repeat(bytes).into(),
        ..item(4, 60, Repeat::Harmless)
    };
    assert!(queue.push(large(31)).is_err());
    assert!(queue.push(large(30)).is_ok());
    let (_, refused) = queue.push(large(51)).unwrap_err();
    let too_long = Refusal::TooLong {
        bytes: 51,
        most: 50,
    };
    assert_eq!(refused, Outcome::Refused(too_long));
}

#[test]
fn an_error_of_the_brokers_settles_the_message_it_answers() {
    let mut queue = holding(&[Repeat::Harmless; 2]);
    queue.next(1, &server()).unwrap();
    let reason = "not connected".to_owned();
    let refused = Outcome::Refused(Refusal::ByBroker { reason });
    assert_eq!(queue.refused("0", "not connected"), [(0, refused)]);
    assert_eq!(queue.refused("1", "it was not written"), []);
}

#[test]
fn closing_refuses_what_waits_and_is_honest_about_the_rest() {
    let mut queue = holding(&[Repeat::Harmless; 3]);
    queue.next(1, &server()).unwrap();
    queue.lost(1);
    queue.next(2, &server()).unwrap();
    queue.next(2, &server()).unwrap();
    queue.lost(2);
    queue.next(3, &server()).unwrap();
    let closed = queue.close();
    let expected = [
        (1, Outcome::Expired(Written::Maybe)),
        (2, Outcome::Refused(Refusal::Closed)),
        (0, Outcome::MaybeSent { server: server() }),
    ];
    assert_eq!(closed, expected);
    assert!(queue.push(item(9, 60, Repeat::Harmless)).is_err());
}

/// What may happen to a queue.
#[derive(Clone, Debug)]
enum Deed {
    Push(u64, bool),
    Next,
    Confirm(u64),
    Lose,
    Refuse(u32),
    Expire(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        (0u64..20, any::<bool>()).prop_map(|(expires, harmless)| Deed::Push(expires, harmless)),
        Just(Deed::Next),
        (0u64..30).prop_map(Deed::Confirm),
        Just(Deed::Lose),
        (0u32..30).prop_map(Deed::Refuse),
        (0u64..20).prop_map(Deed::Expire),
    ];
    prop::collection::vec(deed, 0..60)
}

proptest! {
    /// Whatever happens, each message has one outcome, and what was sent was written and confirmed.
    #[test]
    fn each_message_has_exactly_one_outcome(deeds in deeds()) {
        let mut queue = queue();
        let (mut link, mut next) = (1, 0);
        let mut outcomes: BTreeMap<u32, Vec<Outcome>> = BTreeMap::new();
        let mut written: BTreeMap<u32, u64> = BTreeMap::new();
        for deed in deeds {
            let settled = match deed {
                Deed::Push(expires, harmless) => {
                    let repeat = if harmless { Repeat::Harmless } else { Repeat::Harmful };
                    outcomes.insert(next, Vec::new());
                    let pushed = queue.push(item(next, expires, repeat));
                    next += 1;
                    pushed.err().into_iter().collect()
                }
                Deed::Next => {
                    let whose = queue.waiting.front().map(|(item, _)| item.whose);
                    let number = queue.next(link, &server()).map(|(number, _)| number);
                    written.extend(whose.zip(number));
                    Vec::new()
                }
                Deed::Confirm(number) => {
                    let settled = queue.confirmed(link, number);
                    for (whose, _) in &settled {
                        prop_assert!(written[whose] <= number);
                    }
                    settled
                }
                Deed::Lose => {
                    let settled = queue.lost(link);
                    link += 1;
                    settled
                }
                Deed::Refuse(id) => queue.refused(&id.to_string(), "no"),
                Deed::Expire(now) => queue.expire(at(now)),
            };
            for (whose, outcome) in settled {
                outcomes.get_mut(&whose).unwrap().push(outcome);
            }
        }
        for (whose, outcome) in queue.close() {
            outcomes.get_mut(&whose).unwrap().push(outcome);
        }
        prop_assert!(outcomes.values().all(|outcomes| outcomes.len() == 1), "{outcomes:?}");
        prop_assert_eq!(queue.bytes, 0);
    }
}
