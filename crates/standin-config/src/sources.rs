//! Sources: which files to read, and what beats and completes them.

use std::path::{Path, PathBuf};

use crate::{Defaults, Hosts, Origin, Overrides, PxpAgentConf, SettingsError};

/// Where settings are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sources {
    /// The directory of `puppet.conf`, unless an override of `confdir` names another.
    pub confdir: PathBuf,
    /// The file of pxp-agent, which then has to exist. Without it, the first that exists of
    /// `pxp-agent.conf` in the confdir and, for a confdir that is called `puppet`,
    /// `../pxp-agent/pxp-agent.conf`, which is where packages put it.
    pub pxp_agent: Option<PathBuf>,
    /// Files of Puppet Enterprise's parameters, from its classifier or Hiera, which then have to
    /// exist. What they say counts where the files of this host say nothing.
    pub parameters: Vec<PathBuf>,
    /// Hosts to be used instead of all that the files say of servers.
    pub hosts: Option<Hosts>,
    /// What beats the files.
    pub overrides: Overrides,
    /// What completes them.
    pub defaults: Defaults,
}

impl Sources {
    /// The files of the directory `confdir`.
    #[must_use]
    pub fn new(confdir: impl Into<PathBuf>, defaults: Defaults) -> Self {
        Self {
            confdir: confdir.into(),
            pxp_agent: None,
            parameters: Vec::new(),
            hosts: None,
            overrides: Overrides::new(),
            defaults,
        }
    }

    /// The files of this machine, where Puppet's packages put them for this user.
    ///
    /// # Errors
    /// As [`Defaults::of_this_machine`].
    #[cfg(unix)]
    pub fn of_this_machine() -> Result<Self, crate::UnknownMachine> {
        let defaults = Defaults::of_this_machine()?;
        let overrides = Overrides::new().with_environment(|name| std::env::var(name).ok());
        Ok(Self::new(defaults.confdir(), defaults).with_overrides(overrides))
    }

    /// The same with the file of pxp-agent at `path`.
    #[must_use]
    pub fn with_pxp_agent(mut self, path: impl Into<PathBuf>) -> Self {
        self.pxp_agent = Some(path.into());
        self
    }

    /// The same with one more file of parameters, which counts after those before it.
    #[must_use]
    pub fn with_parameters(mut self, path: impl Into<PathBuf>) -> Self {
        self.parameters.push(path.into());
        self
    }

    /// The same with these hosts instead of all that the files say of servers.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// The same with these overrides.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// The directory that `puppet.conf` is read from.
    pub(crate) fn read_confdir(&self) -> Result<PathBuf, SettingsError> {
        let Some(dir) = self.overrides.get("confdir") else {
            return Ok(self.confdir.clone());
        };
        let dir = self.defaults.path(dir).map(PathBuf::from);
        dir.map_err(|fault| SettingsError::new(&Origin::Override, fault).about("confdir"))
    }
}

/// Where pxp-agent's file may be if nobody says where it is.
pub(crate) fn usual_pxp_agent(confdir: &Path) -> impl Iterator<Item = PathBuf> {
    let is_packaged = confdir.file_name().is_some_and(|name| name == "puppet");
    let beside = confdir.parent().filter(|_| is_packaged);
    let beside = beside.map(|parent| parent.join("pxp-agent"));
    [Some(confdir.to_path_buf()), beside]
        .into_iter()
        .flatten()
        .map(|dir| dir.join(PxpAgentConf::FILE))
}
