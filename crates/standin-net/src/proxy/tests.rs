use super::*;

fn set(host: &str) -> ProxySettings {
    ProxySettings {
        host: Some(host.to_owned()),
        no_proxy: Some("localhost, 127.0.0.1".to_owned()),
        ..ProxySettings::default()
    }
}

fn bare(_: &str) -> Option<String> {
    None
}

fn where_to(proxies: &Proxies, server: &str) -> Option<String> {
    let server = Server::parse(server, 8140).unwrap();
    let proxy = proxies.for_server(server.host(), server.port())?;
    Some(proxy.server().to_string())
}

#[test]
fn without_settings_and_environment_there_is_no_proxy() {
    let proxies = Proxies::of(&ProxySettings::default(), bare).unwrap();
    assert_eq!(where_to(&proxies, "master.example.com"), None);
}

#[test]
fn the_settings_name_a_proxy_and_the_port_is_squids_unless_they_name_one() {
    let proxies = Proxies::of(&set("proxy.example.com"), bare).unwrap();
    let reached = where_to(&proxies, "master.example.com");
    assert_eq!(reached.as_deref(), Some("proxy.example.com:3128"));
    let mut settings = set("proxy.example.com");
    settings.port = Some(8888);
    let proxies = Proxies::of(&settings, bare).unwrap();
    let reached = where_to(&proxies, "master.example.com");
    assert_eq!(reached.as_deref(), Some("proxy.example.com:8888"));
}

#[test]
fn none_is_no_proxy() {
    for host in ["none", ""] {
        let proxies = Proxies::of(&set(host), bare).unwrap();
        assert_eq!(where_to(&proxies, "master.example.com"), None);
    }
}

#[test]
fn the_environment_comes_before_the_settings() {
    let variable = |name: &str| match name {
        "http_proxy" => Some("http://other.example.com:8080/".to_owned()),
        "NO_PROXY" => Some("replica.example.com".to_owned()),
        _ => None,
    };
    let proxies = Proxies::of(&set("proxy.example.com"), variable).unwrap();
    let reached = where_to(&proxies, "localhost");
    assert_eq!(reached.as_deref(), Some("other.example.com:8080"));
    assert_eq!(where_to(&proxies, "replica.example.com"), None);
}

#[test]
fn an_account_is_sent_in_basic_form_and_never_shown() {
    let url = "proxy.example.com:3128";
    let variable = |name: &str| (name == "HTTP_PROXY").then(|| format!("http://a%40b:p%3Aw@{url}"));
    let proxies = Proxies::of(&ProxySettings::default(), variable).unwrap();
    let proxy = proxies.for_server("master.example.com", 8140).unwrap();
    let expected = format!("Basic {}", STANDARD.encode("a@b:p:w"));
    assert_eq!(proxy.authorization(), Some(expected.as_str()));
    assert!(!format!("{proxies:?}").contains(&STANDARD.encode("a@b:p:w")));

    let mut settings = set("proxy.example.com");
    settings.user = Some("user".to_owned());
    settings.password = Some("none".to_owned());
    let proxies = Proxies::of(&settings, bare).unwrap();
    let proxy = proxies.for_server("master.example.com", 8140).unwrap();
    let expected = format!("Basic {}", STANDARD.encode("user:"));
    assert_eq!(proxy.authorization(), Some(expected.as_str()));
}

#[test]
fn a_proxy_that_is_none_is_told_with_its_variable() {
    let of = |url: &'static str| {
        let variable = move |name: &str| (name == "http_proxy").then(|| url.to_owned());
        Proxies::of(&ProxySettings::default(), variable).unwrap_err()
    };
    let error = of("socks5://proxy.example.com:1080");
    assert!(matches!(error, InvalidProxy::Scheme { .. }), "{error:?}");
    assert!(error.to_string().contains("http_proxy"), "{error}");
    let error = of("http://proxy.example.com:port");
    assert!(matches!(error, InvalidProxy::Url { .. }), "{error:?}");
    let error = Proxies::of(&set("not a host"), bare).unwrap_err();
    assert!(matches!(error, InvalidProxy::Host(_)), "{error:?}");
}

fn is_exempt(no_proxy: &str, server: &str) -> bool {
    let proxy = Proxy::new(Server::new("proxy.example.com", 3128).unwrap());
    where_to(&Proxies::through(proxy).except(no_proxy), server).is_none()
}

#[test]
fn no_proxy_names_hosts_and_all_beneath_them() {
    let no_proxy = "localhost, example.com ,.example.org,*.example.net,replica.*";
    for exempt in [
        "localhost",
        "example.com",
        "master.example.com",
        "MASTER.Example.com",
        "master.example.org",
        "master.example.net",
        "replica.anywhere",
    ] {
        assert!(is_exempt(no_proxy, exempt), "{exempt}");
    }
    for not in [
        "bad-example.com",
        "example.org",
        "example.com.evil.test",
        "master.test",
    ] {
        assert!(!is_exempt(no_proxy, not), "{not}");
    }
}

#[test]
fn no_proxy_may_name_a_port() {
    let no_proxy = "master.example.com:8140,[::1]:8081,::2";
    assert!(is_exempt(no_proxy, "master.example.com:8140"));
    assert!(!is_exempt(no_proxy, "master.example.com:8081"));
    assert!(is_exempt(no_proxy, "[::1]:8081"));
    assert!(!is_exempt(no_proxy, "[::1]:8140"));
    assert!(is_exempt(no_proxy, "[::2]:8140"));
}

#[test]
fn a_star_exempts_everybody() {
    assert!(is_exempt("*", "master.example.com"));
}
