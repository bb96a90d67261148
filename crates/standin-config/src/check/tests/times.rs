use super::super::times::spoken;
use super::*;

#[test]
fn puppets_own_connect_timeout_is_told_at_the_file() {
    let setup = Setup::agent("server_list = m.test,r.test");
    let (place, what) = found(Rule::SlowConnectTimeout, setup);
    assert_eq!(place, "/c/puppet.conf");
    assert_eq!(
        what,
        "http_connect_timeout is not set, so that it is 2 minutes."
    );
}

#[test]
fn a_long_connect_timeout_is_told_at_its_line() {
    let setup = Setup::agent("server_list = m.test,r.test\nhttp_connect_timeout = 2m");
    assert_eq!(found(Rule::SlowConnectTimeout, setup).0, "/c/puppet.conf:2");
}

#[test]
fn a_connect_timeout_below_two_minutes_or_without_a_next_server_is_not() {
    silent(
        Rule::SlowConnectTimeout,
        Setup::agent("server_list = m.test,r.test\nhttp_connect_timeout = 119"),
    );
    silent(Rule::SlowConnectTimeout, Setup::agent("server = m.test"));
}

#[test]
fn milliseconds_in_pxp_agent_conf_are_told() {
    let (place, what) = found(
        Rule::SlowConnectTimeout,
        with_pxp("\"connection-timeout\": 5000"),
    );
    assert_eq!(place, "/c/pxp-agent.conf:2");
    assert_eq!(what, "connection-timeout is 5000 seconds.");
    silent(
        Rule::SlowConnectTimeout,
        with_pxp("\"connection-timeout\": 5"),
    );
}

#[test]
fn a_runinterval_without_its_unit_is_told() {
    let (place, what) = found(Rule::ReadOtherwise, Setup::with_line("runinterval = 30"));
    assert_eq!(place, "/c/puppet.conf:4");
    assert_eq!(what, "runinterval is read as 30 seconds.");
    silent(Rule::ReadOtherwise, Setup::with_line("runinterval = 30m"));
    silent(Rule::ReadOtherwise, Setup::with_line("runinterval = 1800"));
}

#[test]
fn a_runinterval_of_nothing_is_told() {
    let (_, what) = found(Rule::ReadOtherwise, Setup::with_line("runinterval = 0"));
    assert!(what.contains("no pause between runs"), "{what}");
}

#[test]
fn less_than_four_minutes_of_the_load_balancer_are_told() {
    let with = |seconds: u64| {
        let mut setup = Setup::healthy();
        setup.limits.load_balancer = Duration::from_secs(seconds);
        setup
    };
    assert_eq!(
        found(Rule::ShortLoadBalancerTimeout, with(239)).1,
        "It was said to be 239 seconds."
    );
    silent(Rule::ShortLoadBalancerTimeout, with(240));
}

#[test]
fn times_are_said_as_people_say_them() {
    let said = |millis| spoken(Duration::from_millis(millis));
    assert_eq!(said(1000), "1 second");
    assert_eq!(said(59_000), "59 seconds");
    assert_eq!(said(60_000), "1 minute");
    assert_eq!(said(90_000), "90 seconds");
    assert_eq!(said(240_000), "4 minutes");
    assert_eq!(said(2_750), "3 seconds");
}
