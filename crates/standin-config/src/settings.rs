//! The settings of all files together.

use std::path::PathBuf;

use crate::sources::usual_pxp_agent;
use crate::{
    ClassifierYaml, Hosts, Parameters, PuppetConf, PuppetDbConf, PxpAgentConf, SettingsError,
    Sources, Survey,
};

/// What the settings files of an installation say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// `puppet.conf`, or Puppet's defaults where there is no such file.
    pub puppet: PuppetConf,
    /// The `puppet.conf` that was read, if there is one.
    pub puppet_conf: Option<PathBuf>,
    /// `puppetdb.conf`, which only a Puppet Server has.
    pub puppetdb: Option<PuppetDbConf>,
    /// `classifier.yaml`, which only a Puppet Server has.
    pub classifier: Option<ClassifierYaml>,
    /// `pxp-agent.conf`.
    pub pxp_agent: Option<PxpAgentConf>,
    /// Files of Puppet Enterprise's parameters, in the order in which they were named. Of two that
    /// say something of one thing the first counts.
    pub parameters: Vec<Parameters>,
    /// Hosts that the caller named, which are used instead of all that the files say of servers.
    pub hosts: Option<Hosts>,
}

impl Settings {
    /// Reads the files that there are.
    ///
    /// None of them has to exist, as for Puppet itself, but the directory has to: a misspelt one
    /// would look like an installation whose server is called `puppet`.
    ///
    /// # Errors
    /// When the directory or a file named in `sources` is missing, a file cannot be read, or one
    /// of its settings cannot be used.
    pub fn read(sources: &Sources) -> Result<Self, SettingsError> {
        let Survey { settings, faults } = Survey::read(sources)?;
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(settings),
        }
    }

    /// The files that these settings were read from, and those that were looked for: a change of one
    /// of them may be a change of the settings.
    #[must_use]
    pub fn files(&self, sources: &Sources) -> Vec<PathBuf> {
        let confdir = &self.puppet.dirs.confdir;
        let mut files = vec![
            self.puppet.path.to_path_buf(),
            confdir.join(PuppetDbConf::FILE),
            confdir.join(ClassifierYaml::FILE),
        ];
        match &sources.pxp_agent {
            Some(path) => files.push(path.clone()),
            None => files.extend(usual_pxp_agent(confdir)),
        }
        files.extend(sources.parameters.iter().cloned());
        files
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Account, Defaults, Overrides};

    pub(crate) fn defaults() -> Defaults {
        Defaults {
            account: Account::Root,
            home: "/root".into(),
            hostname: "agent1.example.com".into(),
        }
    }

    /// The same with a file of parameters.
    pub(crate) fn with_parameters(mut settings: Settings, text: &str) -> Settings {
        let path = Path::new("/c/common.yaml");
        let parameters = Parameters::parse(text, path).unwrap();
        settings.parameters.push(parameters);
        settings
    }

    /// Settings of these texts; an empty text is no file.
    pub(crate) fn settings(puppet: &str, puppetdb: &str, classifier: &str, pxp: &str) -> Settings {
        let confdir = Path::new("/c");
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let overrides = Overrides::new();
        Settings {
            puppet: PuppetConf::parse(puppet, confdir, &defaults(), &overrides).unwrap(),
            puppet_conf: some(puppet).map(|_| confdir.join(PuppetConf::FILE)),
            puppetdb: some(puppetdb).map(|text| PuppetDbConf::parse(&text, confdir).unwrap()),
            classifier: some(classifier).map(|text| ClassifierYaml::parse(&text, confdir).unwrap()),
            pxp_agent: some(pxp).map(|text| {
                PxpAgentConf::parse(&text, &confdir.join(PxpAgentConf::FILE), &defaults()).unwrap()
            }),
            parameters: Vec::new(),
            hosts: None,
        }
    }
}
