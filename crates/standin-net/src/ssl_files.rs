//! The files of Puppet's `ssldir`, read into what TLS needs.

use std::path::{Path, PathBuf};

mod error;
mod key;
mod material;

pub use error::SslFileError;
pub(crate) use material::{Own, SslMaterial, all, warn_of_readable_secrets};

/// Where the certificates, the key and the revocation lists of an agent are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SslFiles {
    /// The CA's certificates, PEM (`localcacert`).
    pub ca: PathBuf,
    /// The agent's certificate, PEM (`hostcert`).
    pub cert: PathBuf,
    /// The agent's private key, PEM: PKCS#8, PKCS#1 or SEC1 (`hostprivkey`). One that users other than
    /// its owner and group may read is warned about.
    pub key: PathBuf,
    /// The pass phrase of the key, if that is encrypted (`passfile`): as it stands or, should that not
    /// fit, without the line end. Not read otherwise.
    pub passfile: PathBuf,
    /// The CA's revocation lists, PEM (`hostcrl`).
    pub crl: PathBuf,
    /// How far revocation is checked (`certificate_revocation`).
    pub revocation: Revocation,
    /// Who is trusted beside the Puppet CA.
    pub others: OtherRoots,
    /// Whether servers are shown the agent's certificate. Where they are not, neither it nor its key is
    /// read.
    pub client_certificate: ClientCertificate,
}

/// Whether servers are shown the agent's certificate. They are verified in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// They are.
    #[default]
    Shown,
    /// They are not: PuppetDB's `verify_client_certificate = false`.
    NotShown,
}

/// Authorities that are trusted beside the Puppet CA; none by default.
///
/// Servers that these vouch for must have the name that was dialled among their alternative names,
/// and are not looked up in the Puppet CA's revocation lists. What the Puppet CA signed is judged by
/// its own rules whoever else is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherRoots {
    /// The authorities that the operating system trusts.
    pub system: SystemRoots,
    /// More of them, PEM (`ssl_trust_store`).
    pub trust_store: Option<PathBuf>,
}

/// Whether the authorities of the operating system are trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemRoots {
    /// They are not, as everywhere in a Puppet installation.
    #[default]
    Ignored,
    /// They are.
    Trusted,
}

impl OtherRoots {
    /// Whether there are any.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// How far revocation is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate of the chain, as is Puppet's default. A list past its next update is an
    /// error, and so is a certificate for which there is no list.
    #[default]
    Chain,
    /// The server's certificate only.
    Leaf,
    /// Nothing; the file of lists is not read.
    Off,
}

impl SslFiles {
    /// The files of `certname` at their usual places below `ssldir`.
    #[must_use]
    pub fn in_dir(ssldir: &Path, certname: &str) -> Self {
        let pem = format!("{certname}.pem");
        Self {
            ca: ssldir.join("certs/ca.pem"),
            cert: ssldir.join("certs").join(&pem),
            key: ssldir.join("private_keys").join(&pem),
            passfile: ssldir.join("private/password"),
            crl: ssldir.join("crl.pem"),
            revocation: Revocation::default(),
            others: OtherRoots::default(),
            client_certificate: ClientCertificate::default(),
        }
    }

    /// The files that are read with these settings, whether they are there or not.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = vec![&self.ca];
        match self.client_certificate {
            ClientCertificate::Shown => paths.extend([&*self.cert, &self.key, &self.passfile]),
            ClientCertificate::NotShown => {}
        }
        match self.revocation {
            Revocation::Chain | Revocation::Leaf => paths.push(&self.crl),
            Revocation::Off => {}
        }
        paths.extend(self.others.trust_store.as_deref());
        paths
    }
}
