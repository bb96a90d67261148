//! The settings as far as they can be read, for a report that is to be about all of them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::sources::usual_pxp_agent;
use crate::{
    ClassifierYaml, Parameters, Place, PuppetConf, PuppetDbConf, PxpAgentConf, Settings,
    SettingsError, SettingsFault, Sources,
};

/// The settings of the files that can be used, and what is wrong with the others.
#[derive(Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The settings, as if the files that cannot be used were not there.
    pub settings: Settings,
    /// A fault for each file that cannot be used.
    pub faults: Vec<SettingsError>,
}

impl Survey {
    /// Reads the files that there are, as [`Settings::read`] does, and goes on after one that
    /// cannot be used.
    ///
    /// # Errors
    /// When the directory is missing, or `puppet.conf` cannot be read or used, on which the others
    /// depend.
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
        let confdir = puppet.dirs.confdir.clone();
        let mut faults = Vec::new();
        let puppetdb = text_if_there(&confdir.join(PuppetDbConf::FILE)).and_then(|text| {
            text.map(|text| PuppetDbConf::parse(&text, &confdir))
                .transpose()
        });
        let classifier = text_if_there(&confdir.join(ClassifierYaml::FILE)).and_then(|text| {
            text.map(|text| ClassifierYaml::parse(&text, &confdir))
                .transpose()
        });
        let parameters = sources.parameters.iter().filter_map(|path| {
            let read = text_of(path).and_then(|text| Parameters::parse(&text, path));
            usable(read.map(Some), &mut faults)
        });
        let parameters = parameters.collect();
        let settings = Settings {
            puppet,
            puppet_conf,
            puppetdb: usable(puppetdb, &mut faults),
            classifier: usable(classifier, &mut faults),
            pxp_agent: usable(pxp_agent(sources, &confdir), &mut faults),
            parameters,
            hosts: sources.hosts.clone(),
        };
        Ok(Self { settings, faults })
    }
}

fn usable<T>(read: Result<Option<T>, SettingsError>, faults: &mut Vec<SettingsError>) -> Option<T> {
    read.unwrap_or_else(|fault| {
        faults.push(fault);
        None
    })
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
