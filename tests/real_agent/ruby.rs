//! Puppet's own programs, with the lab's settings.

use std::process::Output;
use std::time::Duration;

use standin_lab::Lab;
use tokio::process::Command;
use tokio::time::timeout;

use crate::in_lab;

/// Runs it to its end.
pub(crate) async fn run(lab: &Lab, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::from(in_lab::command(lab, program));
    command
        .args(arguments)
        .arg("--confdir")
        .arg(lab.conf_dir())
        .kill_on_drop(true);
    timeout(LONG, command.output()).await.unwrap().unwrap()
}

/// A run of an agent takes 4 s; a Ruby interpreter starts slowly on a busy machine.
const LONG: Duration = Duration::from_secs(60);
