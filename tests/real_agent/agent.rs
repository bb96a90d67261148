//! One run of the real agent.

use std::fmt;
use std::process::Output;

use standin_lab::Lab;

use crate::ruby;

/// How a run ended, and what it said.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

/// `puppet agent --test` with the lab's settings, and nothing else of this machine's.
pub(crate) async fn run(lab: &Lab, settings: &[&str]) -> Run {
    let mut arguments = vec!["agent", "--test", "--color", "false"];
    arguments.extend(settings);
    let Output {
        status,
        stdout,
        stderr,
    } = ruby::run(lab, "puppet", &arguments).await;
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    Run {
        code: status.code(),
        said,
    }
}

impl Run {
    pub(crate) fn says(&self, what: &str) -> bool {
        self.said.contains(what)
    }

    /// The lines of that level, except what Facter says of a machine on which not even root may see everything.
    pub(crate) fn lines(&self, level: &str) -> Vec<&str> {
        self.said
            .lines()
            .filter(|line| line.starts_with(level) && !line.starts_with("Error: Facter: "))
            .collect()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}\n{}", self.code, self.said)
    }
}
