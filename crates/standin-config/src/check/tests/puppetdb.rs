use super::*;

fn with_servers(servers: &str, more: &str) -> Setup {
    let mut setup = Setup::healthy();
    setup.puppetdb = format!(
        "[main]\nserver_urls = {servers}\nsticky_read_failover = true\n\
         command_broadcast = true\n{more}\n"
    );
    setup
}

const TWO: &str = "https://m.test:8081,https://r.test:8081";
const THREE: &str = "https://m.test:8081,https://r.test:8081,https://c.test:8081";

#[test]
fn as_many_submissions_as_servers_are_told() {
    let (place, what) = found(
        Rule::LossFailsWrites,
        with_servers(TWO, "min_successful_submissions = 2"),
    );
    assert_eq!(place, "/c/puppetdb.conf:5");
    assert_eq!(what, "min_successful_submissions asks for 2 of 2 servers.");
}

#[test]
fn submissions_that_outlive_a_loss_are_none_of_it() {
    silent(
        Rule::LossFailsWrites,
        with_servers(THREE, "min_successful_submissions = 2"),
    );
    silent(
        Rule::LossFailsWrites,
        with_servers("https://m.test:8081", ""),
    );
}

#[test]
fn queries_that_do_not_stick_are_told() {
    let mut setup = Setup::healthy();
    setup.puppetdb = format!("[main]\nserver_urls = {TWO}\n");
    assert_eq!(found(Rule::StickyReadsOff, setup).0, "/c/puppetdb.conf:2");
    let mut setup = Setup::healthy();
    setup.puppetdb = format!("[main]\nserver_urls = {TWO}\nsticky_read_failover = false\n");
    assert_eq!(found(Rule::StickyReadsOff, setup).0, "/c/puppetdb.conf:3");
}

#[test]
fn one_puppetdb_has_nothing_to_stick_to() {
    let mut setup = Setup::healthy();
    setup.puppetdb = "[main]\nserver_urls = https://m.test:8081\n".to_owned();
    silent(Rule::StickyReadsOff, setup);
    silent(Rule::StickyReadsOff, Setup::healthy());
}

#[test]
fn a_quarter_of_the_load_balancers_time_is_too_much() {
    let with = |seconds: u32| Setup::with_puppetdb_line(&format!("server_url_timeout = {seconds}"));
    let (place, what) = found(Rule::PuppetDbFailoverTooSlow, with(60));
    assert_eq!(place, "/c/puppetdb.conf:5");
    assert!(
        what.contains("wait 1 minute before it turns to the last"),
        "{what}"
    );
    silent(Rule::PuppetDbFailoverTooSlow, with(59));
}

#[test]
fn each_further_puppetdb_is_waited_for_too() {
    let (place, what) = found(Rule::PuppetDbFailoverTooSlow, with_servers(THREE, ""));
    assert_eq!(place, "/c/puppetdb.conf:2");
    assert!(what.contains("30 seconds for each of 2 servers"), "{what}");
}

#[test]
fn a_shorter_time_of_the_load_balancer_has_a_shorter_quarter() {
    let mut setup = Setup::healthy();
    setup.limits.load_balancer = Duration::from_secs(120);
    found(Rule::PuppetDbFailoverTooSlow, setup);
}

#[test]
fn a_unit_that_puppetdb_drops_is_told() {
    let with = |line| Setup::with_puppetdb_line(line);
    let (place, what) = found(Rule::ReadOtherwise, with("server_url_timeout = 2m"));
    assert_eq!(place, "/c/puppetdb.conf:5");
    assert_eq!(what, "server_url_timeout = 2m is read as 2 seconds.");
    silent(Rule::ReadOtherwise, with("server_url_timeout = 20"));
}

#[test]
fn a_time_that_puppetdb_takes_for_no_limit_is_told() {
    for text in ["soon", "0"] {
        let setup = Setup::with_puppetdb_line(&format!("server_url_timeout = {text}"));
        let (_, what) = found(Rule::ReadOtherwise, setup);
        assert!(what.ends_with("no limit at all."), "{what}");
    }
}

#[test]
fn a_number_that_puppetdb_cuts_short_is_told() {
    let setup = Setup::with_puppetdb_line("min_successful_submissions = 1 of 2");
    let (_, what) = found(Rule::ReadOtherwise, setup);
    assert_eq!(what, "min_successful_submissions = 1 of 2 is read as 1.");
}
