//! The real servers, through the script that runs them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Two hosts with a Puppet Server and a PuppetDB each, up and running.
pub(crate) struct Stack {
    script: PathBuf,
    places: HashMap<String, String>,
}

impl Stack {
    /// The stack that `tests/real_puppet/stack up` has started.
    pub(crate) async fn find() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_puppet/stack");
        let mut stack = Self {
            script,
            places: HashMap::new(),
        };
        let places = stack.run(&["env"]).await;
        stack.places = places
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        stack
    }

    /// Where something is, by the name that `stack env` gives it.
    pub(crate) fn place(&self, name: &str) -> &str {
        let place = self.places.get(name);
        place.unwrap_or_else(|| panic!("`stack env` does not say {name}"))
    }

    /// Runs the script, which answers when it is done.
    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.script)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "stack {arguments:?}: {}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }
}
