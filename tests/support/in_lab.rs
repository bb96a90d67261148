//! Programs that look names up as the system does, and see the lab's.

use std::ffi::OsStr;
use std::process::Command;

use standin_lab::Lab;

/// `program` in a mount namespace of its own, for the lab's hosts are in no DNS. Needs root.
pub(crate) fn command(lab: &Lab, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg(r#"mount --bind "$0" /etc/hosts && exec "$@""#)
        .arg(lab.conf_dir().join("hosts"))
        .arg(program.as_ref());
    command
}
