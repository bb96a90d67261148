//! What is special about PuppetDB: queries that stick, commands that count, and the quarter rule.

use std::time::Duration;

use super::times::spoken;
use super::{Finding, Limits, Rule};
use crate::{FirstQueried, Origin, PuppetDbConf, Settings, Submission};

pub(super) fn check(settings: &Settings, limits: &Limits, findings: &mut Vec<Finding>) {
    let Some(conf) = &settings.puppetdb else {
        return;
    };
    cut_short(conf, findings);
    if conf.servers.len() < 2 {
        return;
    }
    writes(conf, findings);
    reads(conf, findings);
    time(conf, limits, findings);
}

/// A time of 0 bounds nothing: Ruby's `Timeout.timeout(0)` waits as long as it takes.
fn cut_short(conf: &PuppetDbConf, findings: &mut Vec<Finding>) {
    let mut read_otherwise = |setting: &str, written: &str, read: u32, origin: &Origin| {
        let (meaning, example) = match (setting, read) {
            (TIMEOUT, 0) => ("0 seconds, which is no limit at all".to_owned(), "30"),
            (TIMEOUT, read) => (spoken(Duration::from_secs(read.into())), "30"),
            (_, read) => (read.to_string(), "1"),
        };
        findings.push(Finding::new(
            Rule::ReadOtherwise,
            origin,
            format!("{setting} = {written} is read as {meaning}."),
            format!("Write a whole number and no unit, as in {setting} = {example}."),
        ));
    };
    for cut in &conf.cut_short {
        read_otherwise(cut.setting, &cut.written, cut.read, &cut.origin);
    }
    let is_told = conf.cut_short.iter().any(|cut| cut.setting == TIMEOUT);
    if conf.timeout.is_none() && !is_told {
        read_otherwise(TIMEOUT, "0", 0, &conf.readings.of(TIMEOUT));
    }
}

fn writes(conf: &PuppetDbConf, findings: &mut Vec<Finding>) {
    let Submission::Broadcast { least } = conf.submission else {
        return;
    };
    let all = conf.servers.len() + conf.submit_only.len();
    if usize::try_from(least).is_ok_and(|least| least < all) {
        return;
    }
    findings.push(Finding::new(
        Rule::LossFailsWrites,
        &conf.readings.of("min_successful_submissions"),
        format!("min_successful_submissions asks for {least} of {all} servers."),
        "Write min_successful_submissions = 1: the servers tell each other the rest.",
    ));
}

fn reads(conf: &PuppetDbConf, findings: &mut Vec<Finding>) {
    if conf.first_queried == FirstQueried::LastGood {
        return;
    }
    let (place, said) = match conf.readings.of("sticky_read_failover") {
        Origin::Default(_) => (
            conf.readings.of("server_urls"),
            "not set, so that it is false",
        ),
        set => (set, "false"),
    };
    findings.push(Finding::new(
        Rule::StickyReadsOff,
        &place,
        format!("sticky_read_failover is {said}."),
        "Write sticky_read_failover = true.",
    ));
}

/// PuppetDB's own page on high availability: a compile may take four time-outs, so that one is to
/// be below a quarter of what the load balancer waits.
fn time(conf: &PuppetDbConf, limits: &Limits, findings: &mut Vec<Finding>) {
    let Some(timeout) = conf.timeout else {
        return;
    };
    let waits = u32::try_from(conf.servers.len() - 1).unwrap_or(u32::MAX);
    let longest = timeout.saturating_mul(waits);
    let quarter = limits.load_balancer / 4;
    if longest < quarter {
        return;
    }
    let most = below(quarter, waits);
    let whole = match waits {
        1 => String::new(),
        _ => format!(" for each of {waits} servers"),
    };
    let set = conf.readings.of(TIMEOUT);
    let place = if set.is_set() {
        set
    } else {
        conf.readings.of("server_urls")
    };
    findings.push(Finding::new(
        Rule::PuppetDbFailoverTooSlow,
        &place,
        format!(
            "server_url_timeout has a request wait {}{whole} before it turns to the last: a \
             quarter of the load balancer's {} is {}.",
            spoken(timeout),
            spoken(limits.load_balancer),
            spoken(quarter)
        ),
        format!("Write server_url_timeout = {most} or less."),
    ));
}

/// The whole seconds, 10 at most as that page advises, that `waits` times stay below `limit`.
fn below(limit: Duration, waits: u32) -> u64 {
    let most = (limit / waits).as_secs().saturating_sub(1);
    most.clamp(1, 10)
}

const TIMEOUT: &str = "server_url_timeout";
