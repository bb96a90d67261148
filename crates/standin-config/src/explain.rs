//! Explanations: why a setting has its value, in plain sentences.

use std::fmt;
use std::path::Path;

use crate::origin::Reading;
use crate::stated::Stated;
use crate::{ClassifierYaml, Hosts, Origin, PuppetConf, PuppetDbConf, Rule, Settings, Unused};

/// Why a setting has its value.
///
/// [`Display`](fmt::Display) says it in sentences, which may change; the fields are for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The setting, as its file names it.
    pub setting: String,
    /// The name of the file that it belongs to, like `puppet.conf`, whether or not that says it.
    pub file: String,
    /// What is used, as it would be written; `(secret)` for a secret, and nothing for no value.
    pub value: String,
    /// What stands at the origin, where that is something else: `$ssldir/crl.pem`.
    pub written: Option<String>,
    /// Where the value was found.
    pub origin: Origin,
    /// The rule that chose it.
    pub rule: Rule,
    /// Where else it stands, without effect.
    pub unused: Vec<Unused>,
    /// What follows from it together with other settings, in words.
    pub consequence: Option<&'static str>,
}

impl Settings {
    /// Why the setting has its value: an explanation for each file that knows a setting of this
    /// name, so none when nothing that is read is called so.
    ///
    /// Every setting that is read can be explained, the defaults too.
    #[must_use]
    pub fn explain(&self, setting: &str) -> Vec<Explanation> {
        let all = self.explanations().into_iter();
        all.filter(|one| one.setting == setting).collect()
    }

    /// Why each setting that is read has its value, file by file.
    #[must_use]
    pub fn explanations(&self) -> Vec<Explanation> {
        let mut all = of_readings(PuppetConf::FILE.as_ref(), self.puppet.readings.iter());
        for one in &mut all {
            one.consequence = self.consequence(one);
        }
        if let Some(conf) = &self.puppetdb {
            all.extend(of_readings(
                PuppetDbConf::FILE.as_ref(),
                conf.readings.iter(),
            ));
        }
        if let Some(conf) = &self.classifier {
            let readings = conf.readings.iter();
            let readings = readings.map(|(setting, reading)| (*setting, reading));
            all.extend(of_readings(ClassifierYaml::FILE.as_ref(), readings));
        }
        if let Some(conf) = &self.pxp_agent {
            all.extend(of_readings(&conf.path, conf.readings.iter()));
        }
        for file in &self.parameters {
            all.extend(of_readings(&file.path, file.readings.iter()));
        }
        if self.hosts.is_some() {
            for one in &mut all {
                one.consequence = Hosts::INSTEAD_OF
                    .contains(&one.setting.as_str())
                    .then_some("It is not used, for the caller names the hosts.");
            }
        }
        all
    }
}

impl Settings {
    /// What a setting of `puppet.conf` comes to beside `server_list`.
    fn consequence(&self, of: &Explanation) -> Option<&'static str> {
        Stated::of(self).server_list?;
        Some(match (of.setting.as_str(), of.origin.is_set()) {
            ("server", _) => "It is not used, for server_list comes before it.",
            ("ca_server", true) => {
                "Requests to the certificate authority do not follow server_list."
            }
            ("ca_server", false) => "Requests to the certificate authority follow server_list.",
            ("report_server", true) => "Reports do not follow server_list.",
            ("report_server", false) => "Reports follow server_list.",
            _ => return None,
        })
    }
}

fn of_readings<'a>(
    file: &Path,
    readings: impl Iterator<Item = (&'static str, &'a Reading)>,
) -> Vec<Explanation> {
    let name = file.file_name().unwrap_or(file.as_os_str());
    let file = name.to_string_lossy();
    readings
        .map(|(setting, reading)| Explanation {
            setting: setting.to_owned(),
            file: file.clone().into_owned(),
            value: reading.value.clone(),
            written: reading.written.clone(),
            origin: reading.origin.clone(),
            rule: reading.rule,
            unused: reading.unused.clone(),
            consequence: None,
        })
        .collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            origin,
            value,
            ..
        } = self;
        let value = or_nothing(value);
        write!(f, "{setting} is {value}")?;
        if let Some(written) = &self.written {
            write!(f, ", written as {written}")?;
        }
        match self.rule {
            Rule::Override => write!(
                f,
                ". The command line sets it, which comes before any file."
            ),
            Rule::Environment => write!(f, ". The {origin} sets it, which comes before any file."),
            Rule::AgentSection => {
                write!(
                    f,
                    ". {origin} sets it in [agent], which comes before [main]."
                )
            }
            Rule::MainSection => write!(f, ". {origin} sets it in [main], and [agent] does not."),
            Rule::Stated => write!(f, ". {origin} sets it."),
            Rule::Behind(other) => {
                write!(f, ". {origin} sets it in vain: {other} comes before it.")
            }
            Rule::Before(other) => write!(f, ". {origin} sets it, which comes before {other}."),
            Rule::Default => match origin {
                Origin::Default(assumed) => write!(
                    f,
                    ". Nobody sets it; the default is {}.",
                    or_nothing(assumed)
                ),
                _ => write!(f, ". Nobody sets it."),
            },
        }?;
        for unused in &self.unused {
            write!(f, " {} has no effect: {}.", unused.origin, unused.why)?;
        }
        self.consequence.map_or(Ok(()), |text| write!(f, " {text}"))
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

#[cfg(test)]
mod tests;
