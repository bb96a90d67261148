//! Puppet's settings, and the client made of them.

use standin::config::{Overrides, Settings, Sources};
use standin::{Client, Installation, Names};

use crate::cli::Common;
use crate::failure::{Failure, chain};
use crate::streams::Streams;

/// The way to an installation.
pub(crate) struct Access {
    pub(crate) client: Client,
    pub(crate) installation: Installation,
}

impl Access {
    /// As the settings and the command line have it; mentions what was assumed.
    ///
    /// # Errors
    /// When they make no client; the failure names file and setting.
    pub(crate) fn open(common: &Common, streams: &mut Streams<'_>) -> Result<Self, Failure> {
        let settings = common.settings(streams)?;
        let installation = settings
            .installation()
            .map_err(|error| Failure::usage(&error))?;
        let builder = Client::from_settings(&settings).map_err(|error| Failure::usage(&error))?;
        Ok(Self {
            client: builder.names(common.names()).build()?,
            installation,
        })
    }
}

impl Access {
    /// Leaves what was learned to the next command. Where it cannot be written, that is mentioned and
    /// does no harm.
    pub(crate) async fn remember(&self, streams: &mut Streams<'_>) {
        if let Err(error) = self.client.remember().await {
            streams.mention(format_args!("nothing is remembered: {}", chain(&error)));
        }
    }
}

impl Common {
    /// Puppet's settings with what the command line has; mentions what was assumed.
    ///
    /// # Errors
    /// When they cannot be used; the failure names file and setting.
    pub(crate) fn settings(&self, streams: &mut Streams<'_>) -> Result<Settings, Failure> {
        let settings = Settings::read(&self.sources()?).map_err(|error| Failure::usage(&error))?;
        for note in settings.notes() {
            streams.mention(note);
        }
        Ok(settings)
    }

    /// # Errors
    /// When the machine does not tell where its settings are.
    pub(crate) fn sources(&self) -> Result<Sources, Failure> {
        let sources = Sources::of_this_machine().map_err(|error| Failure::usage(&error))?;
        let overrides = self.overrides(sources.overrides.clone());
        let sources = sources.with_overrides(overrides);
        let files = self.parameters.iter();
        Ok(files.fold(sources, Sources::with_parameters))
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

    pub(crate) fn names(&self) -> Names {
        let given = self.resolve.iter();
        given.fold(Names::new(), |names, given| {
            names.with(&given.host, given.address)
        })
    }
}
