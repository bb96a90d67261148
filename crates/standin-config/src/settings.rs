//! The settings of all files together.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::sources::usual_pxp_agent;
use crate::{
    ClassifierYaml, Parameters, Place, PuppetConf, PuppetDbConf, PxpAgentConf, SettingsError,
    SettingsFault, Sources,
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
        let confdir = sources.read_confdir()?;
        directory(&confdir)?;
        let path = confdir.join(PuppetConf::FILE);
        let text = text_if_there(&path)?;
        let puppet_conf = text.is_some().then_some(path);
        let puppet = PuppetConf::parse(
            text.as_deref().unwrap_or_default(),
            &confdir,
            &sources.defaults,
            &sources.overrides,
        )?;
        // As Puppet does: puppet.conf may send its readers elsewhere for the others.
        let confdir = &puppet.dirs.confdir;
        let puppetdb = text_if_there(&confdir.join(PuppetDbConf::FILE))?
            .map(|text| PuppetDbConf::parse(&text, confdir))
            .transpose()?;
        let classifier = text_if_there(&confdir.join(ClassifierYaml::FILE))?
            .map(|text| ClassifierYaml::parse(&text, confdir))
            .transpose()?;
        let pxp_agent = pxp_agent(sources, confdir)?;
        let parameters = sources
            .parameters
            .iter()
            .map(|path| Parameters::parse(&text_of(path)?, path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            puppet,
            puppet_conf,
            puppetdb,
            classifier,
            pxp_agent,
            parameters,
        })
    }
}

fn pxp_agent(sources: &Sources, confdir: &Path) -> Result<Option<PxpAgentConf>, SettingsError> {
    let parse = |text: String, path: &Path| PxpAgentConf::parse(&text, path, &sources.defaults);
    if let Some(path) = &sources.pxp_agent {
        return parse(text_of(path)?, path).map(Some);
    }
    for path in usual_pxp_agent(confdir) {
        if let Some(text) = text_if_there(&path)? {
            return parse(text, &path).map(Some);
        }
    }
    Ok(None)
}

fn directory(path: &Path) -> Result<(), SettingsError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unreadable(path, error)),
        _ => Err(SettingsError::new(
            Place::Whole(path.to_path_buf()),
            SettingsFault::NoConfDir,
        )),
    }
}

fn text_of(path: &Path) -> Result<String, SettingsError> {
    fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn text_if_there(path: &Path) -> Result<Option<String>, SettingsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: io::Error) -> SettingsError {
    SettingsError::new(
        Place::Whole(path.to_path_buf()),
        SettingsFault::Unreadable(error),
    )
}

#[cfg(test)]
pub(crate) mod tests {
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
        }
    }
}
