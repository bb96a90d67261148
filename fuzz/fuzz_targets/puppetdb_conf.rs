//! Any text is a `puppetdb.conf` or an error, and what is read keeps the terminus' own rules.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin_config::{PuppetDbConf, Submission, WriteFailure};

fuzz_target!(|text: &str| {
    match PuppetDbConf::parse(text, Path::new("/c")) {
        Ok(conf) => {
            for server in &conf.submit_only {
                assert_eq!(conf.servers.position(server), None);
            }
            if let Submission::Broadcast { least } = conf.submission {
                assert!(least >= 1 && least as usize <= conf.servers.len());
                assert!(least == 1 || conf.write_failure == WriteFailure::FailsTheRun);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
