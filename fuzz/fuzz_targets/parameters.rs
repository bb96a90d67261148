//! Any text is a file of parameters or an error, whether it is called YAML or JSON.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use standin_config::Parameters;

fuzz_target!(|text: &str| {
    for name in ["/p/common.yaml", "/p/node.json"] {
        match Parameters::parse(text, Path::new(name)) {
            Ok(parameters) => {
                let lists = [&parameters.server_list, &parameters.brokers];
                for list in lists.into_iter().flatten() {
                    for server in list.servers() {
                        assert!(parameters.written.iter().any(|one| one.server == *server));
                    }
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
