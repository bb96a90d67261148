use super::*;

#[test]
fn a_broker_without_its_port_is_told_where_it_stands() {
    let mut setup = Setup::healthy();
    setup.pxp = brokers(&["m.test:8142", "r.test"]);
    let (place, what) = found(Rule::BrokerWithoutPort, setup);
    assert_eq!(place, "/c/pxp-agent.conf:3");
    assert_eq!(what, "broker-ws-uris names r.test without a port.");
    silent(Rule::BrokerWithoutPort, Setup::healthy());
}

#[test]
fn a_broker_alone_is_held_to_its_port_too() {
    let with = |server: &str| {
        let mut setup = Setup::healthy();
        setup.pxp = format!("{{\"broker-ws-uri\": \"wss://{server}/pcp2/\"}}");
        setup
    };
    found(Rule::BrokerWithoutPort, with("m.test"));
    found(Rule::BrokerWithoutPort, with("[2001:db8::1]"));
    silent(Rule::BrokerWithoutPort, with("m.test:443"));
}

#[test]
fn a_parameter_without_the_port_is_told() {
    let with = |text: &str| {
        let mut setup = Setup::healthy();
        setup.parameters = text.to_owned();
        setup
    };
    let (place, what) = found(
        Rule::BrokerWithoutPort,
        with("pcp_broker_list:\n- m.test:8142\n- r.test\n"),
    );
    assert_eq!(place, "/c/hiera.yaml:3");
    assert_eq!(what, "pcp_broker_list names r.test without a port.");
    silent(
        Rule::BrokerWithoutPort,
        with("server_list: [m.test, r.test]\n"),
    );
}

#[test]
fn pings_that_hurt_are_told() {
    let with = |seconds: u32| with_pxp(&format!("\"ping-interval\": {seconds}"));
    assert_eq!(
        found(Rule::PingInterval, with(15)).1,
        "ping-interval is 15 seconds."
    );
    assert_eq!(
        found(Rule::PingInterval, with(360)).1,
        "ping-interval is 6 minutes."
    );
    silent(Rule::PingInterval, with(30));
    silent(Rule::PingInterval, with(359));
    silent(Rule::PingInterval, Setup::healthy());
}
