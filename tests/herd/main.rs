//! A fleet of 5 000 agents through an overload, a reload and an outage of their master: the core's own
//! decisions, one agent at a time, on a virtual clock and without I/O.
//!
//! `cargo test --test herd -- --nocapture --test-threads 1` draws what each host had to do.

mod agent;
mod chart;
mod fleet;
mod host;
mod probes;
mod walk;

use std::time::Duration;

use standin_core::policy::{Overload, Probing};
use standin_core::{Moment, Policy};

use agent::Form;
use chart::chart;
use fleet::{AGENTS, Fault, Fleet, MASTER, REPLICA, at};
use host::{Capacity, Reach};

/// A master that is two thirds busy on an ordinary day: 2.8 runs a second, each of which keeps an
/// instance busy for 4.4 s. An operator who sheds load lets agents come again within half a minute.
const CAPACITY: Capacity = Capacity {
    instances: 18,
    queued_most: 36,
    retry_delay_most: 30,
};

/// When something befalls the master: every agent has run, and its memory is warm.
const BEGINS: u64 = 35;

/// So many times the mean of a span may come in it by chance.
const CHANCE: u32 = 2;

fn policy(form: Form) -> Policy {
    Policy {
        probing: match form {
            Form::OneRun | Form::LongLived => Probing::Off,
            Form::Watching => Probing::USUAL,
        },
        ..Policy::default()
    }
}

fn fleet(form: Form) -> Fleet {
    Fleet::new(form, policy(form), CAPACITY, 4)
}

#[allow(clippy::print_stdout, reason = "the charts are what a person looks at")]
fn draw(title: &str, fleet: &Fleet) {
    let tally = &fleet.tally;
    let lines = [
        ("taken by the master", &tally.taken[MASTER]),
        ("taken by the replica", &tally.taken[REPLICA]),
        ("shed by the master", &tally.shed),
        ("runs that failed", &tally.failed),
        ("agents that returned", &tally.returned),
    ];
    println!("{}", chart(title, fleet.now, &lines));
    println!("  {} agents were at the replica", at_replica(fleet));
}

fn at_replica(fleet: &Fleet) -> usize {
    let agents = fleet.agents.iter();
    agents.filter(|agent| agent.was_at_replica).count()
}

/// All that was counted from the beginning on.
fn ever(series: &chart::Series, fleet: &Fleet) -> u32 {
    series.between(at(0), fleet.now)
}

/// Everything takes twice as long for so many minutes, as after a deploy that emptied the caches: a
/// third more work than there are instances for.
fn overload(form: Form, policy: Policy, minutes: u64) -> Fleet {
    let mut fleet = Fleet::new(form, policy, CAPACITY, 4);
    fleet.befalls(at(BEGINS), Fault::Slowness(2.0));
    fleet.befalls(at(BEGINS + minutes), Fault::Slowness(1.0));
    fleet.go_on_until(at(BEGINS + 40));
    assert!(ever(&fleet.tally.shed, &fleet) > 200, "no overload");
    fleet
}

/// An overload that requests can wait out does not touch the replica at all.
fn an_overload_is_waited_out(form: Form) {
    let fleet = overload(form, policy(form), 3);
    draw(&format!("overload of 3 min, {form:?}"), &fleet);
    assert_eq!(ever(&fleet.tally.taken[REPLICA], &fleet), 0);
    assert_eq!(ever(&fleet.tally.failed, &fleet), 0);
}

#[test]
fn an_overload_is_waited_out_by_processes_of_one_run() {
    an_overload_is_waited_out(Form::OneRun);
}

#[test]
fn an_overload_is_waited_out_by_processes_that_live_long() {
    an_overload_is_waited_out(Form::LongLived);
}

/// One that outlasts the deadlines is more than anybody can wait for: what cannot wait goes to the
/// replica, and no more than that.
#[test]
fn an_overload_that_outlasts_the_deadlines_pours_little_onto_the_replica() {
    let fleet = overload(Form::OneRun, policy(Form::OneRun), 15);
    draw("overload of 15 min, OneRun", &fleet);
    let poured = ever(&fleet.tally.taken[REPLICA], &fleet);
    assert!(poured > 0, "it does not outlast them");
    assert!(at_replica(&fleet) < AGENTS / 10);
    assert!(poured < ever(&fleet.tally.shed, &fleet) / 10, "{poured}");
    assert_eq!(ever(&fleet.tally.failed, &fleet), 0);
}

#[test]
fn who_only_waits_leaves_the_replica_alone_and_fails_some_runs() {
    let policy = Policy {
        overload: Overload::WaitOnly,
        ..policy(Form::OneRun)
    };
    let fleet = overload(Form::OneRun, policy, 15);
    draw("overload of 15 min, OneRun, only waited out", &fleet);
    assert_eq!(ever(&fleet.tally.taken[REPLICA], &fleet), 0);
    let failed = ever(&fleet.tally.failed, &fleet);
    assert!(failed > 0 && failed < AGENTS as u32 / 10, "{failed}");
}

