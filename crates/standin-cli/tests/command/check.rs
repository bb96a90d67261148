//! The check of settings and certificates, without servers.

use serde_json::Value;
use standin_lab::Validity;

use crate::bench::{Bench, Said, said, standin};
use crate::installation::{Installation, Ssl, assert_golden};

const HEALTHY: &[(&str, &str)] = &[
    (
        "puppet/puppet.conf",
        "[agent]\n\
         server_list = primary.example.com:8140,replica.example.com:8140\n\
         http_connect_timeout = 10s\n",
    ),
    (
        "puppet/puppetdb.conf",
        "[main]\n\
         server_urls = https://primary.example.com:8081,https://replica.example.com:8081\n\
         sticky_read_failover = true\n\
         command_broadcast = true\n",
    ),
    (
        "puppet/classifier.yaml",
        "- server: primary.example.com\n  port: 4433\n  prefix: /classifier-api\n\
         - server: replica.example.com\n  port: 4433\n  prefix: /classifier-api\n",
    ),
    (
        "pxp-agent/pxp-agent.conf",
        "{\n  \"broker-ws-uris\": [\n\
         \x20   \"wss://primary.example.com:8142/pcp2/\",\n\
         \x20   \"wss://replica.example.com:8142/pcp2/\"\n  ]\n}\n",
    ),
];

const BROKEN: &[(&str, &str)] = &[
    (
        "puppet/puppet.conf",
        "[main]\n\
         server = primary.example.com\n\
         runinterval = 30\n\
         \n\
         [agent]\n\
         server_list = lb.example.com:8140,replica.example.com:8140\n",
    ),
    (
        "puppet/puppetdb.conf",
        "[main]\n\
         server_urls = https://primary.example.com:8081,https://replica.example.com:8081\n\
         server_url_timeout = 2m\n\
         command_broadcast = true\n\
         min_successful_submissions = 2\n",
    ),
    (
        "puppet/classifier.yaml",
        "- server: primary.example.com\n  port: 4433\n\
         - server: replica.example.com\n  port: 4433\n",
    ),
    (
        "pxp-agent/pxp-agent.conf",
        "{\n  \"broker-ws-uris\": [\n\
         \x20   \"wss://replica.example.com:8142/pcp2/\",\n\
         \x20   \"wss://10.0.0.1:8142/pcp2/\"\n  ],\n  \"ping-interval\": 15\n}\n",
    ),
    (
        "hiera.yaml",
        "puppet_enterprise::ha_enabled_replicas: []\n\
         puppet_enterprise::profile::agent::pcp_broker_list:\n\
         \x20 - replica.example.com:8142\n\
         \x20 - primary.example.com\n",
    ),
];

const NAMES: [&str; 6] = [
    "--resolve",
    "primary.example.com:10.0.0.1",
    "--resolve",
    "replica.example.com:10.0.0.2",
    "--resolve",
    "lb.example.com:10.0.0.3",
];

async fn check(installation: &Installation, args: &[&str]) -> Said {
    said(installation.command(&[&["check"], args, &NAMES].concat())).await
}

