//! Any text is a `pxp-agent.conf` or an error, and what is JSON is HOCON that says the same.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin_config::{Account, Defaults, PxpAgentConf};

fuzz_target!(|text: &str| {
    let defaults = Defaults {
        account: Account::Root,
        home: "/root".into(),
        hostname: "agent1.example.com".into(),
    };
    let parse = |text: &str, name: &str| PxpAgentConf::parse(text, Path::new(name), &defaults);
    let said = |conf: &PxpAgentConf| {
        let brokers = conf.broker_uris.iter();
        let brokers: Vec<_> = brokers.map(|uri| (uri.server.clone(), uri.path.clone())).collect();
        (brokers, conf.primaries.clone(), conf.ping_interval, conf.crl.clone())
    };
    match parse(text, "/p/pxp-agent.conf") {
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(json) = parse(text, "/p/pxp-agent.json") {
        // A comment keeps the reader of JSON away.
        let hocon = parse(&format!("{text}\n# HOCON"), "/p/pxp-agent.conf");
        let hocon = hocon.expect("what is JSON is HOCON");
        assert_eq!(said(&hocon), said(&json));
    }
});
