use std::path::Path;

use crate::settings::tests::defaults;
use crate::{Http, Overrides, PuppetConf, Secret, SettingsError, SettingsFault};

fn parse(text: &str, overrides: &Overrides) -> Result<PuppetConf, SettingsError> {
    PuppetConf::parse(text, Path::new("/c"), &defaults(), overrides)
}

fn read(text: &str) -> PuppetConf {
    parse(text, &Overrides::new()).unwrap()
}

fn http(text: &str) -> Http {
    read(text).http
}

fn refused(text: &str) -> SettingsError {
    parse(text, &Overrides::new()).unwrap_err()
}

/// What is read beside these variables of the environment.
fn beside(text: &str, variables: &[(&str, &str)]) -> Result<Http, SettingsError> {
    let overrides = Overrides::new().with_environment(|name| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    parse(text, &overrides).map(|conf| conf.http)
}

#[test]
fn without_a_word_there_is_no_proxy_and_no_header() {
    let http = http("");
    assert_eq!((http.proxy, http.user_agent), (None, None));
    assert!(http.extra_headers.is_empty());
    let spared: Vec<&str> = http.no_proxy.iter().map(|no| no.name.as_str()).collect();
    assert_eq!(spared, ["localhost", "127.0.0.1"]);
}

#[test]
fn a_proxy_has_a_host_a_port_and_perhaps_a_user() {
    let proxy = http("http_proxy_host = p").proxy.unwrap();
    assert_eq!(proxy.to_string(), "http://p:3128");
    assert_eq!((proxy.user, proxy.password), (None, None));
    let text = "http_proxy_host = p\nhttp_proxy_port = 1\nhttp_proxy_user = u\nhttp_proxy_password = x%40\n";
    let proxy = http(text).proxy.unwrap();
    assert_eq!(proxy.user.as_deref(), Some("u"));
    assert_eq!(proxy.password, Some(Secret::new("x%40")));
    let proxy = http("http_proxy_host = p\nhttp_proxy_password = x").proxy;
    assert_eq!(proxy.unwrap().password, None, "whose would it be");
    assert_eq!(
        http("http_proxy_host = none\nhttp_proxy_user = u").proxy,
        None
    );
}

#[test]
fn a_password_that_no_url_could_have_is_refused() {
    for c in ["@", "!", "#", "/", "a b"] {
        let error = refused(&format!("\nhttp_proxy_password = {c}"));
        assert!(matches!(error.fault(), SettingsFault::ProxyPassword), "{c}");
        assert_eq!(error.line(), Some(2));
    }
}

#[test]
fn the_proxy_of_the_environment_comes_first_part_by_part() {
    let text = "http_proxy_host = p\nhttp_proxy_user = u\nhttp_proxy_password = x\n";
    let proxy = |variables: &[_]| beside(text, variables).unwrap().proxy.unwrap();
    let own = proxy(&[("http_proxy", "http://e:y@q:1/")]);
    assert_eq!(
        (own.to_string().as_str(), own.user.as_deref()),
        ("http://q:1", Some("e"))
    );
    assert_eq!(own.password, Some(Secret::new("y")));
    let mixed = proxy(&[("HTTP_PROXY", "http://[::1]")]);
    assert_eq!(
        (mixed.to_string().as_str(), mixed.user.as_deref()),
        ("http://[::1]:80", Some("u"))
    );
    let error = beside("", &[("http_proxy", "ftp://secret@q")]).unwrap_err();
    assert!(matches!(error.fault(), SettingsFault::Proxy));
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn no_proxy_spares_what_ends_alike() {
    let text = "http_proxy_host = p\nno_proxy = a.test, *.b.test ,.c.test:8140,";
    let http = http(text);
    let direct = |host, port| http.proxy_for(host, port).is_none();
    assert!(direct("a.test", 1) && direct("x.a.test", 1) && direct("xa.test", 1));
    assert!(direct("x.b.test", 1) && !direct("b.test", 1));
    assert!(direct("x.c.test", 8140) && !direct("x.c.test", 8081));
    assert!(!direct("d.test", 8140));
    let everyone = beside(text, &[("no_proxy", "*")]).unwrap();
    assert!(everyone.proxy_for("d.test", 1).is_none());
    let nobody = read("http_proxy_host = p\nno_proxy = none").http;
    assert!(nobody.proxy_for("localhost", 1).is_some());
}

#[test]
fn headers_are_names_and_values_up_to_the_comma() {
    let headers = http("http_extra_headers = X-One:1 , X-Url : https://a:1").extra_headers;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.reveal()))
        .collect();
    assert_eq!(headers, [("X-One", "1"), ("X-Url", "https://a:1")]);
    for text in [
        "X-One",
        ":1",
        "X One:1",
        "X-One:a\u{1}b",
        "X\u{e9}:1",
        "a:1,,b:2",
    ] {
        let error = refused(&format!("http_extra_headers = {text}"));
        assert!(matches!(error.fault(), SettingsFault::Header), "{text}");
    }
}
