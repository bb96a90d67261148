//! A client from Puppet's own settings files.

use std::time::Duration;

use standin_config::{Origin, PuppetConf, Reports, Settings, SettingsError};
use standin_net::{MemoryFile, OtherRoots, Revocation, SslFileError, SslFiles, Tls};

use crate::{Client, ClientBuilder, Policy};

/// Puppet's settings do not make a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitSettings {
    /// A settings file cannot be used.
    #[error("Puppet's settings cannot be used")]
    Settings(#[from] SettingsError),
    /// A certificate, key or revocation list cannot be used.
    #[error("the agent's certificates cannot be used")]
    Ssl(#[from] SslFileError),
}

impl Client {
    /// A client as Puppet's settings have it: lists, certificates, certname, keep-alive, where reports
    /// go, the time for one PuppetDB where `server_url_timeout` is set, and a memory in Puppet's
    /// `statedir` that lasts for two run intervals and five minutes.
    ///
    /// Connect and read time-outs of the settings are not taken over: they are what makes today's
    /// agent wait for minutes, and the policy's own bound every request.
    ///
    /// # Errors
    /// When the lists contradict each other, or a certificate cannot be used; the error beneath
    /// names the file and what to do.
    pub fn from_settings(settings: &Settings) -> Result<ClientBuilder, UnfitSettings> {
        let puppet = &settings.puppet;
        let tls = Tls::from_files(&ssl_files(puppet))?;
        let builder = Self::builder(settings.installation()?, tls)
            .agent(&puppet.certname)
            .policy(policy_of(settings))
            .memory(puppet.dirs.statedir.join(MemoryFile::NAME));
        Ok(match settings.reports() {
            Reports::WithTheRest => builder,
            Reports::To(server) => builder.reports_to(server.clone()),
        })
    }
}

/// The files of the agent's TLS as `puppet.conf` has them.
#[must_use]
pub fn ssl_files(puppet: &PuppetConf) -> SslFiles {
    SslFiles {
        ca: puppet.ssl.ca.clone(),
        cert: puppet.ssl.cert.clone(),
        key: puppet.ssl.key.clone(),
        passfile: puppet.dirs.ssldir.join("private/password"),
        crl: puppet.ssl.crl.clone(),
        revocation: match puppet.revocation {
            standin_config::Revocation::Chain => Revocation::Chain,
            standin_config::Revocation::Leaf => Revocation::Leaf,
            standin_config::Revocation::Off => Revocation::Off,
        },
        others: OtherRoots::default(),
    }
}

/// The policy as Puppet's settings have it: the default, but for the time for one PuppetDB where
/// `server_url_timeout` is set, for how long connections are kept and health is remembered.
#[must_use]
pub fn policy_of(settings: &Settings) -> Policy {
    let times = &settings.puppet.times;
    let mut policy = Policy::default();
    policy.connect.keep_alive = times.keepalive;
    policy.memory.health = times.runinterval.saturating_mul(2) + SPLAY;
    if let Some(puppetdb) = &settings.puppetdb {
        // What nobody set is the terminus' idea of a time, and the policy has its own.
        let is_set = puppetdb
            .origin("server_url_timeout")
            .is_some_and(Origin::is_set);
        policy.deadline.puppetdb = puppetdb.timeout.filter(|_| is_set);
    }
    policy
}

/// How far a run may be put off and still find what the last one but one learned.
const SPLAY: Duration = Duration::from_secs(300);
