//! What the suites share.

pub(crate) mod pki;
pub(crate) mod said;
pub(crate) mod server;

use std::fs;

use standin_net::SslFiles;
use tempfile::TempDir;

use pki::{Leaf, Pki};

/// The `ssldir` of an agent that has everything. It goes when the first is dropped.
pub(crate) fn ssldir(pki: &Pki, agent: &Leaf) -> (TempDir, SslFiles) {
    let dir = tempfile::tempdir().unwrap();
    let files = SslFiles::in_dir(dir.path(), "agent.example.com");
    for below in ["certs", "private_keys"] {
        fs::create_dir(dir.path().join(below)).unwrap();
    }
    fs::write(&files.ca, pki.ca_pem()).unwrap();
    fs::write(&files.cert, &agent.pem).unwrap();
    fs::write(&files.key, agent.key.serialize_pem()).unwrap();
    fs::write(&files.crl, pki.crl_pem()).unwrap();
    (dir, files)
}
