//! A fleet of 10 000 agents that lose their broker, on paper: each has its own keeper, and what they
//! have in common is the moment. Arrivals at the next broker are counted second by second.

#![allow(clippy::print_stdout, reason = "it draws charts of what it asserts")]

use std::time::Duration;

use standin_core::health::{Event, Health, Probed, ServerId};
use standin_core::policy::Hysteresis;
use standin_core::verdict::Unreached;
use standin_core::{Class, Installation, Moment, Policy, ServerList, Service, Verdict, jitter};
use standin_pcp::Terms;
use standin_pcp::keeper::{Failure, Keeper, Loss, Step, Which};

const AGENTS: usize = 10_000;

/// When the broker is lost; agents have been with it for a while.
const LOSS: Moment = Moment::from_nanos(1_000_000_000_000);

/// What happens to them all.
#[derive(Clone, Copy)]
enum Common {
    /// The broker dies or closes; the next broker takes whoever comes.
    Lost(Loss),
    /// The broker dies, and there is no other for this many seconds.
    Away(u64),
}

/// Arrivals in each second after the loss.
fn arrivals(common: Common) -> Vec<usize> {
    let mut seconds = Vec::new();
    for agent in 0..AGENTS {
        let arrived = arrival(agent, common);
        let second = usize::try_from(arrived.since(LOSS).as_secs()).expect("it is small");
        if seconds.len() <= second {
            seconds.resize(second + 1, 0);
        }
        seconds[second] += 1;
    }
    seconds
}

fn arrival(agent: usize, common: Common) -> Moment {
    let mut random = fastrand::Rng::with_seed(seed(agent));
    let mut keeper = stable(LOSS.before(Duration::from_secs(60)));
    let (loss, back) = match common {
        Common::Lost(loss) => (loss, LOSS),
        Common::Away(seconds) => (Loss::Broke, LOSS + Duration::from_secs(seconds)),
    };
    let _ = keeper.ended(Which::Present, loss, LOSS, random.u64(..));
    let mut now = LOSS;
    loop {
        match keeper.step(now) {
            Step::Wait(Some(until)) => now = until,
            Step::Associate(_) if now >= back => return now,
            Step::Associate(_) => {
                let _ = keeper.not_associated(Failure::Nobody, now, random.u64(..));
            }
            step => panic!("{step:?} while it rests"),
        }
    }
}

fn stable(since: Moment) -> Keeper {
    let mut keeper = Keeper::new(Terms::default(), Duration::MAX, since);
    assert!(matches!(keeper.step(since), Step::Associate(_)));
    keeper.associated(ServerId::from_number(0), since);
    assert_eq!(keeper.step(since), Step::Ping(Which::Present));
    keeper.pinged(Which::Present, since);
    keeper.ponged(Which::Present, since);
    let proven = since + Terms::default().stable;
    assert_eq!(keeper.step(proven), Step::Settled);
    keeper
}

fn seed(agent: usize) -> u64 {
    jitter::seed_of(&format!("agent{agent}.example.com"))
}

/// Prints a chart, and returns the share of the fleet in its worst second.
fn worst(title: &str, seconds: &[usize]) -> f64 {
    let most = *seconds.iter().max().expect("somebody arrives");
    let share = |count: usize| 100.0 * count as f64 / AGENTS as f64;
    println!("\n{title}: worst second {:.2} %", share(most));
    let step = seconds.len().div_ceil(25);
    for (at, seconds) in seconds.chunks(step).enumerate() {
        let count = *seconds.iter().max().expect("chunks are not empty");
        let bar = "#".repeat(count * 50 / most);
        println!("{:>4} s {:>6.2} % {bar}", at * step, share(count));
    }
    assert_eq!(seconds.iter().sum::<usize>(), AGENTS);
    share(most)
}

#[test]
fn after_a_brokers_death_no_second_sees_more_than_an_eighth_of_the_fleet() {
    for loss in [Loss::Broke, Loss::Silent, Loss::Closed(1012)] {
        let seconds = arrivals(Common::Lost(loss));
        assert!(seconds.len() <= 10);
        let worst = worst(&format!("{loss:?}"), &seconds);
        assert!(worst <= 12.0, "{worst}");
    }
}

#[test]
fn after_an_eviction_no_second_sees_more_than_a_fiftieth() {
    let seconds = arrivals(Common::Lost(Loss::Closed(1011)));
    assert!(seconds.len() >= 60);
    let worst = worst("evicted", &seconds);
    assert!(worst <= 2.0, "{worst}");
}

#[test]
fn in_failback_no_second_sees_more_than_a_fiftieth() {
    let back = LOSS + Duration::from_secs(600);
    let mut seconds = Vec::new();
    for agent in 0..AGENTS {
        let second = usize::try_from(returns(agent, back).since(back).as_secs());
        let second = second.expect("it is small");
        if seconds.len() <= second {
            seconds.resize(second + 1, 0);
        }
        seconds[second] += 1;
    }
    let worst = worst("failback", &seconds);
    assert!(worst <= 2.0, "{worst}");
}

/// When this agent tries the first broker again, which refuses until `back`.
fn returns(agent: usize, back: Moment) -> Moment {
    let list = ServerList::parse("master.example.com,replica.example.com", 8142);
    let list = list.expect("it is a list");
    let installation = Installation::new().with(Service::PcpBroker, list);
    let health = Health::new(&installation, Policy::default(), seed(agent));
    let class = Class::Service(Service::PcpBroker);
    let mut random = fastrand::Rng::with_seed(seed(agent));
    let mut now = arrival(agent, Common::Lost(Loss::Broke)) + Terms::default().stable;
    health.take_over(class, 1, now);
    loop {
        if let Some(probe) = health.status_due(class, 0, now) {
            let came = match now >= back {
                true => Probed::Good,
                false => Probed::Bad(Verdict::Unreached(Unreached::Refused)),
            };
            let events = health.probed(&probe, came, now, random.u64(..));
            if events
                .iter()
                .any(|event| matches!(event, Event::Failback { .. }))
            {
                return now;
            }
        }
        now = now + Hysteresis::default().interval();
    }
}

#[test]
fn after_an_outage_of_all_brokers_they_do_not_come_as_one() {
    let seconds = arrivals(Common::Away(600));
    let seconds = &seconds[600..];
    assert!(seconds.len() <= 60);
    let worst = worst("all away for ten minutes", seconds);
    assert!(worst <= 12.0, "{worst}");
}
