//! Any text is a `puppet.conf` or an error that can be told, and what is read can be read again.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin_config::{Account, Defaults, Overrides, PuppetConf};

fuzz_target!(|text: &str| {
    let defaults = Defaults {
        account: Account::User,
        home: "/home/ann".into(),
        hostname: "agent1.example.com".into(),
    };
    let parse = |text: &str, overrides: &Overrides| {
        PuppetConf::parse(text, Path::new("/c"), &defaults, overrides)
    };
    match parse(text, &Overrides::new()) {
        Ok(conf) => {
            if let Some(list) = conf.server_list {
                let again = Overrides::new().with("server_list", &list.to_string());
                let again = parse("", &again).expect("a list is read as it is written");
                assert_eq!(again.server_list, Some(list));
            }
            assert!(!conf.certname.contains('/'));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let first = text.lines().next().unwrap_or_default();
    let overrides = Overrides::new()
        .with("server_list", first)
        .with_environment(|_| Some(first.to_owned()));
    let _ = parse(text, &overrides);
});
