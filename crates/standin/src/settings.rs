//! A client from Puppet's own settings files.

use std::num::NonZeroUsize;
use std::time::Duration;

#[cfg(feature = "srv")]
use standin_config::SrvRecords;
use standin_config::{
    self as config, Origin, PuppetConf, PuppetDbConf, Reports, Secret, Settings, SettingsError,
};
use standin_core::policy::{Commands, Submission, WriteFailure};
use standin_core::{InvalidServer, Server};
#[cfg(feature = "srv")]
use standin_net::resolvers::SrvOptions;
use standin_net::{
    ClientCertificate, MemoryFile, OtherRoots, Proxies, Proxy, Revocation, SslFileError, SslFiles,
    Tls,
};

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
    /// The proxy is no host.
    #[error(
        "the proxy of Puppet's settings cannot be used; set http_proxy_host to a name, or to none"
    )]
    Proxy(#[source] InvalidServer),
}

impl Client {
    /// A client as Puppet's settings have it: lists, certificates, certname, proxies, keep-alive, where
    /// reports go, what `puppetdb.conf` says of commands, of the time for one PuppetDB and of the
    /// certificate shown to it (see [`policy_of`]), and a memory in Puppet's `statedir` that lasts for
    /// two run intervals and five minutes. `ssl_trust_store` counts for servers
    /// outside the installation, as in Puppet's agent.
    ///
    /// The lists are those of now; see [`SettingsFiles`](crate::resolvers::SettingsFiles) for lists that
    /// follow the files.
    ///
    /// Connect and read time-outs of the settings are not taken over: they are what makes today's
    /// agent wait for minutes, and the policy's own bound every request.
    ///
    /// # Errors
    /// When the lists contradict each other, or a certificate cannot be used; the error beneath
    /// names the file and what to do.
    pub fn from_settings(settings: &Settings) -> Result<ClientBuilder, UnfitSettings> {
        let puppet = &settings.puppet;
        let files = ssl_files(puppet);
        let tls = Tls::from_files(&files)?;
        let mut builder = Self::builder(settings.installation()?, tls)
            .agent(&puppet.certname)
            .proxies(proxies_of(settings)?)
            .policy(policy_of(settings))
            .memory(puppet.dirs.statedir.join(MemoryFile::NAME));
        if let Reports::To(server) = settings.reports() {
            builder = builder.reports_to(server.clone());
        }
        let shown = settings
            .puppetdb
            .as_ref()
            .map(|conf| conf.client_certificate);
        if shown == Some(config::ClientCertificate::NotShown) {
            let files = SslFiles {
                client_certificate: ClientCertificate::NotShown,
                ..files.clone()
            };
            builder = builder.puppetdb(Tls::from_files(&files)?);
        }
        if puppet.ssl.trust_store.is_some() {
            let others = OtherRoots {
                trust_store: puppet.ssl.trust_store.clone(),
                ..OtherRoots::default()
            };
            let files = SslFiles { others, ..files };
            builder = builder.elsewhere(Tls::from_files(&files)?);
        }
        Ok(builder)
    }
}

/// The files of the agent's TLS as `puppet.conf` has them.
#[must_use]
pub fn ssl_files(puppet: &PuppetConf) -> SslFiles {
    SslFiles {
        ca: puppet.ssl.ca.clone(),
        cert: puppet.ssl.cert.clone(),
        key: puppet.ssl.key.clone(),
        passfile: puppet.ssl.passphrase.clone(),
        crl: puppet.ssl.crl.clone(),
        revocation: match puppet.revocation {
            standin_config::Revocation::Chain => Revocation::Chain,
            standin_config::Revocation::Leaf => Revocation::Leaf,
            standin_config::Revocation::Off => Revocation::Off,
        },
        others: OtherRoots::default(),
        client_certificate: ClientCertificate::Shown,
    }
}

/// The proxies as `puppet.conf` and the environment have them.
///
/// # Errors
/// [`UnfitSettings::Proxy`] when the proxy is no host.
pub fn proxies_of(settings: &Settings) -> Result<Proxies, UnfitSettings> {
    let http = &settings.puppet.http;
    let Some(of) = &http.proxy else {
        return Ok(Proxies::default());
    };
    let server = Server::new(&of.host, of.port).map_err(UnfitSettings::Proxy)?;
    let mut proxy = Proxy::new(server);
    if let Some(user) = &of.user {
        let password = of.password.as_ref().map_or("", Secret::reveal);
        proxy = proxy.with_account(user, password);
    }
    let http = http.clone();
    Ok(Proxies::through_unless(proxy, move |host, port| {
        http.proxy_for(host, port).is_none()
    }))
}

/// What to ask DNS for if the settings say that it is to be asked, `use_srv_records`.
#[cfg(feature = "srv")]
#[must_use]
pub fn srv_options(settings: &Settings) -> Option<SrvOptions> {
    match &settings.puppet.srv_records {
        SrvRecords::NotAsked => None,
        SrvRecords::Of { domain } => Some(SrvOptions {
            domain: domain.clone(),
            agent: settings.puppet.certname.clone(),
            name_server: None,
        }),
    }
}

/// The policy as Puppet's settings have it: the default, but for how long connections are kept and
/// health is remembered, and what `puppetdb.conf` says of PuppetDB: who gets a command and how many have
/// to take it (`command_broadcast`, `min_successful_submissions`), what it means that it was not taken
/// (`soft_write_failure`), and the time for one server where `server_url_timeout` is set.
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
        policy.commands = commands_of(puppetdb);
    }
    policy
}

fn commands_of(conf: &PuppetDbConf) -> Commands {
    Commands {
        submission: match conf.submission {
            config::Submission::First => Submission::First,
            config::Submission::Broadcast { least } => Submission::Broadcast {
                // The terminus lets nothing below 1 through.
                least: usize::try_from(least)
                    .ok()
                    .and_then(NonZeroUsize::new)
                    .unwrap_or(NonZeroUsize::MIN),
            },
        },
        failure: match conf.write_failure {
            config::WriteFailure::FailsTheRun => WriteFailure::FailsTheRun,
            config::WriteFailure::IsLogged => WriteFailure::IsLogged,
        },
    }
}

/// How far a run may be put off and still find what the last one but one learned.
const SPLAY: Duration = Duration::from_secs(300);