/// Puppet Server refuses for six seconds. Runs that are under way or begin then use the replica, and
/// nobody else ever does.
fn a_reload_is_hardly_seen(form: Form, minutes_after: u64) {
    let mut fleet = fleet(form);
    fleet.befalls(at(BEGINS), Fault::Stops(Reach::Refuses));
    fleet.befalls(at(BEGINS) + Duration::from_secs(6), Fault::Starts);
    fleet.go_on_until(at(BEGINS + minutes_after));
    draw(&format!("reload of 6 s, {form:?}"), &fleet);
    let moved = at_replica(&fleet);
    assert!(moved > 0 && moved < AGENTS / 10, "{moved}");
    assert_eq!(ever(&fleet.tally.failed, &fleet), 0);
    let last = at(BEGINS + minutes_after - 5);
    let last = fleet.tally.taken[REPLICA].between(last, fleet.now);
    assert_eq!(last, 0, "somebody stayed");
}

#[test]
fn a_reload_is_hardly_seen_by_processes_of_one_run() {
    a_reload_is_hardly_seen(Form::OneRun, 85);
}

#[test]
fn a_reload_is_hardly_seen_by_processes_that_live_long() {
    a_reload_is_hardly_seen(Form::LongLived, 105);
}

#[test]
fn a_reload_is_hardly_seen_by_processes_that_watch() {
    a_reload_is_hardly_seen(Form::Watching, 15);
}

/// The whole host of the master is away for twenty minutes: nothing comes back from it.
fn outage(form: Form, minutes_after: u64) -> Fleet {
    let mut fleet = fleet(form);
    fleet.befalls(at(BEGINS), Fault::Stops(Reach::Silent));
    fleet.befalls(at(RETURNS), Fault::Starts);
    fleet.go_on_until(at(RETURNS + minutes_after));
    draw(&format!("outage of 20 min, {form:?}"), &fleet);
    let tally = &fleet.tally;
    assert_eq!(ever(&tally.failed, &fleet), 0, "{:?}", tally.gave_up);
    let begun = at(BEGINS) + Duration::from_secs(30);
    assert_eq!(tally.taken[MASTER].between(begun, at(RETURNS)), 0);
    let served = tally.taken[REPLICA].between(begun, at(RETURNS));
    assert!(served > 10_000, "the replica stood in for few: {served}");
    let back = at(RETURNS + minutes_after - 5);
    let left = tally.taken[REPLICA].between(back, fleet.now);
    assert_eq!(left, 0, "somebody stayed at the replica");
    fleet
}

const RETURNS: u64 = BEGINS + 20;

/// The most that the fleet may return in a span of seconds when it is spread evenly over `spread`.
fn promised(seconds: u32, spread: Duration) -> u32 {
    let mean = AGENTS as u32 * seconds / spread.as_secs() as u32;
    CHANCE * mean.max(10)
}

/// Nobody returns in a wave, and the master is asked for no more than before.
fn returns_without_a_wave(fleet: &Fleet, spread: Duration) {
    let from = at(RETURNS);
    for seconds in [1, 10] {
        let most = fleet.tally.returned.most(seconds, from);
        let promised = promised(seconds as u32, spread);
        assert!(most <= promised, "{most} of {promised} in {seconds} s");
    }
    let taken = &fleet.tally.taken[MASTER];
    let usual = most_before(taken, at(BEGINS));
    let after = taken.most(10, from);
    assert!(after <= usual * 5 / 4, "{after} in 10 s, {usual} before");
    assert_eq!(ever(&fleet.tally.shed, fleet), shed_at_the_start(fleet));
}

fn most_before(series: &chart::Series, end: Moment) -> u32 {
    series.up_to(end).most(10, at(0))
}

/// What was shed when the whole fleet turned to the replica at once.
fn shed_at_the_start(fleet: &Fleet) -> u32 {
    fleet.tally.shed.between(at(BEGINS), at(BEGINS + 1))
}

#[test]
fn after_an_outage_processes_of_one_run_return_as_they_run() {
    let fleet = outage(Form::OneRun, 80);
    returns_without_a_wave(&fleet, agent::RUN_INTERVAL);
}

#[test]
fn after_an_outage_processes_that_live_long_return_as_they_run() {
    let fleet = outage(Form::LongLived, 100);
    returns_without_a_wave(&fleet, agent::RUN_INTERVAL);
}

#[test]
fn after_an_outage_processes_that_watch_return_within_the_spread() {
    let fleet = outage(Form::Watching, 30);
    returns_without_a_wave(&fleet, Duration::from_secs(300));
    let last = fleet.tally.returned.between(at(RETURNS + 15), fleet.now);
    assert_eq!(last, 0, "later than bench, dwell and spread together");
}
