//! Times: what is waited for how long while a host is lost, and times that are read as others.

use std::time::Duration;

use super::named::{List, Lists};
use super::{Finding, Limits, Rule};
use crate::{Origin, Place, Settings};

pub(super) fn check(
    lists: &Lists,
    settings: &Settings,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) {
    connecting(lists, settings, findings);
    runinterval(settings, findings);
    if limits.load_balancer < Limits::default().load_balancer {
        findings.push(Finding::new(
            Rule::ShortLoadBalancerTimeout,
            Place::Override,
            format!("It was said to be {}.", spoken(limits.load_balancer)),
            "Set it to four minutes or longer: with haproxy, timeout client and timeout server.",
        ));
    }
}

fn connecting(lists: &Lists, settings: &Settings, findings: &mut Vec<Finding>) {
    let has_next = |list| lists.get(list).is_some_and(|named| named.hosts().len() > 1);
    let puppet = &settings.puppet;
    let connect = puppet.times.connect;
    if has_next(List::Agent) && connect >= SLOW_CONNECT {
        let (place, said) = match puppet.readings.of("http_connect_timeout") {
            Origin::Default(_) => (
                Place::Whole(puppet.path.to_path_buf()),
                "not set, so that it is",
            ),
            set => (Place::from(&set), "set to"),
        };
        findings.push(Finding::new(
            Rule::SlowConnectTimeout,
            place,
            format!("http_connect_timeout is {said} {}.", spoken(connect)),
            "Write http_connect_timeout = 10s into [agent].",
        ));
    }
    let Some(pxp) = settings.pxp_agent.as_ref() else {
        return;
    };
    if let Some(origin) = pxp.origin("connection-timeout")
        && origin.is_set()
        && has_next(List::Brokers)
        && pxp.connection_timeout > SLOW_BROKER
    {
        findings.push(Finding::new(
            Rule::SlowConnectTimeout,
            origin,
            format!("connection-timeout is {}.", spoken(pxp.connection_timeout)),
            "Take it out, for 5 seconds is the default; it is a number of seconds.",
        ));
    }
}

/// `runinterval = 30` is the usual slip.
fn runinterval(settings: &Settings, findings: &mut Vec<Finding>) {
    let interval = settings.puppet.times.runinterval;
    let what = match interval.as_secs() {
        0 => "runinterval = 0 is read as no pause between runs, and not as no runs.".to_owned(),
        1..60 => format!("runinterval is read as {}.", spoken(interval)),
        _ => return,
    };
    findings.push(Finding::new(
        Rule::ReadOtherwise,
        &settings.puppet.readings.of("runinterval"),
        what,
        "Write the unit, as in runinterval = 30m. To have no runs, stop the service.",
    ));
}

/// A time as people say it, to the next whole second.
pub(super) fn spoken(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        60.. if seconds.is_multiple_of(60) => plural(seconds / 60, "minute"),
        _ => plural(seconds, "second"),
    }
}

fn plural(count: u64, unit: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{s}")
}

/// Puppet's default for `http_connect_timeout`.
const SLOW_CONNECT: Duration = Duration::from_secs(120);

/// Twelve times pxp-agent's default: whoever writes more takes it for milliseconds.
const SLOW_BROKER: Duration = Duration::from_secs(60);
