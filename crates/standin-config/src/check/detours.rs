//! What leads an agent's requests around its list of servers.

use super::named::{List, Lists};
use super::{Finding, Rule};
use crate::{Origin, Place, Reports, Settings, SrvRecords};

pub(super) fn check(lists: &Lists, settings: &Settings, findings: &mut Vec<Finding>) {
    let Some(agent) = lists.get(List::Agent) else {
        return;
    };
    proxy(lists, settings, findings);
    if agent.hosts().len() < 2 {
        return;
    }
    let puppet = &settings.puppet;
    if let SrvRecords::Of { domain } = &puppet.srv_records {
        findings.push(Finding::new(
            Rule::SrvRecordsFirst,
            &puppet.readings.of("use_srv_records"),
            format!("use_srv_records is true, so that DNS is asked for _x-puppet._tcp.{domain}."),
            "Write use_srv_records = false, or see that the records name the same servers.",
        ));
    }
    if let Reports::To(server) = settings.reports() {
        findings.push(Finding::new(
            Rule::ReportsToOne,
            &puppet.readings.of("report_server"),
            format!("report_server is set, so that reports go to {server} alone."),
            "Take report_server out: reports then follow the list.",
        ));
    }
}

/// One finding, at the proxy, for all servers behind it.
fn proxy(of: &Lists, settings: &Settings, findings: &mut Vec<Finding>) {
    let puppet = &settings.puppet;
    let lists = [List::Agent, List::Authority, List::Reports];
    let named = lists.into_iter().filter_map(|list| of.get(list));
    let behind = named.flat_map(|named| named.servers()).find_map(|server| {
        let proxy = puppet.http.proxy_for(server.host(), server.port())?;
        Some((proxy, server))
    });
    let Some((proxy, server)) = behind else {
        return;
    };
    let place = match puppet.readings.of("http_proxy_host") {
        Origin::Default(_) => Place::Whole(puppet.path.to_path_buf()),
        set => Place::from(&set),
    };
    findings.push(Finding::new(
        Rule::ProxyBeforeServers,
        place,
        format!("{server} is reached through {proxy}."),
        format!("Write no_proxy = {} into [agent].", server.host()),
    ));
}
