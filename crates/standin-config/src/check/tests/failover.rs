use super::*;

fn before(load_balancer: u64) -> Setup {
    let mut setup = Setup::healthy();
    setup.limits.load_balancer = Duration::from_secs(load_balancer);
    setup
}

#[test]
fn a_pair_fails_over_within_four_minutes() {
    silent(Rule::FailoverTooSlow, before(240));
}

#[test]
fn a_pair_does_not_fail_over_within_two_minutes() {
    let report = before(120).report();
    let findings = report.findings().iter();
    let slow: Vec<(String, &str)> = findings
        .filter(|found| found.rule == Rule::FailoverTooSlow)
        .map(|found| (found.place.to_string(), found.fix.as_str()))
        .collect();
    let fix = "Set the load balancer's time-out to 4 minutes or longer.";
    let at = |place: &str| (place.to_owned(), fix);
    assert_eq!(slow, [at("/c/classifier.yaml:1"), at("/c/puppetdb.conf:2")]);
}

#[test]
fn a_shorter_deadline_makes_it_faster() {
    let mut setup = before(120);
    setup.limits.policy.deadline.cheap = Duration::from_secs(100);
    silent(Rule::FailoverTooSlow, setup);
}

#[test]
fn a_bounded_attempt_at_a_puppetdb_makes_it_faster() {
    let mut setup = before(120);
    setup.limits.policy.deadline.puppetdb = Some(Duration::from_secs(30));
    assert_eq!(
        found(Rule::FailoverTooSlow, setup).0,
        "/c/classifier.yaml:1"
    );
}

#[test]
fn who_has_nobody_to_fail_over_to_is_not_slow() {
    let mut setup = Setup::agent("server = m.test");
    setup.limits.load_balancer = Duration::from_secs(1);
    silent(Rule::FailoverTooSlow, setup);
}

#[test]
fn connecting_to_puppetdb_stays_within_a_quarter() {
    let what = |setup: Setup| {
        let report = setup.report();
        let mut found = report.findings().iter();
        found.any(|found| {
            found
                .what
                .starts_with("With standin, connecting to one of ")
        })
    };
    assert!(what(before(12)));
    assert!(!what(before(240)));
}
