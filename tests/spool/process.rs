//! The example `spool` as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use standin_lab::Lab;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// An agent that makes run after run.
    pub(crate) fn start(example: &Path, lab: &Lab, spool: &Path) -> Self {
        let mut command = Command::new(example);
        command.arg("--confdir").arg(lab.conf_dir());
        command.arg("--spool").arg(spool);
        command.args(["--runs", "1000000"]);
        for (host, address) in lab.resolve() {
            command.args(["--resolve", &format!("{host}:{address}")]);
        }
        let command = command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What it says next, whole; `None` once it is dead and all was heard.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.unwrap()
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Builds the example, which `cargo test --test spool` alone does not, and says where it is.
pub(crate) async fn example() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--example", "spool"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .await;
    assert!(built.unwrap().success());
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().nth(2).unwrap();
    target.join("examples/spool")
}
