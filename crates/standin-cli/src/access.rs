//! Puppet's settings, and the client made of them.

use standin::config::{Hosts, Overrides, Settings, Sources};
use standin::{
    Client, ClientBuilder, Installation, Names, Policy, Tls, policy_of, proxies_of, ssl_files,
};
use standin_net::Connector;

use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, chain};
use crate::streams::Streams;

/// The way to an installation.
pub(crate) struct Access {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
}

impl Access {
    /// As the settings and the command line have it; mentions what was assumed.
    ///
    /// # Errors
    /// When they make no client; the failure names file and setting.
    pub(crate) fn open(common: &Common, streams: &mut Streams<'_>) -> Result<Self, Failure> {
        let settings = common.settings(streams)?;
        let client = builder(&settings, common)?.build()?;
        Ok(Self { client, settings })
    }

    /// The same with the installation that `change` makes of it, and without a memory: what is learned of
    /// an order that was made up is of no use to others.
    ///
    /// # Errors
    /// As [`Access::open`], and those of `change`.
    pub(crate) fn open_in(
        common: &Common,
        streams: &mut Streams<'_>,
        change: impl FnOnce(&Installation) -> Result<Installation, Failure>,
    ) -> Result<Self, Failure> {
        let settings = common.settings(streams)?;
        let installation = change(&installation(&settings)?)?;
        let builder = builder(&settings, common)?.installation(installation);
        let client = builder.without_memory().build()?;
        Ok(Self { client, settings })
    }

    /// The same with the policy that `change` makes of it, and without a memory: what a watcher sees is
    /// not what agents went through.
    ///
    /// # Errors
    /// As [`Access::open`].
    pub(crate) fn open_watching(
        common: &Common,
        streams: &mut Streams<'_>,
        change: impl FnOnce(&mut Policy),
    ) -> Result<Self, Failure> {
        let settings = common.settings(streams)?;
        let mut policy = policy_of(&settings);
        change(&mut policy);
        let builder = builder(&settings, common)?.policy(policy);
        let client = builder.without_memory().build()?;
        Ok(Self { client, settings })
    }

    /// # Errors
    /// When the lists of the settings contradict each other.
    pub(crate) fn installation(&self) -> Result<Installation, Failure> {
        installation(&self.settings)
    }

    /// Leaves what was learned to the next command. Where it cannot be written, that is mentioned and
    /// does no harm.
    pub(crate) async fn remember(&self, streams: &mut Streams<'_>) {
        if let Err(error) = self.client.remember().await {
            streams.mention(format_args!("* nothing is remembered: {}", chain(&error)));
        }
    }
}

/// # Errors
/// When the lists of the settings contradict each other.
pub(crate) fn installation(settings: &Settings) -> Result<Installation, Failure> {
    settings
        .installation()
        .map_err(|error| Failure::usage(&error))
}

fn builder(settings: &Settings, common: &Common) -> Result<ClientBuilder, Failure> {
    let builder = Client::from_settings(settings).map_err(|error| Failure::usage(&error))?;
    Ok(builder.names(common.names()))
}

impl Common {
    /// Puppet's settings with what the command line has; mentions what was assumed.
    ///
    /// # Errors
    /// When they cannot be used; the failure names file and setting.
    pub(crate) fn settings(&self, streams: &mut Streams<'_>) -> Result<Settings, Failure> {
        let settings = Settings::read(&self.sources()?).map_err(|error| Failure::usage(&error))?;
        for note in settings.notes() {
            streams.mention(format_args!("* {note}"));
        }
        Ok(settings)
    }

    /// # Errors
    /// When the machine does not tell where its settings are.
    pub(crate) fn sources(&self) -> Result<Sources, Failure> {
        let hosts = self.hosts()?;
        let sources = Sources::of_this_machine().map_err(|error| Failure::usage(&error))?;
        let overrides = self.overrides(sources.overrides.clone());
        let mut sources = sources.with_overrides(overrides);
        if let Some(hosts) = hosts {
            sources = sources.with_hosts(hosts);
        }
        let files = self.parameters.iter();
        Ok(files.fold(sources, Sources::with_parameters))
    }

    fn hosts(&self) -> Result<Option<Hosts>, Failure> {
        let contradiction = match (&self.master, &self.replica, &self.server_list) {
            (None, Some(_), _) => "--replica: it is the replica of --master; name that too",
            (Some(_), _, Some(_)) => {
                "--master: --server_list says who the servers are already; leave one of them out"
            }
            (Some(master), Some(replica), None) if master.host() == replica.host() => {
                "--replica: it is the host of --master; a replica is another one"
            }
            (master, replica, _) => {
                return Ok(master.clone().map(|master| Hosts {
                    master,
                    replica: replica.clone(),
                }));
            }
        };
        Err(Failure::new(Code::USAGE, contradiction))
    }

    /// The same with what the command line has.
    fn overrides(&self, overrides: Overrides) -> Overrides {
        let settings = [
            ("confdir", &self.confdir),
            ("ssldir", &self.ssldir),
            ("certname", &self.certname),
            ("server_list", &self.server_list),
        ];
        settings
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .fold(overrides, |all, (name, value)| all.with(name, value))
    }

    /// What reaches servers as the client does, without its judgement.
    ///
    /// # Errors
    /// When the certificates or the proxy of the settings cannot be used.
    pub(crate) fn connector(&self, settings: &Settings) -> Result<Connector, Failure> {
        let tls = Tls::from_files(&ssl_files(&settings.puppet));
        let tls = tls.map_err(|error| Failure::usage(&error))?;
        let proxies = proxies_of(settings).map_err(|error| Failure::usage(&error))?;
        Ok(Connector::new(tls, self.names()).proxies(proxies))
    }

    pub(crate) fn names(&self) -> Names {
        let given = self.resolve.iter();
        given.fold(Names::new(), |names, given| given.add_to(names))
    }
}
