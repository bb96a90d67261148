//! Why settings have their values.

use crate::bench::said;
use crate::installation::{Installation, Ssl, assert_golden};

const FILES: &[(&str, &str)] = &[
    (
        "puppet/puppet.conf",
        "[main]\nserver = primary.example.com\n\n\
         [agent]\nserver_list = primary.example.com,replica.example.com\n",
    ),
    (
        "puppet/puppetdb.conf",
        "[main]\nserver_urls = https://primary.example.com:8081\n",
    ),
];

async fn explain(args: &[&str]) -> crate::bench::Said {
    let installation = Installation::new(FILES, Ssl::Good);
    said(installation.command(&[&["explain"], args].concat())).await
}

#[tokio::test]
async fn a_setting_is_explained_in_sentences() {
    let mut text = String::new();
    for args in [
        &["server_list"][..],
        &["server"],
        &["server_list", "--server_list", "other.example.com"],
        &["server_list", "--master", "other.example.com"],
        &["server_urls"],
    ] {
        let said = explain(args).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        text += &said.out;
    }
    assert_golden("explain.txt", &text);
}

#[tokio::test]
async fn all_settings_are_listed_with_their_origin() {
    let said = explain(&[]).await;
    let server = "puppet.conf: server = primary.example.com (etc/puppet/puppet.conf:2)\n";
    assert!(said.out.contains(server), "{said:?}");
    assert!(said.out.contains(" (default)\n"), "{said:?}");
}

#[tokio::test]
async fn programs_are_told_the_same() {
    let said = explain(&["server_list", "--json"]).await;
    let all: serde_json::Value = serde_json::from_str(&said.out).expect(&said.err);
    assert_eq!(all[0]["origin"], "etc/puppet/puppet.conf:5");
    assert_eq!(all[0]["file"], "puppet.conf");
}

#[tokio::test]
async fn a_setting_that_is_not_read_is_told_with_those_that_it_may_be() {
    let said = explain(&["serverlist"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("server_list"), "{said:?}");
    let said = explain(&["zzz"]).await;
    assert!(said.err.contains("standin explain lists all"), "{said:?}");
}
