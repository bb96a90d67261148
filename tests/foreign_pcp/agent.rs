//! An agent as a process, which sees the lab's names.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use standin_lab::Lab;
use tempfile::TempDir;

use crate::in_lab;

/// A running agent; it is killed when dropped.
pub(crate) struct Agent {
    name: &'static str,
    process: Child,
    dir: TempDir,
}

impl Agent {
    pub(crate) fn python(lab: &Lab) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_pcp/agent.py");
        // Debian's own, whatever else is called so here: its packages are for it.
        let program = Path::new("/usr/bin/python3");
        let conf = lab.conf_dir().join("pxp-agent.conf");
        Self::start(lab, "the Python agent", program, |command, _| {
            command.arg(script).arg(conf);
        })
    }

    /// Puppet's own, if it is installed.
    pub(crate) fn pxp_agent(lab: &Lab) -> Option<Self> {
        let program = std::env::var_os("PXP_AGENT")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(PUPPETS)).filter(|path| path.exists()))?;
        let conf = lab.conf_dir().join("pxp-agent.conf");
        Some(Self::start(lab, "pxp-agent", &program, |command, dir| {
            for name in ["modules", "spool", "cache"] {
                fs::create_dir(dir.join(name)).unwrap();
            }
            command.arg("--foreground").arg("--config-file").arg(conf);
            command.args(["--logfile", "-", "--loglevel", "info"]);
            command.arg("--modules-dir").arg(dir.join("modules"));
            command.arg("--spool-dir").arg(dir.join("spool"));
            command.arg("--task-cache-dir").arg(dir.join("cache"));
        }))
    }

    /// In a mount namespace of its own, for the lab's hosts are in no DNS.
    fn start(
        lab: &Lab,
        name: &'static str,
        program: &Path,
        arguments: impl FnOnce(&mut Command, &Path),
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let log = File::create(dir.path().join(LOG)).unwrap();
        let mut command = in_lab::command(lab, program);
        arguments(&mut command, dir.path());
        let process = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { name, process, dir }
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join(LOG)).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Where Puppet's packages put it.
const PUPPETS: &str = "/opt/puppetlabs/puppet/bin/pxp-agent";

const LOG: &str = "log";
