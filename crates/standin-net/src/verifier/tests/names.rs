use super::*;

#[test]
fn an_alternative_name_matches() {
    let server = with_alternatives("puppet", [dns("other.example.com"), dns(MASTER)]);
    assert_eq!(dial(MASTER, &server), Ok(()));
}

#[test]
fn the_common_name_does_not_count_beside_alternative_names() {
    let server = with_alternatives(MASTER, [dns("other.example.com")]);
    assert_wrong_name(&dial(MASTER, &server));
}

#[test]
fn without_alternative_names_the_common_name_matches() {
    assert_eq!(dial(MASTER, &certificate(MASTER)), Ok(()));
}

#[test]
fn case_does_not_matter_in_a_common_name() {
    let server = certificate("Master.EXAMPLE.com");
    assert_eq!(dial("mAster.example.com", &server), Ok(()));
}

#[test]
fn the_error_about_another_common_name_says_what_was_found_and_expected() {
    let error = dial(MASTER, &certificate("other.example.com")).unwrap_err();
    let CertificateError::NotValidForNameContext {
        expected,
        presented,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(expected.to_str(), MASTER);
    assert_eq!(presented, &[r#"CommonName("other.example.com")"#]);
    let text = error.to_string();
    assert!(
        text.contains(MASTER) && text.contains("other.example.com"),
        "{text}"
    );
}

#[test]
fn a_part_of_a_common_name_does_not_match() {
    assert_wrong_name(&dial(
        MASTER,
        &certificate("master.example.com.example.net"),
    ));
    assert_wrong_name(&dial(MASTER, &certificate("master")));
}

#[test]
fn an_alternative_name_that_is_an_address_leaves_the_common_name_valid() {
    let address = SanType::IpAddress([192, 0, 2, 1].into());
    assert_eq!(dial(MASTER, &with_alternatives(MASTER, [address])), Ok(()));
}

#[test]
fn an_alternative_name_that_is_for_mail_leaves_the_common_name_valid() {
    let mail = SanType::Rfc822Name("root@example.com".try_into().unwrap());
    assert_eq!(dial(MASTER, &with_alternatives(MASTER, [mail])), Ok(()));
}

#[test]
fn an_alternative_name_that_cannot_be_read_voids_the_common_name() {
    // SEQUENCE { [2] (a DNS name) FF FE }, which is not text.
    let unreadable = vec![0x30, 0x04, 0x82, 0x02, 0xff, 0xfe];
    let mut server = certificate(MASTER);
    server.custom_extensions = vec![CustomExtension::from_oid_content(
        &[2, 5, 29, 17],
        unreadable,
    )];
    assert!(dial(MASTER, &server).is_err());
}

#[test]
fn alternative_names_that_are_not_a_list_void_the_common_name() {
    let mut server = certificate(MASTER);
    server.custom_extensions = vec![CustomExtension::from_oid_content(
        &[2, 5, 29, 17],
        vec![0x05, 0x00],
    )];
    assert!(dial(MASTER, &server).is_err());
}

#[test]
fn of_two_common_names_none_counts() {
    let mut server = certificate(MASTER);
    // The same attribute by its number, which rcgen would otherwise replace.
    let again = DnType::CustomDnType(vec![2, 5, 4, 3]);
    server.distinguished_name.push(again, "other.example.com");
    assert_wrong_name(&dial(MASTER, &server));
    assert_wrong_name(&dial("other.example.com", &server));
}

#[test]
fn a_common_name_is_never_a_wildcard() {
    assert_wrong_name(&dial(MASTER, &certificate("*.example.com")));
}

#[test]
fn an_alternative_name_may_be_a_wildcard_for_one_label() {
    let server = with_alternatives("puppet", [dns("*.example.com")]);
    let agent = Agent::of(Pki::new());
    assert_eq!(agent.dial(MASTER, &server), Ok(()));
    assert_wrong_name(&agent.dial("a.master.example.com", &server));
}

#[test]
fn a_common_name_does_not_end_at_a_nul() {
    assert_wrong_name(&dial(
        MASTER,
        &certificate("master.example.com\0.example.net"),
    ));
    assert_wrong_name(&dial(MASTER, &certificate("master.example.com\0")));
}

#[test]
fn an_address_never_matches_a_common_name() {
    assert_wrong_name(&dial("192.0.2.1", &certificate("192.0.2.1")));
}

#[test]
fn an_address_matches_an_alternative_name_that_is_one() {
    let address = SanType::IpAddress([192, 0, 2, 1].into());
    let server = with_alternatives("puppet", [address]);
    assert_eq!(dial("192.0.2.1", &server), Ok(()));
}

/// An agent whose CA may sign for `example.com` only.
fn constrained() -> Agent {
    let mut ca = authority("Puppet CA", CA_SERIAL);
    ca.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".into())],
        excluded_subtrees: vec![],
    });
    Agent::of(Pki::from_params(authority("Puppet Root CA", 1), ca))
}

#[test]
fn a_ca_limited_to_some_names_does_not_get_round_it_by_a_common_name() {
    let server = certificate("master.example.net");
    assert_wrong_name(&constrained().dial("master.example.net", &server));
}

#[test]
fn a_ca_limited_to_some_names_may_sign_for_those() {
    let server = with_alternatives("puppet", [dns(MASTER)]);
    assert_eq!(constrained().dial(MASTER, &server), Ok(()));
}
