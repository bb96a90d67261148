use super::*;

fn with_addresses(pairs: &[(&str, &str)]) -> Setup {
    let mut setup = Setup::healthy();
    for (host, address) in pairs {
        let lookup = Lookup::Found(vec![address.parse().unwrap()]);
        setup.facts.addresses.insert((*host).to_owned(), lookup);
    }
    setup
}

#[test]
fn a_name_without_an_address_is_told_where_it_is_named_first() {
    let mut setup = with_addresses(&[("m.test", "10.0.0.1")]);
    let nothing = Lookup::Nothing("no such name".to_owned());
    setup.facts.addresses.insert("r.test".to_owned(), nothing);
    let (place, what) = found(Rule::UnresolvableName, setup);
    assert_eq!(place, "/c/puppet.conf:2");
    assert_eq!(what, "r.test has no address here: no such name.");
}

#[test]
fn names_that_were_not_looked_up_are_not_judged() {
    silent(Rule::UnresolvableName, Setup::healthy());
    silent(
        Rule::UnresolvableName,
        with_addresses(&[("m.test", "10.0.0.1")]),
    );
}

#[test]
fn an_address_is_told_in_both_families() {
    for (address, said) in [
        ("10.0.0.1", "10.0.0.1:8140"),
        ("[2001:db8::1]:8140", "[2001:db8::1]:8140"),
    ] {
        let setup = Setup::agent(&format!("server_list = m.test,{address}"));
        let (_, what) = found(Rule::AddressInsteadOfName, setup);
        assert!(what.starts_with(said), "{what}");
    }
    silent(Rule::AddressInsteadOfName, Setup::healthy());
}

#[test]
fn two_names_of_one_machine_are_told_once() {
    let (place, what) = found(
        Rule::SameAddress,
        with_addresses(&[("m.test", "10.0.0.1"), ("r.test", "10.0.0.1")]),
    );
    assert_eq!(place, "/c/puppet.conf:2");
    assert_eq!(what, "m.test and r.test are both at 10.0.0.1.");
    silent(
        Rule::SameAddress,
        with_addresses(&[("m.test", "10.0.0.1"), ("r.test", "10.0.0.2")]),
    );
}
