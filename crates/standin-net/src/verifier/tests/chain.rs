use super::*;

#[test]
fn a_server_of_another_ca_is_refused() {
    let theirs = Pki::new().issue(&certificate(MASTER));
    let result = Agent::of(Pki::new()).meet(MASTER, &theirs.der);
    // The CAs have one name, so it is the signature that tells.
    assert_eq!(result, Err(CertificateError::BadSignature));
}

#[test]
fn an_unknown_issuer_is_refused() {
    let ca = authority("Somebody's CA", CA_SERIAL);
    let theirs = Pki::from_params(authority("Somebody's Root CA", 1), ca);
    let result = Agent::of(Pki::new()).meet(MASTER, &theirs.issue(&certificate(MASTER)).der);
    assert_eq!(result, Err(CertificateError::UnknownIssuer));
}

#[test]
fn an_expired_certificate_is_refused() {
    let mut server = certificate(MASTER);
    server.not_after = date_time_ymd(2049, 12, 31);
    assert!(matches!(
        dial(MASTER, &server),
        Err(CertificateError::ExpiredContext { .. })
    ));
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused() {
    let mut server = certificate(MASTER);
    server.not_before = date_time_ymd(2050, 1, 2);
    assert!(matches!(
        dial(MASTER, &server),
        Err(CertificateError::NotValidYetContext { .. })
    ));
}

#[test]
fn a_certificate_for_clients_only_is_refused() {
    let mut server = certificate(MASTER);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    assert_eq!(dial(MASTER, &server), Err(CertificateError::InvalidPurpose));
}

#[test]
fn an_expired_authority_is_refused() {
    let mut ca = authority("Puppet CA", CA_SERIAL);
    ca.not_after = date_time_ymd(2049, 12, 31);
    let agent = Agent::of(Pki::from_params(authority("Puppet Root CA", 1), ca));
    assert!(matches!(
        agent.dial(MASTER, &certificate(MASTER)),
        Err(CertificateError::ExpiredContext { .. })
    ));
}

#[test]
fn an_expired_root_is_refused() {
    let mut root = authority("Puppet Root CA", 1);
    root.not_after = date_time_ymd(2049, 12, 31);
    let agent = Agent::of(Pki::from_params(root, authority("Puppet CA", CA_SERIAL)));
    assert!(matches!(
        agent.dial(MASTER, &certificate(MASTER)),
        Err(CertificateError::ExpiredContext { .. })
    ));
}

#[test]
fn a_root_that_was_renewed_is_trusted_though_the_expired_one_is_still_there() {
    let mut root = authority("Puppet Root CA", 1);
    root.not_after = date_time_ymd(2049, 12, 31);
    let mut agent = Agent::of(Pki::from_params(root, authority("Puppet CA", CA_SERIAL)));
    let renewed = authority("Puppet Root CA", 3);
    let renewed = renewed.self_signed(agent.pki.root.key()).unwrap();
    agent.ca.push(renewed.der().clone());
    assert_eq!(agent.dial(MASTER, &certificate(MASTER)), Ok(()));
}

#[test]
fn an_authority_without_its_root_cannot_be_trusted() {
    let mut agent = Agent::of(Pki::new());
    agent.ca = vec![agent.pki.ca.der().clone()];
    assert!(matches!(agent.verifier(), Err(Unfit::NoRoot)));
}
