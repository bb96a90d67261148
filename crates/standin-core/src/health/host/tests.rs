use super::*;
use crate::cell::State;
use crate::health::Alone;
use crate::verdict::Processed;
use crate::{Class, Installation, Policy, Service};

const SERVER: Class = Class::Service(Service::PuppetServer);
const PUPPETDB: Class = Class::Service(Service::PuppetDb);
const CLASSIFIER: Class = Class::Service(Service::NodeClassifier);
const TIMED_OUT: Verdict = Verdict::Unreached(Unreached::TimedOut);
const REFUSED: Verdict = Verdict::Unreached(Unreached::Refused);

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + Duration::from_secs(seconds)
}

fn health() -> Health {
    let installation = Installation::of_hosts("m", Some("r")).unwrap();
    Health::new(&installation, Policy::default(), 0)
}

fn record(health: &Health, class: Class, verdict: Verdict, seconds: u64) -> Events {
    let mark = health.mark(class, 0).unwrap();
    health.record(class, 0, mark, verdict, at(seconds), 0)
}

fn of_the_host(events: &Events) -> Option<Hearing> {
    events.iter().find_map(|event| match event {
        Event::Host { hearing, .. } => Some(*hearing),
        _ => None,
    })
}

fn classifier(health: &Health, seconds: u64) -> State {
    health.state(CLASSIFIER, 0, at(seconds)).unwrap()
}

#[test]
fn one_silent_port_says_nothing_of_the_others() {
    let health = health();
    for second in 1..9 {
        assert_eq!(
            of_the_host(&record(&health, SERVER, TIMED_OUT, second)),
            None
        );
    }
    assert_eq!(classifier(&health, 9), State::Ready);
}

#[test]
fn two_silent_ports_make_the_others_suspect() {
    let health = health();
    record(&health, SERVER, TIMED_OUT, 1);
    let events = record(&health, PUPPETDB, TIMED_OUT, 4);
    assert_eq!(of_the_host(&events), Some(Hearing::Silence));
    assert_eq!(classifier(&health, 4), State::Suspect);
}

#[test]
fn no_route_is_silence_too() {
    let health = health();
    record(&health, SERVER, Verdict::Unreached(Unreached::NoRoute), 1);
    record(&health, PUPPETDB, Verdict::Unreached(Unreached::NoRoute), 2);
    assert_eq!(classifier(&health, 2), State::Suspect);
}

#[test]
fn a_refusal_proves_that_the_host_lives() {
    let health = health();
    record(&health, SERVER, REFUSED, 1);
    record(&health, PUPPETDB, REFUSED, 2);
    assert_eq!(classifier(&health, 2), State::Ready);
}

#[test]
fn a_host_that_spoke_within_ten_seconds_is_not_silent() {
    let health = health();
    record(&health, CLASSIFIER, Verdict::NotReady(Processed::No), 5);
    record(&health, SERVER, TIMED_OUT, 7);
    assert_eq!(of_the_host(&record(&health, PUPPETDB, TIMED_OUT, 8)), None);
    assert_eq!(classifier(&health, 14), State::Ready);
    assert_eq!(classifier(&health, 15), State::Suspect);
}

#[test]
fn one_answer_at_any_port_ends_the_suspicion() {
    let health = health();
    record(&health, SERVER, TIMED_OUT, 1);
    record(&health, PUPPETDB, TIMED_OUT, 2);
    let events = record(&health, CLASSIFIER, Verdict::Answered, 30);
    assert_eq!(of_the_host(&events), Some(Hearing::Answer));
    assert_eq!(classifier(&health, 31), State::Ready);
}

#[test]
fn a_connection_is_an_answer() {
    let health = health();
    record(&health, SERVER, TIMED_OUT, 1);
    record(&health, PUPPETDB, TIMED_OUT, 2);
    let events = health.connected(CLASSIFIER, 0, Duration::from_millis(1), at(30));
    assert_eq!(of_the_host(&events), Some(Hearing::Answer));
}

#[test]
fn the_replica_is_another_host() {
    let health = health();
    record(&health, SERVER, TIMED_OUT, 1);
    record(&health, PUPPETDB, TIMED_OUT, 2);
    assert_eq!(health.state(CLASSIFIER, 1, at(2)), Some(State::Ready));
}

#[test]
fn the_words_of_the_status_are_known() {
    assert_eq!(Mode::of("source"), Mode::Source);
    assert_eq!(Mode::of("replica"), Mode::Replica);
    assert_eq!(Mode::of("none"), Mode::None);
    assert_eq!(Mode::of("Source"), Mode::Unknown);
}

#[test]
fn a_lone_server_of_a_silent_host_is_not_waited_for_long() {
    let health = health();
    let deploys = Class::Service(Service::CodeManager);
    let limit = |seconds| health.connect_limit(deploys, 0, Alone::Yes, at(seconds));
    assert_eq!(limit(1), Duration::from_millis(3100));
    record(&health, SERVER, TIMED_OUT, 1);
    record(&health, PUPPETDB, TIMED_OUT, 2);
    assert_eq!(limit(2), Duration::from_millis(1100));
    record(&health, SERVER, REFUSED, 3);
    assert_eq!(limit(3), Duration::from_millis(3100));
}
