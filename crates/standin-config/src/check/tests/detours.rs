use super::*;

#[test]
fn records_that_come_before_the_list_are_told() {
    let lines = "use_srv_records = true\nsrv_domain = a.test";
    let (place, what) = found(Rule::SrvRecordsFirst, Setup::with_line(lines));
    assert_eq!(place, "/c/puppet.conf:4");
    assert!(what.ends_with("_x-puppet._tcp.a.test."), "{what}");
    silent(
        Rule::SrvRecordsFirst,
        Setup::with_line("srv_domain = a.test"),
    );
}

#[test]
fn reports_that_leave_the_list_are_told() {
    let setup = Setup::with_line("report_server = m.test");
    let (place, what) = found(Rule::ReportsToOne, setup);
    assert_eq!(place, "/c/puppet.conf:4");
    assert!(what.ends_with("reports go to m.test:8140 alone."), "{what}");
    silent(Rule::ReportsToOne, Setup::healthy());
}

#[test]
fn a_proxy_before_the_servers_is_told_once() {
    let with = |more: &str| {
        let lines = format!("http_proxy_host = p.test\nhttp_proxy_port = 3128\n{more}");
        Setup::with_line(&lines)
    };
    let (place, what) = found(Rule::ProxyBeforeServers, with(""));
    assert_eq!(place, "/c/puppet.conf:4");
    assert_eq!(what, "m.test:8140 is reached through http://p.test:3128.");
    found(Rule::ProxyBeforeServers, with("no_proxy = m.test"));
    silent(Rule::ProxyBeforeServers, with("no_proxy = m.test, r.test"));
}
