//! A lab, and the command run at it.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use standin_lab::{Fault, FaultGuard, Lab, Service, Target};

/// A lab whose settings the command is told of.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
}

/// What the command did.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let lab = Lab::builder().start().await.unwrap();
        Self { lab }
    }

    /// Runs the command on the lab's settings.
    pub(crate) async fn run(&self, args: &[&str]) -> Said {
        said(self.command(args)).await
    }

    /// The same with `input` as standard input.
    pub(crate) async fn run_with_input(&self, args: &[&str], input: &Path) -> Said {
        let mut command = self.command(args);
        command.stdin(File::open(input).unwrap());
        said(command).await
    }

    /// The command with the lab's settings, not yet run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = standin(args);
        command.arg("--confdir").arg(self.lab.conf_dir());
        for (host, address) in self.lab.resolve() {
            command.arg("--resolve").arg(format!("{host}:{address}"));
        }
        command
    }

    /// Lets a service of the master fail.
    pub(crate) async fn fail(&self, service: Service, fault: Fault) -> FaultGuard {
        let target = Target::Service("master.test", service);
        self.lab.fault(target, fault).await.unwrap()
    }

    /// Lets both hosts fail.
    pub(crate) async fn fail_everywhere(&self, fault: Fault) -> [FaultGuard; 2] {
        let master = Target::Host("master.test");
        let replica = Target::Host("replica.test");
        let master = self.lab.fault(master, fault.clone()).await.unwrap();
        [master, self.lab.fault(replica, fault).await.unwrap()]
    }
}

/// The built command.
pub(crate) fn standin(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standin"));
    command.args(args).env("HOME", "/nonexistent");
    // Settings of whoever runs the tests are none of the installation's.
    for proxy in ["http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(proxy);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command beside the lab.
pub(crate) async fn said(mut command: Command) -> Said {
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: status.code(),
        out: text(stdout),
        err: text(stderr),
    }
}
