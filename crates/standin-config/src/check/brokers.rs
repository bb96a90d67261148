//! What is special about PCP brokers: their ports have to be written, and pings may hurt.

use std::time::Duration;

use standin_core::{Server, Service};

use super::times::spoken;
use super::{Finding, Rule};
use crate::{Origin, PxpAgentConf, Settings, WrittenPort};

pub(super) fn check(settings: &Settings, findings: &mut Vec<Finding>) {
    for parameters in &settings.parameters {
        for written in &parameters.written {
            let is_broker = matches!(written.parameter, "pcp_broker_list" | "pcp_broker_ws_uris");
            if is_broker && written.port == WrittenPort::Assumed {
                let (server, origin) = (&written.server, &written.origin);
                findings.push(without_port(written.parameter, server, origin));
            }
        }
    }
    if let Some(conf) = &settings.pxp_agent {
        uris(conf, findings);
        pings(conf, findings);
    }
}

fn uris(conf: &PxpAgentConf, findings: &mut Vec<Finding>) {
    for name in ["broker-ws-uris", "broker-ws-uri"] {
        let Some(reading) = conf.readings.get(name).filter(|of| of.origin.is_set()) else {
            continue;
        };
        let texts = reading.value.split(',');
        for (text, uri) in texts.zip(&conf.broker_uris) {
            if leaves_port_out(text) {
                findings.push(without_port(name, &uri.server, &uri.origin));
            }
        }
    }
}

/// With another port by default it is another server.
fn leaves_port_out(text: &str) -> bool {
    let with_default = |port| Server::parse(text, port).ok();
    with_default(BROKER) != with_default(BROKER + 1)
}

fn without_port(setting: &str, server: &Server, origin: &Origin) -> Finding {
    let host = server.host();
    Finding::new(
        Rule::BrokerWithoutPort,
        origin,
        format!("{setting} names {host} without a port."),
        format!("Write {server}."),
    )
}

fn pings(conf: &PxpAgentConf, findings: &mut Vec<Finding>) {
    if (PINGS_OFTEN..BROKER_IDLE).contains(&conf.ping_interval) {
        return;
    }
    findings.push(Finding::new(
        Rule::PingInterval,
        &conf.readings.of("ping-interval"),
        format!("ping-interval is {}.", spoken(conf.ping_interval)),
        "Take it out, for 2 minutes is the default.",
    ));
}

const BROKER: u16 = Service::PcpBroker.port();

/// With pings each 15 s a broker that was slow for 45 s lost all its agents (PCP-729).
const PINGS_OFTEN: Duration = Duration::from_secs(30);

/// `idle-timeout` of pcp-broker.
const BROKER_IDLE: Duration = Duration::from_secs(360);
