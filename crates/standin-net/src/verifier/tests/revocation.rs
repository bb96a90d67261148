use super::*;

#[test]
fn a_revoked_certificate_is_refused() {
    let mut agent = Agent::of(Pki::new());
    agent.crls[0] = crl(&agent.pki.ca, &[LEAF_SERIAL], 2120).der().clone();
    for revocation in [Revocation::Chain, Revocation::Leaf] {
        agent = agent.with(revocation);
        assert_eq!(
            agent.dial(MASTER, &certificate(MASTER)),
            Err(CertificateError::Revoked)
        );
    }
}

#[test]
fn a_revoked_certificate_is_trusted_when_revocation_is_off() {
    let mut agent = Agent::of(Pki::new()).with(Revocation::Off);
    agent.crls[0] = crl(&agent.pki.ca, &[LEAF_SERIAL], 2120).der().clone();
    assert_eq!(agent.dial(MASTER, &certificate(MASTER)), Ok(()));
}

/// An agent whose list of the authority that signs is of last year.
fn with_expired_list() -> Agent {
    let mut agent = Agent::of(Pki::new());
    agent.crls[0] = crl(&agent.pki.ca, &[], 2049).der().clone();
    agent
}

#[test]
fn an_expired_list_is_an_error() {
    for revocation in [Revocation::Chain, Revocation::Leaf] {
        let agent = with_expired_list().with(revocation);
        let result = agent.dial(MASTER, &certificate(MASTER));
        assert!(
            matches!(
                result,
                Err(CertificateError::ExpiredRevocationListContext { .. })
            ),
            "{result:?}"
        );
    }
}

#[test]
fn an_expired_list_does_not_matter_when_revocation_is_off() {
    let agent = with_expired_list().with(Revocation::Off);
    assert_eq!(agent.dial(MASTER, &certificate(MASTER)), Ok(()));
}

#[test]
fn a_certificate_without_a_list_of_its_issuer_is_refused() {
    for revocation in [Revocation::Chain, Revocation::Leaf] {
        let mut agent = Agent::of(Pki::new()).with(revocation);
        agent.crls.remove(0);
        assert_eq!(
            agent.dial(MASTER, &certificate(MASTER)),
            Err(CertificateError::UnknownRevocationStatus)
        );
    }
}

#[test]
fn no_list_is_needed_when_revocation_is_off() {
    let mut agent = Agent::of(Pki::new()).with(Revocation::Off);
    agent.crls.clear();
    assert_eq!(agent.dial(MASTER, &certificate(MASTER)), Ok(()));
}

#[test]
fn a_list_that_the_issuer_did_not_sign_is_refused() {
    let mut agent = Agent::of(Pki::new());
    agent.crls[0] = crl(&Pki::new().ca, &[], 2120).der().clone();
    assert!(agent.dial(MASTER, &certificate(MASTER)).is_err());
}

/// An agent whose authority that signs was revoked by the root.
fn with_revoked_authority() -> Agent {
    let mut agent = Agent::of(Pki::new());
    agent.crls[1] = crl(&agent.pki.root, &[CA_SERIAL], 2120).der().clone();
    agent
}

#[test]
fn a_revoked_authority_is_refused() {
    assert_eq!(
        with_revoked_authority().dial(MASTER, &certificate(MASTER)),
        Err(CertificateError::Revoked)
    );
}

#[test]
fn a_revoked_authority_is_not_looked_at_when_only_leaves_are() {
    let agent = with_revoked_authority().with(Revocation::Leaf);
    assert_eq!(agent.dial(MASTER, &certificate(MASTER)), Ok(()));
}
