//! Any text is a `classifier.yaml` or an error, and every entry is a server of the list.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin_config::ClassifierYaml;

fuzz_target!(|text: &str| {
    match ClassifierYaml::parse(text, Path::new("/c")) {
        Ok(conf) => {
            assert_eq!(conf.entries.len(), conf.servers.len());
            for (entry, server) in conf.entries.iter().zip(conf.servers.servers()) {
                assert_eq!(entry.server, *server);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
