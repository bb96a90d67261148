use super::*;
use standin_core::Server;

fn with(outcome: Outcome) -> Setup {
    let mut setup = Setup::healthy();
    let server = Server::new("r.test", 8081).unwrap();
    setup.facts.visits = vec![Visit { server, outcome }];
    setup
}

fn answered(date: Option<SystemTime>, not_after: Option<SystemTime>) -> Setup {
    let at = now();
    with(Outcome::Answered {
        not_after,
        date,
        at,
    })
}

#[test]
fn another_name_in_the_certificate_is_told_where_the_server_is_named() {
    let (place, what) = found(
        Rule::NameNotInCertificate,
        with(Outcome::OtherName("it is for x.test".to_owned())),
    );
    assert_eq!(place, "/c/puppetdb.conf:2");
    assert_eq!(
        what,
        "The certificate that r.test:8081 shows is not for r.test: it is for x.test."
    );
    silent(Rule::NameNotInCertificate, answered(None, None));
}

#[test]
fn want_of_trust_is_told() {
    let (_, what) = found(
        Rule::ServerNotTrusted,
        with(Outcome::NotTrusted("revoked".to_owned())),
    );
    assert!(
        what.ends_with("do not trust each other: revoked."),
        "{what}"
    );
    silent(Rule::ServerNotTrusted, answered(None, None));
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let (_, what) = found(
        Rule::ServerUnreachable,
        with(Outcome::NotReached("refused".to_owned())),
    );
    assert_eq!(what, "r.test:8081 did not answer: refused.");
    silent(Rule::ServerUnreachable, answered(None, None));
}

#[test]
fn a_broker_of_the_replica_need_not_be_there() {
    let refused = |host: &str| {
        let mut setup = Setup::healthy();
        let server = Server::new(host, 8142).unwrap();
        let outcome = Outcome::NotReached("refused".to_owned());
        setup.facts.visits = vec![Visit { server, outcome }];
        setup
    };
    silent(Rule::ServerUnreachable, refused("r.test"));
    found(Rule::ServerUnreachable, refused("m.test"));
}

#[test]
fn a_clock_that_is_off_by_more_than_a_minute_is_told_both_ways() {
    let ahead = |seconds| answered(Some(now() + Duration::from_secs(seconds)), None);
    let (_, what) = found(Rule::ClockSkew, ahead(61));
    assert_eq!(
        what,
        "The clock of r.test:8081 is 61 s ahead of this machine's."
    );
    let behind = answered(Some(now() - Duration::from_secs(300)), None);
    assert!(found(Rule::ClockSkew, behind).1.contains("300 s behind"));
    silent(Rule::ClockSkew, ahead(60));
}

#[test]
fn a_server_certificate_near_its_end_is_told() {
    let until = |days: u64| answered(None, Some(now() + Duration::from_secs(days * 86_400)));
    let (place, what) = found(Rule::CertificateExpiresSoon, until(1));
    assert_eq!(place, "/c/puppetdb.conf:2");
    assert!(
        what.contains("r.test:8081 shows expires on 2026-11-19"),
        "{what}"
    );
    silent(Rule::CertificateExpiresSoon, until(31));
}