fn rules(said: &Said) -> Vec<String> {
    let report: Value = serde_json::from_str(&said.out).expect(&said.err);
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|found| found["rule"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_healthy_installation_is_clean() {
    let said = check(&Installation::new(HEALTHY, Ssl::Good), &[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert_golden("healthy.txt", &said.out);
}

#[tokio::test]
async fn a_broken_installation_is_told_in_full() {
    let installation = Installation::new(BROKEN, Ssl::Bad);
    let said = check(&installation, &["--parameters", "etc/hiera.yaml"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""), "{said:?}");
    assert_golden("broken.txt", &said.out);
}

#[tokio::test]
async fn programs_are_told_the_same() {
    let installation = Installation::new(BROKEN, Ssl::Bad);
    let said = check(&installation, &["--parameters", "etc/hiera.yaml", "--json"]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""), "{said:?}");
    assert_golden("broken.json", &said.out);
}

#[tokio::test]
async fn warnings_alone_have_a_code_of_their_own() {
    let installation = Installation::new(HEALTHY, Ssl::Good);
    let said = check(
        &installation,
        &["--json", "--load-balancer-timeout", "230s"],
    )
    .await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        rules(&said),
        ["short-load-balancer-timeout", "roles-assumed"]
    );
}

#[tokio::test]
async fn a_load_balancer_of_two_minutes_is_told_from_every_side() {
    let installation = Installation::new(HEALTHY, Ssl::Good);
    let args = ["--load-balancer-timeout", "2m"];
    let rules = rules(&check(&installation, &[&args[..], &["--json"]].concat()).await);
    for rule in [
        "failover-too-slow",
        "puppetdb-failover-too-slow",
        "short-load-balancer-timeout",
    ] {
        assert!(rules.contains(&rule.to_owned()), "{rule}: {rules:?}");
    }
    let said = check(&installation, &args).await;
    let place = "command line: warning (short-load-balancer-timeout)\n";
    assert!(said.out.contains(place), "{said:?}");
}

#[tokio::test]
async fn names_are_looked_up_unless_offline() {
    let installation = Installation::new(HEALTHY, Ssl::Good);
    let list = "--server_list=primary.example.com,nobody.invalid";
    let said = check(&installation, &["--json", "-v", list]).await;
    assert!(
        rules(&said).contains(&"unresolvable-name".to_owned()),
        "{said:?}"
    );
    assert!(
        said.err
            .contains("looked up primary.example.com: 10.0.0.1\n"),
        "{said:?}"
    );
    let said = check(&installation, &["--json", "-v", "--offline", list]).await;
    assert!(
        !rules(&said).contains(&"unresolvable-name".to_owned()),
        "{said:?}"
    );
    assert_eq!(said.err, "");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_does_not_hide_the_others() {
    let installation = Installation::new(BROKEN, Ssl::Good);
    installation.write("puppet/classifier.yaml", "server: [a]\n");
    let said = check(&installation, &["--json"]).await;
    let rules = rules(&said);
    assert_eq!(said.code, Some(2), "{said:?}");
    for rule in ["unusable-settings", "read-otherwise", "server-not-used"] {
        assert!(rules.contains(&rule.to_owned()), "{rule}: {rules:?}");
    }
}

#[tokio::test]
async fn a_puppet_conf_that_cannot_be_used_is_a_finding() {
    let installation = Installation::new(HEALTHY, Ssl::Good);
    installation.write("puppet/puppet.conf", "[agent]\nserver_list = a,a\n");
    let said = check(&installation, &["--json"]).await;
    assert_eq!(
        (said.code, rules(&said)),
        (Some(2), vec!["unusable-settings".to_owned()])
    );
}

#[tokio::test]
async fn an_agent_without_certificates_is_told_of_each_file() {
    let installation = Installation::new(HEALTHY, Ssl::Good);
    let said = check(&installation, &["--json", "--ssldir", "nowhere"]).await;
    let missing = rules(&said)
        .iter()
        .filter(|rule| *rule == "unusable-certificate-file")
        .count();
    assert_eq!((said.code, missing), (Some(2), 3), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_to_end_is_told() {
    let bench = Bench::new().await;
    bench.lab.set_crl_validity(Validity::Ending).unwrap();
    let ending = standin_lab::CertSpec::new("agent.test").validity(Validity::Ending);
    let certificate = bench.lab.certificate(&ending).unwrap();
    certificate.save(bench.lab.ssl_dir()).unwrap();
    let rules = rules(&bench.run(&["check", "--json"]).await);
    for rule in ["certificate-expires-soon", "revocation-list-expires-soon"] {
        assert!(rules.contains(&rule.to_owned()), "{rule}: {rules:?}");
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_no_finding() {
    let said = said(standin(&["check", "--confdir", "/nonexistent/puppet"])).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("/nonexistent/puppet"), "{said:?}");
}

#[tokio::test]
async fn help_documents_every_rule() {
    let said = said(standin(&["check", "--help"])).await;
    assert_eq!(said.code, Some(0));
    for word in [
        "\n  key-mismatch ",
        "\n  roles-assumed ",
        "Exit codes:",
        "\n    standin check",
    ] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let (_, rules) = said.out.split_once("\nErrors, ").unwrap();
    assert!(
        rules.lines().all(|line| line.chars().count() <= 100),
        "{rules}"
    );
}
