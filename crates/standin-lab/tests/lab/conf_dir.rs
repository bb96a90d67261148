//! The files that an agent would find.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use standin_lab::{CertSpec, Lab};

use crate::support::lab;

#[tokio::test]
async fn the_settings_name_both_hosts() {
    let lab = lab().await;
    let read = |name: &str| fs::read_to_string(lab.conf_dir().join(name)).unwrap();
    let puppet = read("puppet.conf");
    assert!(puppet.contains("certname = agent.test\n"));
    assert!(puppet.contains("[agent]\nserver_list = master.test:8140,replica.test:8140\n"));
    assert!(puppet.contains(&format!("ssldir = {}\n", lab.ssl_dir().display())));
    assert!(
        read("puppetdb.conf")
            .contains("server_urls = https://master.test:8081,https://replica.test:8081\n")
    );
    assert!(
        read("classifier.yaml")
            .contains("- server: replica.test\n  port: 4433\n  prefix: /classifier-api\n")
    );
    let pxp: Value = serde_json::from_str(&read("pxp-agent.conf")).unwrap();
    assert_eq!(
        pxp["broker-ws-uris"],
        json!([
            "wss://master.test:8142/pcp2/",
            "wss://replica.test:8142/pcp2/"
        ])
    );
}

#[tokio::test]
async fn the_ssl_directory_is_laid_out_as_puppets() {
    let lab = Lab::builder().agent("web.test").start().await.unwrap();
    for name in [
        "certs/ca.pem",
        "certs/web.test.pem",
        "private_keys/web.test.pem",
        "crl.pem",
    ] {
        assert!(
            fs::read_to_string(lab.ssl_dir().join(name))
                .unwrap()
                .starts_with("-----BEGIN "),
            "{name}"
        );
    }
    let mode = |name: &str| {
        fs::metadata(lab.ssl_dir().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("private_keys/web.test.pem"), 0o640);
    assert_eq!(mode("private_keys"), 0o750);
    lab.certificate(&CertSpec::new("more.test"))
        .unwrap()
        .save(lab.ssl_dir())
        .unwrap();
    assert_eq!(mode("private_keys/more.test.pem"), 0o640);
}

#[tokio::test]
async fn the_names_resolve_to_loopback() {
    let lab = lab().await;
    let resolved = lab.resolve();
    assert_eq!(resolved[0], ("master.test".to_owned(), lab.master().ip()));
    assert_eq!(resolved[1], ("replica.test".to_owned(), lab.replica().ip()));
    assert!(resolved.iter().all(|(_, ip)| ip.is_loopback()));
    assert_ne!(resolved[0].1, resolved[1].1);
}

#[tokio::test]
async fn the_directory_goes_with_the_lab() {
    let lab = lab().await;
    let dir = lab.conf_dir().to_path_buf();
    assert!(dir.exists());
    drop(lab);
    assert!(!dir.exists());
}
